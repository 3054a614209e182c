package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// errRunning is returned by a transition when the executor is claimed.
var errRunning = errors.New("claimed or running")

// alter changes an executor that has not started, calling it off when it waits
// for its time. It returns errRunning when it runs, and waits for one whose end
// is just being stored. apply is given scheduled and final executors, and
// refuses what it doesn't want with an error.
func (e *Engine) alter(ctx context.Context, id ExecutorID, apply func(*Executor) error) (Executor, error) {
	for unstored := 0; ; unstored++ {
		for r := e.live.find(id); r != nil; r = e.live.find(id) {
			if ex, err := e.alterWaiting(ctx, r, apply); !errors.Is(err, errSettling) {
				return ex, err
			}
			if err := r.stored(ctx); err != nil {
				return Executor{}, err
			}
		}
		changed, err := e.store.Transition(ctx, []ExecutorID{id}, func(ex *Executor) error {
			if !ex.State.Final() && ex.State != Scheduled {
				return errRunning // claimed since we looked, or its end is not stored
			}
			return apply(ex)
		})
		switch {
		case errors.Is(err, errRunning) && unstored < 2:
			continue
		case err != nil:
			return Executor{}, err
		case len(changed) == 0: // there is none, or it was left as it is
			return e.store.Executor(ctx, id)
		}
		e.queue.forget(id)
		e.changed.notify()
		poke(e.wake)
		return changed[0], nil
	}
}

// errSettling is returned by alterWaiting when it is too late to alter what is
// being stored: when that is done, the executor is as any other.
var errSettling = errors.New("what became of it is being stored")

// alterWaiting is alter for a claimed executor.
func (e *Engine) alterWaiting(ctx context.Context, r *liveRun, apply func(*Executor) error) (Executor, error) {
	inTime := r.callOff(func(ex *Executor) error {
		_ = backToScheduled(ex)
		return apply(ex)
	})
	switch {
	case !inTime && r.settling():
		return Executor{}, errSettling
	case !inTime:
		return Executor{}, errRunning
	}
	if err := r.stored(ctx); err != nil {
		return Executor{}, err
	}
	return e.store.Executor(ctx, r.executor.ID)
}

// MoveExecutor changes the due time of an executor that has not run. The
// warnings say when the new time is already too late. CodeConflict when it runs
// or has run.
func (e *Engine) MoveExecutor(ctx context.Context, id ExecutorID, due time.Time) (Executor, []string, error) {
	if due.Before(firstInstant) || !due.Before(lastInstant) {
		return Executor{}, nil, problemAt("/args/date", "Invalid date format")
	}
	due = due.UTC().Truncate(time.Microsecond)
	ex, err := e.alter(ctx, id, func(ex *Executor) error {
		if ex.Deletion != nil {
			return Errorf(CodeConflict, "executor %s is being deleted", id)
		}
		if ex.State.Final() && !ex.State.NeverRan() {
			return Errorf(CodeConflict, "executor %s has run already (%s), so it cannot be moved; post a new plan", id, ex.State)
		}
		_ = backToScheduled(ex)
		ex.Due, ex.Finished = due, time.Time{}
		if now := time.Now().UTC(); now.After(due.Add(ex.MisfireGrace)) {
			markMissed(ex, now, "it had passed when the executor was moved")
		}
		return nil
	})
	if errors.Is(err, errRunning) {
		err = Errorf(CodeConflict, "executor %s is running, so it cannot be moved; POST /api/1/executors/%s/halt stops it", id, id)
	}
	if err != nil {
		return Executor{}, nil, err
	}
	ex.Args = nil
	e.log.Info("executor moved", "executor", id, "plan", ex.PlanID, "due", instant(ex.Due), "state", ex.State)
	var warnings []string
	switch {
	case ex.State == Missed:
		warnings = append(warnings, "it will not run: "+ex.Reason)
	case time.Since(due) > justNow:
		warnings = append(warnings, "it is due at once: the time has passed, by less than the plan's misfire grace")
	}
	if ex.State == Scheduled {
		warnings = append(warnings, e.obstacles([]Executor{ex})...)
	}
	return ex, warnings, nil
}

// HaltExecutor stops a run and has it undone; one that has not started is
// cancelled; one that has ended with an effect still in place is undone now.
// It returns as soon as that is set going. reason is for people.
func (e *Engine) HaltExecutor(ctx context.Context, id ExecutorID, reason string) (Executor, error) {
	if err := e.haltOne(ctx, id, reason); err != nil {
		return Executor{}, err
	}
	return e.Executor(ctx, id)
}

