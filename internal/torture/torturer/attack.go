package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// attack is what the SDK serves, and what the other plugins describe.
func attack(ref string) sdk.Attack[script.Script] {
	return sdk.Attack[script.Script]{
		Info: sdk.Info{Ref: ref, Effect: sdk.Undoable, Example: script.Script{Dir: "/tmp"}},
		Run:  run,
		Undo: undo,
	}
}

func run(ctx context.Context, s script.Script, run *sdk.Run) error {
	if err := noteRun(s, run.ID()); err != nil {
		return err
	}
	records, err := harm(ctx, s, run)
	if err != nil {
		return err
	}
	if err := misbehave(s, run); err != nil {
		return err
	}
	select {
	case <-time.After(time.Duration(s.Hold)):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.End == script.Heal {
		if err := heal(s, run, records); err != nil {
			return err
		}
	}
	if err := os.WriteFile(script.Ended(s.Dir, run.ID()), nil, 0o600); err != nil {
		return err
	}
	dieAt(s, run.ID(), script.StepFinish)
	if s.End == script.Fail {
		return errors.New("failed as it was told to")
	}
	return nil
}

// harm does each harm after its record is durable.
func harm(ctx context.Context, s script.Script, run *sdk.Run) ([]*sdk.Record, error) {
	var options []sdk.UndoOption
	if s.UndoIn > 0 {
		options = append(options, sdk.UndoAt(time.Now().Add(time.Duration(s.UndoIn))))
	}
	var records []*sdk.Record
	for i := range s.Records {
		sequence := uint64(i) + 1
		dieAt(s, run.ID(), script.StepRecord)
		record, err := run.Record(ctx, sequence, options...)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
		dieAt(s, run.ID(), script.StepHarm)
		if err := do(s, run.ID(), sequence); err != nil {
			return nil, err
		}
		dieAt(s, run.ID(), script.StepNext)
	}
	return records, nil
}

// heal takes the harm back in the run itself, the newest first.
func heal(s script.Script, run *sdk.Run, records []*sdk.Record) error {
	for i, record := range slices.Backward(records) {
		dieAt(s, run.ID(), script.StepHeal)
		if _, err := takeBack(s, run.ID(), uint64(i)+1); err != nil { //nolint:gosec // an index
			return err
		}
		dieAt(s, run.ID(), script.StepReport)
		if err := record.Undone(sdk.Undone, "healed"); err != nil {
			return err
		}
	}
	return nil
}

func undo(ctx context.Context, s script.Script, call *sdk.UndoCall) (sdk.Outcome, error) {
	if err := noteEarly(s, call.ID()); err != nil {
		return sdk.Failed, err
	}
	if call.Attempt() == 1 {
		dieAt(s, call.ID(), script.StepUndo)
		if outcome, done, err := undoBadly(ctx, s, call.ID(), call.Sequence()); done {
			return outcome, err
		}
	}
	found, err := takeBack(s, call.ID(), call.Sequence())
	if err != nil {
		return sdk.Failed, err
	}
	dieAt(s, call.ID(), script.StepAnswer)
	if !found {
		return sdk.NothingToDo, nil
	}
	return sdk.Undone, nil
}

// undoBadly is the first attempt of a bad undo. It says whether that was all.
func undoBadly(ctx context.Context, s script.Script, executor string, sequence uint64) (outcome sdk.Outcome, done bool, err error) {
	switch s.Undo {
	case script.UndoSlow:
		select {
		case <-ctx.Done(): // the host has lost its patience
		case <-time.After(time.Minute):
		}
		return sdk.Retry, true, context.Cause(ctx)
	case script.UndoFailed:
		return sdk.Failed, true, errors.New("failed as it was told to")
	case script.UndoRetry:
		return sdk.Retry, true, nil
	case script.UndoNotMine:
		_, err := takeBack(s, executor, sequence) // somebody else has taken it over
		return sdk.NotMine, true, err
	case script.UndoCrash:
		os.Exit(7)
	case script.UndoPanic:
		panic("as it was told to")
	case script.UndoLeaves:
		return "", false, leave(true)
	}
	return "", false, nil
}
