package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// longestTakeBack bounds taking back within a run that nobody stops.
const longestTakeBack = 5 * time.Minute

// lasting returns a context for taking back: it goes on for most of the grace when
// the run is stopped.
func (m *machine) lasting(ctx context.Context) (context.Context, func()) {
	lasting, release := outlasting(ctx, m.grace*9/10)
	limited, cancel := context.WithTimeoutCause(lasting, longestTakeBack, errLate)
	return limited, func() {
		cancel()
		release()
	}
}

// takeBackNow takes everything back and says so. What it can't do stays on record
// for the host to do; then, and if err says that the script failed, it returns an
// error.
func (m *machine) takeBackNow(ctx context.Context, err error) error {
	lasting, release := m.lasting(ctx)
	defer release()
	left, failed := m.jobs.takeBack(lasting, m.client, m.grace/2, m.log)
	left.ended = left.ended || m.ended
	if failed != nil {
		m.report.Undo = "open"
		m.log.Warn("not all could be taken back within the run; the daemon does the rest", "error", failed)
		if err == nil {
			err = fmt.Errorf("the script has succeeded, but what it left could not be taken back: %w", failed)
		}
		return err
	}
	m.settle(left.outcome(), left.words())
	return err
}

// takeBackLater puts a time on record at which everything is taken back.
func (m *machine) takeBackLater(ctx context.Context) error {
	at := time.Now().Add(time.Duration(*m.args.UndoAfter))
	if _, err := m.runner.record(ctx, m.record, m.description(), sdk.UndoAt(at)); err != nil {
		m.report.Undo = "open"
		return fmt.Errorf("the script has succeeded, but its undo could not be scheduled: %w", err)
	}
	m.settle(sdk.NothingToDo, "another record takes it back, at its time")
	m.report.Undo = "scheduled"
	m.log.Info("the script has succeeded; its effect is taken back later", "at", at.UTC())
	return nil
}

// calledOff removes what was installed of a script that was not started.
func (m *machine) calledOff(ctx context.Context, err error) error {
	if errors.Is(err, remote.ErrUsed) {
		return err // somebody has come before; an undo finds out what there is
	}
	lasting, release := m.lasting(ctx)
	defer release()
	if failed := m.jobs.withdraw(lasting, m.client); failed != nil {
		m.report.Undo = "open"
		m.log.Warn("what was installed could not be removed; the daemon does that", "error", failed)
		return err
	}
	m.settle(sdk.NothingToDo, "the script was not started")
	return err
}

// settle reports what became of the undo record.
func (m *machine) settle(outcome sdk.Outcome, words string) {
	m.report.Undo = words
	if err := m.stored.Undone(outcome, words); err != nil {
		m.log.Warn("what was taken back could not be reported; the daemon does it again", "error", err)
	}
}

func (r remains) outcome() sdk.Outcome {
	switch {
	case r.removal == remote.Changed:
		return sdk.NotMine
	case !r.ended && !r.undone && r.removal != remote.Removed:
		return sdk.NothingToDo
	default:
		return sdk.Undone
	}
}
