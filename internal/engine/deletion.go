package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// Deletion is how far a deletion has come.
type Deletion struct {
	// Done is false while runs are still being stopped or undone; the deletion
	// goes on.
	Done bool
}

const (
	deletionReason = "its plan or executor was deleted"
	// deletionLimit bounds a deletion that goes on in the background: a run's
	// grace and the attempts to undo it.
	deletionLimit = 30 * time.Minute
)

// DeletePlan stops and undoes what runs, then deletes. CodeConflict when an
// undo stays open or failed and abandonUndo is not set; the plan's executors
// are called off all the same.
func (e *Engine) DeletePlan(ctx context.Context, id PlanID, abandonUndo bool) (Deletion, error) {
	if _, err := e.store.Plan(ctx, id); err != nil {
		return Deletion{}, err
	}
	return e.remove(ctx, e.planRemoval(id, abandonUndo))
}

// DeleteExecutor deletes one executor by the rules of DeletePlan.
func (e *Engine) DeleteExecutor(ctx context.Context, id ExecutorID, abandonUndo bool) (Deletion, error) {
	if _, err := e.store.Executor(ctx, id); err != nil {
		return Deletion{}, err
	}
	return e.remove(ctx, e.executorRemoval(id, abandonUndo))
}

func (e *Engine) planRemoval(id PlanID, abandonUndo bool) removal {
	return removal{
		name: "plan " + string(id),
		mark: Removal{Plan: true, AbandonUndo: abandonUndo},
		pending: func(ctx context.Context) (bool, error) {
			p, err := e.store.Plan(ctx, id)
			return p.Counts.Pending > 0, err
		},
		pages: func(ctx context.Context, fn func([]Executor) error) error { return e.pages(ctx, id, fn) },
		drop:  func(ctx context.Context) error { return e.store.DeletePlan(ctx, id) },
	}
}

func (e *Engine) executorRemoval(id ExecutorID, abandonUndo bool) removal {
	return removal{
		name: "executor " + string(id),
		mark: Removal{AbandonUndo: abandonUndo},
		pending: func(ctx context.Context) (bool, error) {
			ex, err := e.store.Executor(ctx, id)
			return !ex.State.Final(), err
		},
		pages: func(ctx context.Context, fn func([]Executor) error) error {
			ex, err := e.store.Executor(ctx, id)
			if err != nil {
				return err
			}
			return fn([]Executor{ex})
		},
		drop: func(ctx context.Context) error { return e.store.DeleteExecutor(ctx, id) },
	}
}

// removal is the deletion of something that has executors.
type removal struct {
	name string
	mark Removal
	// pending says whether any of its executors is not final; a cheap look.
	pending func(context.Context) (bool, error)
	pages   func(context.Context, func([]Executor) error) error
	drop    func(context.Context) error
}

