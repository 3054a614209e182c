package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// kind is what a finding counts as.
type kind int

// The kinds.
const (
	doubleFire kind = iota
	lostUndo
	leftover
	violation
)

// finding is a promise that was broken.
type finding struct {
	kind kind
	text string
}

// fate is what was done to all executors of a round.
type fate struct {
	died    bool // the daemon did, at least once
	stopped bool // the daemon was told to end while they ran
	halted  bool // the lever was engaged
	deleted bool // their plan was deleted
	full    bool // the disk was full: an undo record could not be stored
}

// witness is what the traces say of one executor.
type witness struct {
	runs  int  // how often the attack ran
	ended bool // it came to its own end
	early int  // undos that found the run alive
	harms []string
	// undone are the sequences of the harms that undos and the run itself took
	// back, in that order.
	undone []uint64
}

// traces are what the plugins of a world left, by executor.
type traces map[string]*witness

func (t traces) of(executor string) *witness {
	if t[executor] == nil {
		t[executor] = &witness{}
	}
	return t[executor]
}

// readTraces reads what the plugins left in a world's folder.
func readTraces(dir string) (traces, error) {
	t := traces{}
	for _, executor := range lines(script.Runs(dir)) {
		t.of(executor).runs++
	}
	for _, executor := range lines(script.Early(dir)) {
		t.of(executor).early++
	}
	for _, line := range lines(script.Undos(dir)) {
		executor, number, _ := strings.Cut(line, " ")
		if sequence, err := strconv.ParseUint(number, 10, 64); err == nil {
			t.of(executor).undone = append(t.of(executor).undone, sequence)
		}
	}
	ended, err := os.ReadDir(filepath.Dir(script.Ended(dir, "x")))
	if err != nil {
		return nil, fmt.Errorf("read the traces: %w", err)
	}
	for _, e := range ended {
		t.of(e.Name()).ended = true
	}
	harms, err := os.ReadDir(filepath.Dir(script.Harm(dir, "x", 1)))
	if err != nil {
		return nil, fmt.Errorf("read the traces: %w", err)
	}
	for _, e := range harms {
		executor, _, _ := strings.Cut(e.Name(), ".")
		t.of(executor).harms = append(t.of(executor).harms, e.Name())
	}
	return t, nil
}

// mayBe lists the states in which an executor may end that plays a script, given
// what was done to it.
func mayBe(s script.Script, f fate) []string {
	states := []string{outcome(s)}
	if f.died {
		states = append(states, "lost")
	}
	if f.stopped || f.halted || f.deleted {
		states = append(states, "halted")
	}
	if f.halted {
		states = append(states, "blocked")
	}
	if f.full {
		states = append(states, "failed")
	}
	if f.halted || f.deleted {
		states = append(states, "cancelled")
	}
	if s.Nature == script.Garbage { // the stream may break, or be waited for
		states = append(states, "timed_out")
	}
	return states
}

// outcome is the state in which a script ends when nothing else interferes.
func outcome(s script.Script) string {
	switch s.Nature {
	case script.Hang, script.Deaf:
		return "timed_out"
	case script.Cut, script.Garbage:
		return "crashed"
	case script.Twice, script.Handshake, script.Panic:
		return "failed"
	}
	switch {
	case s.Kill == script.Daemon && !s.At.InUndo():
		return "lost"
	case s.Kill != "" && !s.At.InUndo():
		return "crashed"
	case s.End == script.Fail:
		return "failed"
	default:
		return "succeeded"
	}
}

// judge says which promises are broken by an executor that is settled: what the
// daemon says of it against what really happened.
func judge(s script.Script, e executor, w *witness, f fate) []finding {
	var found []finding
	report := func(k kind, format string, args ...any) {
		found = append(found, finding{k, fmt.Sprintf("executor %s (%s, undo %s, %q): ", e.ID, e.State, e.Undo, e.Reason) +
			fmt.Sprintf(format, args...)})
	}
	if w.runs > 1 {
		report(doubleFire, "it ran %d times", w.runs)
	}
	if w.runs > 0 && e.Started == nil {
		report(violation, "it ran, and is on record as never started")
	}
	if w.runs > 0 && slices.Contains([]string{"scheduled", "missed", "blocked", "cancelled"}, e.State) {
		report(violation, "it ran")
	}
	if e.State == "succeeded" && (w.runs != 1 || !w.ended) {
		report(violation, "it ran %d times, to its end: %t", w.runs, w.ended)
	}
	if states := mayBe(s, f); !slices.Contains(states, e.State) {
		report(violation, "it may only be one of %q after %+v", states, f)
	}
	if len(w.harms) > 0 && (e.Undo == "none" || e.Undo == "undone") {
		report(lostUndo, "harm is left: %v", w.harms)
	}
	if w.early > 0 {
		report(violation, "%d undos began while the run was alive", w.early)
	}
	if s.Undo == "" && s.Kill == "" && !slices.IsSortedFunc(w.undone, newestFirst) {
		report(violation, "the harms were taken back in the order %v", w.undone)
	}
	return found
}

func newestFirst(a, b uint64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	default:
		return 0
	}
}

// judgeGone judges what happened to an executor that the daemon knows no more.
func judgeGone(id string, w *witness) []finding {
	var found []finding
	if w.runs > 1 {
		found = append(found, finding{doubleFire, fmt.Sprintf("executor %s, deleted: it ran %d times", id, w.runs)})
	}
	if len(w.harms) > 0 {
		found = append(found, finding{lostUndo, fmt.Sprintf("executor %s, deleted: harm is left: %v", id, w.harms)})
	}
	return found
}
