package engine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// claim makes the executors ours, durably, and sets off a run for each.
func (e *Engine) claim(list []Executor) error {
	boot := e.settings.Boot()
	now := time.Now()
	expected := make(map[ExecutorID]time.Time, len(list))
	ids := idsOf(list)
	for _, ex := range list {
		expected[ex.ID] = ex.Due
	}
	runs, err := e.live.claim(func() ([]Executor, error) {
		return e.store.Claim(e.loops, ids, func(ex *Executor) error {
			if ex.State != Scheduled || !ex.Due.Equal(expected[ex.ID]) {
				return ErrSkip
			}
			ex.State = Starting
			ex.Claim = &Claim{BootID: boot.ID, DueAt: boot.Elapsed + ex.Due.Sub(now)}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("claim %s: %w", count(len(list), "executor"), err)
	}
	_ = failpoint.Hit(failpoint.EngineClaimed)
	e.queue.forget(ids...)
	halted := e.lever.refuses() != ""
	for _, r := range runs {
		if halted { // it may have been engaged before they were registered
			r.callOff(backToScheduled)
		}
		e.background.Go(func() { e.fire(r) })
	}
	return nil
}

func idsOf(list []Executor) []ExecutorID {
	ids := make([]ExecutorID, len(list))
	for i, ex := range list {
		ids[i] = ex.ID
	}
	return ids
}

// reasonsOf returns the ids, and by them the whole.
func reasonsOf(list []queued) ([]ExecutorID, map[ExecutorID]queued) {
	because := make(map[ExecutorID]queued, len(list))
	ids := make([]ExecutorID, len(list))
	for i, b := range list {
		ids[i], because[b.executor.ID] = b.executor.ID, b
	}
	return ids, because
}

// miss records that executors were too late to be started.
func (e *Engine) miss(list []queued, now time.Time) error {
	ids, because := reasonsOf(list)
	full := e.live.len() >= e.settings.MaxConcurrentRuns
	missed, err := e.store.Transition(e.loops, ids, func(ex *Executor) error {
		if ex.State != Scheduled || !now.After(ex.Due.Add(ex.MisfireGrace)) {
			return ErrSkip
		}
		markMissed(ex, now, cmp.Or(e.queue.because(ex.ID), because[ex.ID].because, e.missedBecause(full)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", count(len(list), "missed executor"), err)
	}
	e.queue.forget(ids...)
	for _, ex := range missed {
		e.log.Warn("executor missed", "executor", ex.ID, "plan", ex.PlanID, "ref", ex.AttackRef, "reason", ex.Reason)
	}
	e.changed.notify()
	return nil
}

func (e *Engine) missedBecause(full bool) string {
	if trouble := e.trouble.Load(); trouble != nil && *trouble != "" {
		return *trouble
	}
	if full {
		return fmt.Sprintf("%s alive, the limit (--max-concurrent-runs)", count(e.settings.MaxConcurrentRuns, "run"))
	}
	return "the daemon was not running or the clock was set"
}

// markMissed makes an executor missed, with the reason in words.
func markMissed(ex *Executor, now time.Time, because string) {
	ex.State = Missed
	ex.Finished = now
	ex.Claim = nil
	ex.Reason = fmt.Sprintf("%s after its time, more than the misfire grace of %s: %s",
		span(now.Sub(ex.Due)), ex.MisfireGrace, because)
}

// block records that executors were refused when their time had come.
func (e *Engine) block(list []queued) error {
	ids, because := reasonsOf(list)
	blocked, err := e.store.Transition(e.loops, ids, func(ex *Executor) error {
		if ex.State != Scheduled || !ex.Due.Equal(because[ex.ID].executor.Due) {
			return ErrSkip
		}
		return markBlocked(because[ex.ID].because)(ex)
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", count(len(list), "blocked executor"), err)
	}
	e.queue.forget(ids...)
	for _, ex := range blocked {
		e.log.Warn("executor blocked", "executor", ex.ID, "plan", ex.PlanID, "ref", ex.AttackRef, "reason", ex.Reason)
	}
	e.changed.notify()
	return nil
}

// markBlocked makes an executor blocked, for the reason given.
func markBlocked(because string) func(*Executor) error {
	return func(ex *Executor) error {
		ex.State, ex.Reason, ex.Finished, ex.Claim = Blocked, because, time.Now().UTC(), nil
		return nil
	}
}
