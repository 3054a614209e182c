package engine

import (
	"fmt"
	"time"
)

const (
	// lookAhead is how far the scheduler reads into the future.
	lookAhead = maxLead + time.Second
	// slack is how many executors beyond the free places a pass reads, so that
	// it sees those that waited too long.
	slack = 16
	// sweep is how many a pass reads once it has found some that are missed.
	sweep = 1000
	// storeRetry is the pause after the store failed.
	storeRetry = time.Second
)

// schedule claims executors shortly before they are due, until the engine
// stops. It sleeps until the next one, however far, and is woken by whatever
// brings an earlier one or frees a place.
func (e *Engine) schedule() {
	for e.loops.Err() == nil {
		pause, err := e.pass()
		if err != nil {
			if e.loops.Err() != nil {
				return
			}
			e.log.Error("the scheduler could not read or claim; it tries again", "error", err)
			pause = storeRetry
		}
		sleep(e.loops, pause, e.wake)
	}
}

// watchClock wakes both loops when the wall clock was set.
func (e *Engine) watchClock() {
	for e.undos.Err() == nil {
		sleep(e.undos, -1, e.settings.ClockChanged)
		poke(e.wake)
		poke(e.undo)
	}
}

// pass handles all that is to be handled now and returns how long nothing else
// will be; negative: until woken.
func (e *Engine) pass() (time.Duration, error) {
	limit := slack
	for {
		now := time.Now().UTC() // afresh: a claim may have waited for its commit
		free := max(e.settings.MaxConcurrentRuns-e.live.len(), 0)
		near, err := e.store.Due(e.loops, now.Add(lookAhead), limit+free, nil)
		if err != nil {
			return 0, err
		}
		if late := lateIn(near, now); len(late) > 0 {
			if err := e.miss(late, now); err != nil {
				return 0, err
			}
			limit = sweep
			continue
		}
		if n := due(near[:min(free, len(near))], now, e.settings.Cores); n > 0 {
			if err := e.claim(near[:n]); err != nil {
				return 0, err
			}
			continue
		}
		return e.nextPass(near, now, free)
	}
}

// lateIn returns the executors of the list that are past their grace. Graces
// differ, so they may stand anywhere in it.
func lateIn(list []Executor, now time.Time) []Executor {
	var late []Executor
	for _, ex := range list {
		if now.After(ex.Due.Add(ex.MisfireGrace)) {
			late = append(late, ex)
		}
	}
	return late
}

// due says how many executors at the head of the list must be claimed now.
func due(list []Executor, now time.Time, cores int) int {
	n := 0
	for i, ex := range list {
		if !ex.Due.Add(-lead(i+1, cores)).After(now) {
			n = i + 1
		}
	}
	return n
}

// nextPass says when there is something to do again. near is what is scheduled
// in the near future, none of it to be claimed yet.
func (e *Engine) nextPass(near []Executor, now time.Time, free int) (time.Duration, error) {
	if len(near) == 0 {
		next, err := e.store.NextDue(e.loops, nil)
		if err != nil || next.IsZero() {
			return -1, err
		}
		// Read again when it comes near: others may come with it.
		return max(next.Add(-lookAhead).Sub(now), time.Millisecond), nil
	}
	var pause time.Duration = -1
	earliest := func(d time.Duration) {
		if d = max(d, time.Millisecond); pause < 0 || d < pause {
			pause = d
		}
	}
	for i, ex := range near {
		if i < free {
			earliest(ex.Due.Add(-lead(i+1, e.settings.Cores)).Sub(now))
		} else { // no place: it may be missed
			earliest(ex.Due.Add(ex.MisfireGrace).Sub(now) + time.Millisecond)
		}
	}
	// While something is near, a step of the clock is noticed within a second
	// even where the system does not announce it.
	return min(pause, time.Second), nil
}

// claim makes the executors ours, durably, and sets off a run for each.
func (e *Engine) claim(list []Executor) error {
	boot := e.settings.Boot()
	now := time.Now()
	expected := make(map[ExecutorID]time.Time, len(list))
	ids := make([]ExecutorID, len(list))
	for i, ex := range list {
		ids[i], expected[ex.ID] = ex.ID, ex.Due
	}
	runs, err := e.live.claim(func() ([]Executor, error) {
		return e.store.Transition(e.loops, ids, func(ex *Executor) error {
			if ex.State != Scheduled || !ex.Due.Equal(expected[ex.ID]) {
				return ErrSkip
			}
			ex.State = Starting
			ex.Claim = &Claim{BootID: boot.ID, DueAt: boot.Elapsed + ex.Due.Sub(now)}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("claim %d executors: %w", len(list), err)
	}
	for _, r := range runs {
		e.background.Go(func() { e.fire(r) })
	}
	return nil
}

// miss records that executors were too late to be started.
func (e *Engine) miss(list []Executor, now time.Time) error {
	ids := make([]ExecutorID, len(list))
	for i, ex := range list {
		ids[i] = ex.ID
	}
	full := e.live.len() >= e.settings.MaxConcurrentRuns
	missed, err := e.store.Transition(e.loops, ids, func(ex *Executor) error {
		if ex.State != Scheduled || !now.After(ex.Due.Add(ex.MisfireGrace)) {
			return ErrSkip
		}
		markMissed(ex, now, missedBecause(full, e.settings.MaxConcurrentRuns))
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %d missed executors: %w", len(list), err)
	}
	for _, ex := range missed {
		e.log.Warn("executor missed", "executor", ex.ID, "plan", ex.PlanID, "ref", ex.AttackRef, "reason", ex.Reason)
	}
	e.changed.notify()
	return nil
}

func missedBecause(full bool, places int) string {
	if full {
		return fmt.Sprintf("all %d places for concurrent runs were taken", places)
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
