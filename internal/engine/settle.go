package engine

import (
	"context"
	"fmt"
	"time"
)

// Settled is what Settle did.
type Settled struct {
	Processes int          // of an earlier daemon, ended
	Stuck     []ExecutorID // with a process that can't be ended
	Lost      int          // executors that the death of the daemon cut off
	Undone    int          // records taken back
	Open      int          // records that wait for a later time, or for somebody to ask
	Failed    int          // records given up
}

// Settle does what Start does first, for a daemon that is not to be started: it
// ends the processes an earlier daemon left, settles their executors, executes
// the undo records that are due, those that had failed once more, and returns
// when each is taken back or has failed, or ctx has ended. Nothing is scheduled.
// The engine can't be started afterwards.
func (e *Engine) Settle(ctx context.Context) (Settled, error) {
	before, err := e.store.UndoCounts(ctx)
	if err != nil {
		return Settled{}, fmt.Errorf("count the undo records: %w", err)
	}
	left, err := e.reconcile(ctx)
	if err != nil {
		return Settled{}, err
	}
	done := Settled{Processes: left.reaped.Processes, Stuck: left.reaped.Stuck, Lost: left.lost}
	e.background.Go(e.undoLoop)
	e.retryGivenUp(e.settings.UndoAttempts - 1) // once: somebody waits
	settleErr := e.takeBackHalted(ctx)
	if settleErr == nil {
		settleErr = e.attemptsAtEnd(ctx)
	}
	if err := e.Shutdown(ctx); settleErr == nil {
		settleErr = err
	}
	after, err := e.store.UndoCounts(context.WithoutCancel(ctx))
	if err != nil {
		return done, fmt.Errorf("count the undo records: %w", err)
	}
	done.Undone = after[RecordUndone] - before[RecordUndone]
	done.Open = after[RecordOpen] + after[RecordUndoing]
	done.Failed = after[RecordFailed]
	return done, settleErr
}

// takeBackHalted has every open record executed if the lever is engaged, and not by
// a restoration alone: the daemon may have died before it had asked for all of them.
func (e *Engine) takeBackHalted(ctx context.Context) error {
	lever, err := e.store.Lever(ctx)
	if err != nil {
		return fmt.Errorf("read the lever: %w", err)
	}
	if !lever.Engaged || lever.Restored {
		return nil
	}
	return e.takeBackAll(ctx, RecordOpen)
}

// attemptsAtEnd waits until no undo is due and none is between two attempts.
func (e *Engine) attemptsAtEnd(ctx context.Context) error {
	return e.changed.until(ctx, func() (bool, error) {
		if e.undoing.len() > 0 {
			return false, nil
		}
		due, err := e.store.DueUndos(ctx, time.Now().Add(longestUndoPause), 0, e.stuck.has)
		if err != nil {
			return false, err
		}
		now := time.Now()
		for _, u := range due {
			if u.Attempts > 0 || !u.Due.After(now) {
				return false, nil
			}
		}
		return true, nil
	})
}
