package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// verdict is how the executors ended, all in all.
type verdict struct {
	name  string // for programs
	words string
	code  int // the exit code
}

// The states that only a deleted executor has here.
const deletedState = "deleted"

// vanished says whether an executor is gone and nobody saw how it ended.
func (w *waiting) vanished(id string) bool {
	e := w.executors[id]
	return w.deleted[id] && !e.Final()
}

// stateOf is what an executor counts as.
func (w *waiting) stateOf(id string) string {
	if w.vanished(id) {
		return deletedState
	}
	return w.executors[id].State
}

// tally counts executors by what they mean for the verdict.
type tally struct {
	pending, failed, never int
	// What those that are over broke: it is still to be undone, the undo failed, or was
	// given up; or it is to stay until somebody asks.
	undoing, notUndone, abandoned, standing int
}

func (w *waiting) tally() (t tally) {
	for _, id := range w.order {
		e := w.executors[id]
		switch {
		case w.vanished(id) && e.Started.IsZero():
			t.never++
		case w.vanished(id): // it ran, and was stopped to be deleted
			t.failed++
		case !w.deleted[id] && !e.Final():
			t.pending++
		case e.NeverRan():
			t.never++
		case e.State != "succeeded":
			t.failed++
		}
		if w.deleted[id] {
			continue
		}
		switch {
		case e.Undoing() && w.isOver(e):
			t.standing++
		case e.Final() && e.Undoing():
			t.undoing++
		case e.Undo == "failed":
			t.notUndone++
		case e.Undo == "abandoned":
			t.abandoned++
		}
	}
	switch {
	case !w.looked:
		t.pending++ // or what became of them is not known
	case len(w.order) == 0:
		t.never++ // gone before they were seen
	}
	return t
}

// verdict judges what was last seen: what is left to undo before what failed,
// that before what never ran.
func (w *waiting) verdict() verdict {
	t := w.tally()
	v := verdict{name: "succeeded"}
	switch {
	case t.pending > 0:
		v = verdict{name: "unfinished", code: exitUnfinished}
	case t.undoing+t.notUndone+t.abandoned > 0:
		v = verdict{name: "not_undone", code: exitNotUndone}
	case t.failed > 0:
		v = verdict{name: "failed", code: exitRunFailed}
	case t.never > 0:
		v = verdict{name: "never_ran", code: exitNeverRan}
	}
	v.words = w.countWords()
	if !w.looked {
		v.words = "what became of the executors was not seen"
	}
	for _, left := range []struct {
		n     int
		words string
	}{
		{t.standing, "the effect of %d stays until somebody undoes it (see cmed undos)"},
		{t.undoing, "the undo of %d still open (see cmed undos)"},
		{t.notUndone, "%d NOT undone (see cmed undos)"},
		{t.abandoned, "%d NOT undone and given up (see cmed undos --all)"},
	} {
		if left.n > 0 {
			v.words += "; " + fmt.Sprintf(left.words, left.n)
		}
	}
	return v
}

// countWords count the executors by state: "3 executors: 2 succeeded, 1 failed".
func (w *waiting) countWords() string {
	counts := map[string]int{}
	for _, id := range w.order {
		counts[w.stateOf(id)]++
	}
	var words []string
	for _, state := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		words = append(words, fmt.Sprintf("%d %s", counts[state], printable(strings.ReplaceAll(state, "_", " "))))
	}
	if len(w.order) == 0 {
		return "the executors are deleted"
	}
	return count(len(w.order), "executor") + ": " + strings.Join(words, ", ")
}

// document is the outcome for programs.
func (w *waiting) document(v verdict) any {
	executors := make([]json.RawMessage, 0, len(w.order))
	for _, id := range w.order {
		executors = append(executors, w.executors[id].Raw)
	}
	return map[string]any{
		"outcome":   v.name,
		"plans":     raws(w.plans, func(p client.Plan) json.RawMessage { return p.Raw }),
		"executors": executors,
	}
}

// progress is how far the executors are, on a line.
func (w *waiting) progress(now time.Time) string {
	if since := w.lost.since; !since.IsZero() {
		return "the daemon is away for " + screen.Span(now.Sub(since)) + "; still waiting"
	}
	over, running := 0, 0
	var longest time.Time // the start of the run that takes longest
	var next time.Time
	for _, id := range w.order {
		e := w.executors[id]
		switch {
		case w.deleted[id] || w.isOver(e):
			over++
		case e.State == "scheduled":
			if next.IsZero() || e.NextRunTime.Before(next) {
				next = e.NextRunTime
			}
		default:
			running++
			if !e.Started.IsZero() && (longest.IsZero() || e.Started.Before(longest)) {
				longest = e.Started
			}
		}
	}
	text := fmt.Sprintf("%d of %s over", over, count(len(w.order), "executor"))
	if running > 0 {
		text += fmt.Sprintf(", %d running", running)
		if !longest.IsZero() {
			text += " for " + screen.Span(max(0, now.Sub(longest)))
		}
	}
	if !next.IsZero() {
		text += ", the next one " + screen.FromNow(next.Sub(now))
	}
	return text
}
