package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// unstarted is what becomes of an executor that was stopped just before its Start
// was sent.
func unstarted(why *StopReason) func(*Executor) error {
	switch {
	case why == nil || why.Shutdown:
		return backToScheduled
	case why.Unstarted == Blocked:
		return markBlocked(why.Reason)
	default:
		return cancel(why.Reason)
	}
}

// stopReason returns why a run's context ended, nil when it has not.
func stopReason(ctx context.Context) *StopReason {
	var why *StopReason
	errors.As(context.Cause(ctx), &why)
	return why
}

// outcome is the final state of a run and the reason in words.
func outcome(exit Exit, why *StopReason) (State, string) {
	switch {
	case exit.Stopped && why != nil:
		return why.State, why.Reason
	case exit.Finished && exit.Failure == nil:
		return Succeeded, ""
	case exit.Finished:
		return Failed, exit.Failure.Message
	}
	if exit.Err != nil { // it says how the process ended, if that is what broke
		return Crashed, exit.Err.Error()
	}
	how := fmt.Sprintf("exit code %d", exit.Status.Code)
	if exit.Status.Signal != "" {
		how = "signal: " + exit.Status.Signal
	}
	return Crashed, "its process ended without an answer (" + how + ")"
}

// finish stores the end of a run that was started.
func (e *Engine) finish(r *liveRun, j job, state State, reason string) {
	now := time.Now().UTC()
	run := r.record()
	asked := r.takeBack // nobody can any more: the run is over
	if state == Failed || state == Crashed {
		r.log.append(LogEntry{At: now, Level: "error", Source: "cmed", Message: string(state) + ": " + reason}, func() {})
	}
	takeBack := asked || j.plan.UndoPolicy != UndoKeep
	ex, err := e.persist(r, Finish{
		ID: r.executor.ID,
		Apply: func(ex *Executor) error {
			if ex.Started.IsZero() { // it ended before its plugin said so
				ex.Started = maxTime(r.beginning(), ex.Due)
			}
			ex.State, ex.Reason, ex.Finished, ex.Claim = state, reason, now, nil
			return nil
		},
		Run:  &run,
		Log:  r.log.take(true),
		Undo: func(u *UndoRecord) { settle(u, state == Succeeded && !asked, takeBack, now) },
	})
	if err != nil {
		e.log.Error("the end of a run could not be stored; after a restart it will count as lost",
			"executor", r.executor.ID, "plan", j.plan.ID, "ref", run.Ref, "state", state, "error", err)
		return
	}
	_ = failpoint.Hit(failpoint.EngineFinished)
	log := e.log.Info
	if ex.State != Succeeded {
		log = e.log.Warn
	}
	log("executor finished", "executor", ex.ID, "plan", ex.PlanID, "ref", ex.AttackRef,
		"state", ex.State, "reason", ex.Reason, "lag", ex.Lag, "undo", ex.Undo)
}

// settle says what becomes of an open undo record when its run has ended.
func settle(u *UndoRecord, succeeded, takeBack bool, now time.Time) {
	switch {
	case !u.UndoAt.IsZero() && (succeeded || !takeBack): // the author's promise, whatever the plan says
		u.Due = u.UndoAt
	case !takeBack:
		u.State, u.Finished = RecordKept, now
	case succeeded: // it stays until somebody asks
	default:
		u.Due = now
	}
}

// leave stores what becomes of an executor whose Start was not sent.
func (e *Engine) leave(r *liveRun, apply func(*Executor) error) {
	if asked := r.conclude(); asked != nil {
		apply = asked
	}
	ex, err := e.persist(r, Finish{ID: r.executor.ID, Log: r.log.take(true), Apply: func(ex *Executor) error {
		ex.Claim = nil
		return apply(ex)
	}})
	if err != nil {
		e.log.Error("what became of a claimed executor could not be stored; after a restart it may count as lost",
			"executor", r.executor.ID, "plan", r.executor.PlanID, "error", err)
		return
	}
	if ex.State != Scheduled {
		e.log.Warn("executor did not start", "executor", ex.ID, "plan", ex.PlanID, "ref", ex.AttackRef,
			"state", ex.State, "reason", ex.Reason)
	}
}

// persist stores the end of a run. The outcome exists nowhere else and its undo
// waits for it, so it tries until the engine ends, and the run keeps its place.
func (e *Engine) persist(r *liveRun, f Finish) (Executor, error) {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.sealed = true
	pause := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		ex, err := e.store.FinishRun(context.Background(), f)
		if err == nil || CodeOf(err) == CodeNotFound || e.undos.Err() != nil {
			r.failed = err
			return ex, err
		}
		e.log.Warn("the store failed; trying again", "executor", f.ID, "attempt", attempt, "error", err)
		sleep(e.undos, pause)
		pause = min(2*pause, 5*time.Second)
	}
}

// backToScheduled undoes a claim.
func backToScheduled(ex *Executor) error {
	ex.State, ex.Claim, ex.Reason = Scheduled, nil, ""
	return nil
}

// failedToStart makes an executor failed because of what happened before Start.
func failedToStart(err error) func(*Executor) error {
	return func(ex *Executor) error {
		ex.State, ex.Finished, ex.Reason = Failed, time.Now().UTC(), err.Error()
		return nil
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
