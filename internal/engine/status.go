package engine

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Status is what somebody wants to know first about a daemon.
type Status struct {
	Lever        LeverState
	Irreversible IrreversiblePolicy
	Limits       []LimitUse
	// Live counts the runs that are claimed or running, Undoing the executors
	// whose records are being executed.
	Live, Undoing int
	// Executors counts those that are stored.
	Executors map[State]int
	Undos     UndoCounts
	Totals    Totals
}

// Totals count since the engine was made.
type Totals struct {
	UndoAttempts map[Outcome]uint64
	UndosFailed  uint64 // records given up
	Halts        uint64 // times the lever was engaged
	// LastHaltGone and LastHaltUndone are those of the last LeverStop; 0 until
	// they are reached.
	LastHaltGone, LastHaltUndone time.Duration
}

// totals are Totals in the making.
type totals struct {
	mu     sync.Mutex
	counts Totals
}

func (t *totals) halted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Halts++
	t.counts.LastHaltGone, t.counts.LastHaltUndone = 0, 0
}

func (t *totals) stopped(stop LeverStop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.LastHaltGone, t.counts.LastHaltUndone = stop.Gone, stop.Undone
}

func (t *totals) undoAttempted(o Outcome, givenUp bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts.UndoAttempts == nil {
		t.counts.UndoAttempts = map[Outcome]uint64{}
	}
	t.counts.UndoAttempts[o]++
	if givenUp {
		t.counts.UndosFailed++
	}
}

func (t *totals) now() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counts
	counts.UndoAttempts = maps.Clone(counts.UndoAttempts)
	return counts
}

// Status tells how the engine is.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	undos, err := e.store.UndoCounts(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("count the undo records: %w", err)
	}
	executors, err := e.store.ExecutorCounts(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("count the executors: %w", err)
	}
	return Status{
		Lever:        e.Lever(),
		Irreversible: e.settings.Limits.Irreversible,
		Limits:       e.limitsInUse(undos),
		Live:         e.live.len(),
		Undoing:      e.undoing.len(),
		Executors:    executors,
		Undos:        undos,
		Totals:       e.totals.now(),
	}, nil
}

// limitsInUse lists all limits, by the names of their flags.
func (e *Engine) limitsInUse(undos UndoCounts) []LimitUse {
	l := e.settings.Limits
	now := time.Now()
	ofRef, ofPlan := e.live.most()
	list := []LimitUse{
		numberUsed("max-concurrent-runs", e.settings.MaxConcurrentRuns, e.live.len()),
		numberUsed("max-runs-per-ref", l.RunsPerRef, ofRef),
		numberUsed("max-runs-per-plan", l.RunsPerPlan, ofPlan),
		numberUsed("max-runs-per-hour", l.RunsPerHour, e.starts.count(now)),
		numberUsed("max-open-undos", l.OpenUndos, undos.Unsettled()),
		{Name: "allow-attack", Limit: orNone(l.Allow), Used: -1},
		{Name: "deny-attack", Limit: orNone(l.Deny), Used: -1},
	}
	quiet := LimitUse{Name: "quiet-hours", Limit: "none", Used: -1}
	if l.Quiet != nil {
		quiet.Limit = fmt.Sprint(l.Quiet)
		quiet.Reached = l.Quiet.At(now) != ""
	}
	return append(list, quiet)
}

func numberUsed(name string, limit, used int) LimitUse {
	u := LimitUse{Name: name, Limit: "none", Used: used}
	if limit > 0 {
		u.Limit, u.Reached = strconv.Itoa(limit), used >= limit
	}
	return u
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