// each calls fn for each executor.
func (r removal) each(ctx context.Context, fn func(Executor) error) error {
	return r.pages(ctx, func(page []Executor) error {
		for _, ex := range page {
			if err := fn(ex); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove halts and undoes, waits a while, and deletes; if that takes longer it
// goes on by itself.
func (e *Engine) remove(ctx context.Context, r removal) (Deletion, error) {
	if !r.mark.AbandonUndo {
		if err := e.refuseUndo(ctx, r, func(s UndoState) bool { return s == UndoFailed }); err != nil {
			return Deletion{}, err
		}
	}
	err := r.pages(ctx, func(page []Executor) error {
		_, err := e.haltAll(ctx, page, deletionReason, func(ex Executor) bool { return ex.Undo == UndoOpen })
		return err
	})
	if err != nil {
		return Deletion{}, err
	}
	waiting, cancel := context.WithTimeoutCause(ctx, e.settings.DeletionWait, errStillAtIt)
	defer cancel()
	err = e.removeWhenSettled(waiting, r)
	if errors.Is(err, errStillAtIt) {
		if err := e.accept(ctx, r); err != nil {
			return Deletion{}, err
		}
		if !e.inBackground(func() { e.removeLater(r) }) {
			return Deletion{}, errClosed
		}
		return Deletion{}, nil
	}
	return Deletion{Done: err == nil}, err
}

var errStillAtIt = errors.New("runs are still being stopped or undone")

// removeWhenSettled waits until nothing runs or is being undone, then deletes.
func (e *Engine) removeWhenSettled(ctx context.Context, r removal) error {
	if err := e.changed.until(ctx, func() (bool, error) { return e.settled(ctx, r) }); err != nil {
		return err
	}
	if !r.mark.AbandonUndo {
		if err := e.refuseUndo(ctx, r, UndoState.Unsettled); err != nil {
			return err
		}
	}
	if err := e.abandonLeft(ctx, r); err != nil {
		return err
	}
	_ = failpoint.Hit(failpoint.EngineDeletion)
	if err := r.drop(ctx); err != nil {
		return err
	}
	e.log.Info("deleted", "what", r.name, "undo_abandoned", r.mark.AbandonUndo)
	e.changed.notify()
	poke(e.wake) // somebody may wait for an undo to be settled
	return nil
}

// abandonLeft notes, on the records of effects that stay in place, that a
// deletion left them so.
func (e *Engine) abandonLeft(ctx context.Context, r removal) error {
	return r.pages(ctx, func(page []Executor) error {
		var left []ExecutorID
		for _, ex := range page {
			if ex.reversible() {
				left = append(left, ex.ID)
			}
		}
		return e.changeRuns(ctx, left, func(u *UndoRecord) error {
			if !u.State.Reversible() {
				return ErrSkip
			}
			abandon(u, "the deletion of "+r.name, fmt.Sprintf("its undo was %s", u.State))
			return nil
		})
	})
}

// settled says whether no executor runs and no undo is under way. A removal
// that abandons undos waits only for those that are being executed right now.
func (e *Engine) settled(ctx context.Context, r removal) (bool, error) {
	if pending, err := r.pending(ctx); pending || err != nil {
		return false, err
	}
	settled := true
	err := r.each(ctx, func(ex Executor) error {
		if ex.Undo != UndoOpen && ex.Undo != UndoUndoing {
			return nil
		}
		if r.mark.AbandonUndo {
			settled = settled && !e.undoing.has(ex.ID)
			return nil
		}
		due, err := e.undoDue(ctx, ex.ID)
		settled = settled && !due
		return err
	})
	return settled, err
}

// accept marks what the deletion waits for, so that a restart goes on with it.
func (e *Engine) accept(ctx context.Context, r removal) error {
	return r.pages(ctx, func(page []Executor) error {
		var ids []ExecutorID
		for _, ex := range page {
			if !ex.State.Final() || ex.Undo.Unsettled() {
				ids = append(ids, ex.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		_, err := e.store.Transition(ctx, ids, func(ex *Executor) error {
			ex.Deletion = &r.mark
			return nil
		})
		return err
	})
}

// accepted returns the deletions that an earlier daemon had accepted: what they
// wait for has been interrupted or has open undo records.
func (e *Engine) accepted(ctx context.Context, interrupted []Executor) (map[string]removal, error) {
	found := map[string]removal{}
	note := func(ex Executor) {
		switch {
		case ex.Deletion == nil:
		case ex.Deletion.Plan:
			found[string(ex.PlanID)] = e.planRemoval(ex.PlanID, ex.Deletion.AbandonUndo)
		default:
			found[string(ex.ID)] = e.executorRemoval(ex.ID, ex.Deletion.AbandonUndo)
		}
	}
	for _, ex := range interrupted {
		note(ex)
	}
	for cursor := Cursor(""); ; {
		records, next, err := e.store.UndoRecords(ctx, UndoQuery{States: ReversibleStates, Limit: 500, Cursor: cursor})
		if err != nil {
			return nil, fmt.Errorf("find accepted deletions: %w", err)
		}
		for _, u := range records {
			if ex, err := e.store.Executor(ctx, u.Executor); err == nil {
				note(ex)
			}
		}
		if next == "" {
			return found, nil
		}
		cursor = next
	}
}

// removeLater finishes a deletion that took longer than its caller would wait.
func (e *Engine) removeLater(r removal) {
	ctx, cancel := context.WithTimeout(e.undos, deletionLimit)
	defer cancel()
	err := e.removeWhenSettled(ctx, r)
	if err != nil && CodeOf(err) != CodeNotFound && e.undos.Err() == nil { // not found: another call was faster
		e.log.Error("a deletion that had been accepted could not be finished", "what", r.name, "error", err)
	}
}

// refuseUndo is a conflict when the undo of an executor is in a state that
// stands in the way.
func (e *Engine) refuseUndo(ctx context.Context, r removal, inTheWay func(UndoState) bool) error {
	return r.each(ctx, func(ex Executor) error {
		if !inTheWay(ex.Undo) {
			return nil
		}
		return Errorf(CodeConflict, "%s is not deleted: the undo of executor %s is %s; "+
			"GET /api/1/executors/%s tells its records and why; mend what hinders it and POST /api/1/executors/%s/halt "+
			"to undo again, or delete with ?abandon_undo=true, which leaves the effect in place",
			r.name, ex.ID, ex.Undo, ex.ID, ex.ID)
	})
}
