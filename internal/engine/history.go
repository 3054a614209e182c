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
	// historyPatience is how long that is waited for before a step is done all the
	// same, so that a busy daemon's history is deleted too. Where it was waited for
	// in vain, historyHurry is enough for the next steps: 125 executors a second,
	// which is more than a daemon that is so busy adds.
	historyPatience = 10 * time.Second
	historyHurry    = 200 * time.Millisecond
)

// tidy deletes what has only a time to live, once an hour, in small steps.
func (e *Engine) tidy() {
	for e.undos.Err() == nil {
		e.pruneReceipts()
		if e.pruneHistory(time.Now().Add(tidyPause)) {
			continue
		}
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

// pruneHistory deletes the plans that ended longer ago than history is kept, for
// so long. It says whether there is more.
func (e *Engine) pruneHistory(until time.Time) (more bool) {
	if e.settings.History <= 0 {
		return false
	}
	before := time.Now().Add(-e.settings.History)
	var plans, executors int
	more = true
	for quiet := true; more && e.undos.Err() == nil && time.Now().Before(until); {
		quiet = e.clearAhead(e.undos, quiet)
		step, err := e.pruneStep(e.undos, before)
		plans, executors = plans+len(step.Plans), executors+step.Executors
		if more = step.More; more {
			sleep(e.undos, historyPause)
		}
		switch {
		case e.undos.Err() != nil:
		case err != nil:
			e.log.Warn("old plans could not be deleted; it is tried again within the hour", "error", err)
		case step.Damaged != nil:
			e.log.Error("something old can't be deleted, as what is stored of it can't be read; "+
				"cmed store check says more", "error", step.Damaged)
		}
	}
	if plans+executors > 0 {
		e.log.Info("old plans were deleted", "plans", plans, "executors", executors, "ended_before", before.UTC())
	}
	return more
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

// clearAhead waits until nothing is about to be due, and says whether that is so
// or it has waited long enough, which is less long when it was in vain before.
func (e *Engine) clearAhead(ctx context.Context, before bool) bool {
	left := historyPatience
	if !before {
		left = historyHurry
	}
	for ; left > 0 && ctx.Err() == nil; left -= historyClear {
		next, err := e.store.NextDue(ctx, e.queue.has)
		if err == nil && (next.IsZero() || time.Until(next) > historyClear) {
			return true
		}
		sleep(ctx, min(left, historyClear))
	}
	return false
}

// inDays is a history in words.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