func (e *Engine) haltOne(ctx context.Context, id ExecutorID, reason string) error {
	off := false
	ex, err := e.alter(ctx, id, func(ex *Executor) error {
		if ex.State.Final() {
			return ErrSkip
		}
		off = true
		return cancel(reason)(ex)
	})
	if errors.Is(err, errRunning) {
		r := e.live.peek(id)
		if r != nil && r.halt(&StopReason{State: Halted, Reason: cmp.Or(reason, haltedByHand)}) {
			e.log.Info("executor halted", "executor", id, "plan", r.executor.PlanID, "reason", reason)
			e.noteHalted(ctx, id)
			return nil
		}
		err = nil // it has ended meanwhile: what it left is taken back
		if r != nil {
			err = r.stored(ctx)
		}
	}
	if err != nil {
		return err
	}
	if off {
		e.log.Info("executor called off", "executor", id, "plan", ex.PlanID, "reason", ex.Reason)
	}
	return e.takeBack(ctx, id)
}

// noteHalted makes it durable that a run was halted, should the daemon die before
// its end is stored. The run is stopped and undone even if that fails.
func (e *Engine) noteHalted(ctx context.Context, id ExecutorID) {
	_, err := e.store.Transition(ctx, []ExecutorID{id}, func(ex *Executor) error {
		if ex.State.Final() {
			return ErrSkip
		}
		ex.Halted = true
		return nil
	})
	if err != nil {
		e.log.Warn("that a run was halted could not be stored", "executor", id, "error", err)
	}
}

// HaltPlan halts every executor of the plan as HaltExecutor does and returns
// how many it stopped or called off.
func (e *Engine) HaltPlan(ctx context.Context, id PlanID, reason string) (int, error) {
	if _, err := e.store.Plan(ctx, id); err != nil {
		return 0, err
	}
	halted := 0
	var failed error
	err := e.pages(ctx, id, func(page []Executor) error {
		n, err := e.haltAll(ctx, page, reason, Executor.reversible)
		halted += n
		failed = cmp.Or(failed, err)
		return nil
	})
	return halted, cmp.Or(failed, err)
}

// reversible says whether there may be a harm of its run to take back.
func (ex Executor) reversible() bool { return ex.Undo.Unsettled() || ex.Undo == UndoKept }

// haltAll halts executors as HaltExecutor does, final ones only where undo says
// so. It returns how many were not final. What runs is told to stop before anything
// is stored, which may take its time; those that are only scheduled are called off
// together.
func (e *Engine) haltAll(ctx context.Context, list []Executor, reason string, undo func(Executor) bool) (int, error) {
	var ids []ExecutorID
	for _, ex := range list {
		if r := e.live.peek(ex.ID); r != nil {
			r.halt(&StopReason{State: Halted, Reason: cmp.Or(reason, haltedByHand)})
		}
		if ex.State == Scheduled {
			ids = append(ids, ex.ID)
		}
	}
	cancelled := map[ExecutorID]bool{}
	var failed error
	if len(ids) > 0 {
		changed, err := e.store.Transition(ctx, ids, func(ex *Executor) error {
			if ex.State != Scheduled {
				return ErrSkip // claimed since it was listed
			}
			return cancel(reason)(ex)
		})
		if err != nil { // what runs is to be stopped all the same
			failed = fmt.Errorf("call off %d executors: %w", len(ids), err)
		}
		for _, ex := range changed {
			cancelled[ex.ID] = true
		}
		e.log.Info("executors called off", "plan", list[0].PlanID, "executors", len(changed), "reason", reason)
		e.changed.notify()
	}
	halted := 0
	for _, ex := range list {
		if failed != nil && ex.State == Scheduled && e.live.peek(ex.ID) == nil {
			continue
		}
		if !ex.State.Final() {
			halted++
		}
		if cancelled[ex.ID] || ex.State.Final() && !undo(ex) {
			continue
		}
		if err := e.haltOne(ctx, ex.ID, reason); err != nil && CodeOf(err) != CodeNotFound {
			failed = cmp.Or(failed, err)
		}
	}
	return halted, failed
}

// cancel calls an executor off.
func cancel(reason string) func(*Executor) error {
	return func(ex *Executor) error {
		ex.State, ex.Reason, ex.Finished = Cancelled, cmp.Or(reason, haltedByHand), time.Now().UTC()
		return nil
	}
}

const haltedByHand = "halted by hand"

// pages calls fn for all executors of a plan, page by page.
func (e *Engine) pages(ctx context.Context, id PlanID, fn func([]Executor) error) error {
	q := ExecutorQuery{Plan: id, Limit: 500}
	for {
		list, next, err := e.store.Executors(ctx, q)
		if err != nil {
			return fmt.Errorf("list the executors of plan %s: %w", id, err)
		}
		if err := fn(list); err != nil || next == "" {
			return err
		}
		q.Cursor = next
	}
}
