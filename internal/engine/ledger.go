package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// UndoRecords lists undo records of all executors.
func (e *Engine) UndoRecords(ctx context.Context, q UndoQuery) ([]UndoRecord, Cursor, error) {
	return e.store.UndoRecords(ctx, q)
}

// UndoRecord returns one undo record.
func (e *Engine) UndoRecord(ctx context.Context, id UndoID) (UndoRecord, error) {
	return e.store.Undo(ctx, id)
}

// RetryUndo has a record executed now, with a full count of attempts, whatever
// had become of it. CodeConflict when it is undone, when its run is not over and
// when its plan was deleted. It returns as soon as that is set going.
func (e *Engine) RetryUndo(ctx context.Context, id UndoID) (UndoRecord, error) {
	record, err := e.store.Undo(ctx, id)
	if err != nil {
		return UndoRecord{}, err
	}
	if _, err := e.store.Plan(ctx, record.Plan); CodeOf(err) == CodeNotFound {
		return UndoRecord{}, Errorf(CodeConflict, "plan %s was deleted, and with it what this undo needs", record.Plan)
	}
	if _, err := e.store.Executor(ctx, id.Executor); CodeOf(err) == CodeNotFound {
		return UndoRecord{}, Errorf(CodeConflict, "executor %s was deleted, and with it what this undo needs", id.Executor)
	}
	record, err = e.changeRecord(ctx, id, func(u *UndoRecord) error {
		switch u.State {
		case RecordUndone:
			return Errorf(CodeConflict, "undo record %s is settled already (%s)", id, u.Outcome)
		case RecordUndoing:
			return ErrSkip
		}
		reopen(u, time.Now().UTC())
		return nil
	})
	if err != nil {
		return UndoRecord{}, err
	}
	e.log.Info("undo asked for by hand", "executor", id.Executor, "record", id.Sequence, "ref", record.Ref)
	poke(e.undo)
	return record, nil
}

// AbandonUndo gives a record up: its effect is left in place. The record stays.
// CodeConflict when it is settled, being executed, or its run is not over.
func (e *Engine) AbandonUndo(ctx context.Context, id UndoID, by, reason string) (UndoRecord, error) {
	if strings.TrimSpace(reason) == "" {
		return UndoRecord{}, problemAt("/reason", "invalid payload 'reason' is a required property: say why the effect is left in place")
	}
	if len(reason) > maxName {
		return UndoRecord{}, problemAt("/reason", "a reason has at most %d bytes", maxName)
	}
	if len(by) > maxName {
		return UndoRecord{}, problemAt("/by", "a name has at most %d bytes", maxName)
	}
	record, err := e.changeRecord(ctx, id, func(u *UndoRecord) error {
		switch u.State {
		case RecordUndone, RecordAbandoned:
			return Errorf(CodeConflict, "undo record %s is %s already", id, u.State)
		case RecordUndoing:
			return Errorf(CodeConflict, "undo record %s is being executed; ask again when that has ended", id)
		}
		abandon(u, cmp.Or(by, "somebody"), reason)
		return nil
	})
	if err != nil {
		return UndoRecord{}, err
	}
	e.log.Warn("undo abandoned: its effect stays in place", "executor", id.Executor, "record", id.Sequence,
		"ref", record.Ref, "by", record.Abandoned.By, "reason", reason)
	return record, nil
}

// abandon gives a record up.
func abandon(u *UndoRecord, by, reason string) {
	now := time.Now().UTC()
	u.State, u.Due, u.Finished = RecordAbandoned, time.Time{}, now
	u.Abandoned = &Abandonment{By: by, Reason: reason, At: now}
}

// changeRecord changes a record by hand. CodeConflict while its run is not over.
func (e *Engine) changeRecord(ctx context.Context, id UndoID, fn func(*UndoRecord) error) (UndoRecord, error) {
	if e.live.find(id.Executor) != nil {
		return UndoRecord{}, Errorf(CodeConflict,
			"the run of executor %s is not over; POST /api/1/executors/%s/halt stops and undoes it", id.Executor, id.Executor)
	}
	record, err := e.store.UpdateUndo(ctx, id, fn)
	e.changed.notify()
	poke(e.wake) // somebody may wait for it to be settled
	return record, err
}

