package engine

import (
	"context"
	"fmt"
	"time"
)

const (
	// tidyPause is the time between two looks for what has had its time.
	tidyPause = time.Hour
	// receiptsKept is how long an idempotency key is remembered.
	receiptsKept = 24 * time.Hour
	// historyStep is how many executors are deleted in one transaction, which is
	// what a claim may have to wait for: some milliseconds, most of it the fsync
	// (measured with 300,000 executors stored and others writing).
	historyStep = 25
	// historyPause is the time between two steps.
	historyPause = 20 * time.Millisecond
	// historyClear is how far away the next due instant must be for a step, so
	// that claims have the store to themselves.
	historyClear = time.Second
	// historyPatience is how often that is waited for before a step is done all
	// the same, so that a busy daemon's history is deleted too.
	historyPatience = 10
)

// tidy deletes what has only a time to live, once an hour, in small steps.
func (e *Engine) tidy() {
	for e.undos.Err() == nil {
		e.pruneReceipts()
		e.pruneHistory()
		sleep(e.undos, tidyPause)
	}
}

func (e *Engine) pruneReceipts() {
	const step = 500
	for n := step; n == step && e.undos.Err() == nil; {
		var err error
		n, err = e.store.PruneReceipts(e.undos, time.Now().Add(-receiptsKept), step)
		if err != nil && e.undos.Err() == nil {
			e.log.Warn("old idempotency keys could not be deleted", "error", err)
		}
	}
}

// pruneHistory deletes the plans that ended longer ago than history is kept.
func (e *Engine) pruneHistory() {
	if e.settings.History <= 0 {
		return
	}
	before := time.Now().Add(-e.settings.History)
	var plans, executors int
	for more := true; more; {
		if !e.clearAhead(e.undos) {
			return
		}
		step, err := e.pruneStep(e.undos, before)
		plans, executors = plans+len(step.Plans), executors+step.Executors
		if err != nil {
			if e.undos.Err() == nil {
				e.log.Warn("old plans could not be deleted; it is tried again within the hour", "error", err)
			}
			break
		}
		if more = step.More; more {
			sleep(e.undos, historyPause)
		}
	}
	if plans+executors > 0 {
		e.log.Info("old plans were deleted", "plans", plans, "executors", executors, "ended_before", before.UTC())
	}
}

// pruneStep is one transaction's worth.
func (e *Engine) pruneStep(ctx context.Context, before time.Time) (Pruned, error) {
	step, err := e.store.PruneHistory(ctx, before, historyStep, Abandonment{
		By:     "the daemon's history",
		Reason: "its plan ended more than " + inDays(e.settings.History) + " ago",
		At:     time.Now().UTC(),
	})
	if len(step.Plans) > 0 {
		e.changed.notify()
	}
	return step, err
}

// clearAhead waits until nothing is about to be due, or has waited long enough.
// It says false when the engine stops.
func (e *Engine) clearAhead(ctx context.Context) bool {
	for range historyPatience {
		next, err := e.store.NextDue(ctx, e.queue.has)
		if err == nil && (next.IsZero() || time.Until(next) > historyClear) {
			break
		}
		sleep(ctx, historyClear)
	}
	return ctx.Err() == nil
}

// inDays is a history in words.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