// reopen has a record executed now, with a full count of attempts.
func reopen(u *UndoRecord, now time.Time) {
	u.State, u.Due, u.Attempts, u.Finished, u.Abandoned = RecordOpen, now, 0, time.Time{}, nil
}

// takeBack has every unsettled record of a run executed now, kept and failed
// ones too.
func (e *Engine) takeBack(ctx context.Context, id ExecutorID) error {
	now := time.Now().UTC()
	err := e.changeRun(ctx, id, func(u *UndoRecord) error {
		switch u.State {
		case RecordFailed, RecordKept:
			reopen(u, now)
		case RecordOpen:
			u.Due = now
		default:
			return ErrSkip
		}
		return nil
	})
	poke(e.undo)
	return err
}

// changeRun changes the records of one run, the newest first: they may become
// due, and the newest must be executed first.
func (e *Engine) changeRun(ctx context.Context, id ExecutorID, fn func(*UndoRecord) error) error {
	records, err := e.store.Undos(ctx, id)
	if err != nil {
		return err
	}
	for _, record := range slices.Backward(records) {
		if _, err := e.store.UpdateUndo(ctx, record.UndoID, fn); err != nil {
			return err
		}
	}
	return nil
}

// takeBackAll has every record in these states, open or failed, executed now, but
// for those of runs that are not over.
func (e *Engine) takeBackAll(ctx context.Context, states ...RecordState) error {
	return e.eachRecord(ctx, states, func(u *UndoRecord) error {
		now := time.Now().UTC()
		switch {
		case !slices.Contains(states, u.State):
			return ErrSkip
		case u.State == RecordFailed:
			reopen(u, now)
		case u.Due.IsZero() || u.Due.After(now):
			u.Due = now
		default:
			return ErrSkip
		}
		return nil
	})
}

// retryGivenUp has the undos that an earlier daemon had given up tried again, as if
// so many attempts had been made.
func (e *Engine) retryGivenUp(made int) {
	err := e.eachRecord(e.undos, []RecordState{RecordFailed}, func(u *UndoRecord) error {
		if u.State != RecordFailed {
			return ErrSkip
		}
		reopen(u, time.Now().UTC())
		u.Attempts = made
		return nil
	})
	if err != nil && e.undos.Err() == nil {
		e.log.Error("undo records that had failed could not be tried again", "error", err)
	}
}

// runsChanged is how many runs' records are changed at once: the store commits
// them together.
const runsChanged = 32

// eachRecord changes the records of all runs that have one in these states, but
// for runs that are not over, and wakes the undo loop.
func (e *Engine) eachRecord(ctx context.Context, states []RecordState, fn func(*UndoRecord) error) error {
	q := UndoQuery{States: states, Limit: 500}
	for {
		page, next, err := e.store.UndoRecords(ctx, q)
		if err != nil {
			return fmt.Errorf("list undo records: %w", err)
		}
		var runs []ExecutorID
		for _, record := range page { // those of one run follow each other
			if !slices.Contains(runs[max(0, len(runs)-1):], record.Executor) {
				runs = append(runs, record.Executor)
			}
		}
		if err := e.changeRuns(ctx, runs, fn); err != nil {
			return err
		}
		poke(e.undo)
		if next == "" {
			return nil
		}
		q.Cursor = next
	}
}

func (e *Engine) changeRuns(ctx context.Context, runs []ExecutorID, fn func(*UndoRecord) error) error {
	var writers sync.WaitGroup
	places := make(chan struct{}, runsChanged)
	failures := make([]error, len(runs))
	for i, id := range runs {
		if e.live.peek(id) != nil {
			continue
		}
		places <- struct{}{}
		writers.Go(func() {
			failures[i] = e.changeRun(ctx, id, fn)
			<-places
		})
	}
	writers.Wait()
	return errors.Join(failures...)
}
