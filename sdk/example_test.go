package sdk_test

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// TouchArgs are the args of the attack in the example.
type TouchArgs struct {
	Path string `json:"path" jsonschema:"description=File to create"`
}

// A whole plugin with one attack. The body of main is that of Example.
func Example() {
	main := func() {
		sdk.Serve(sdk.Attack[TouchArgs]{
			Info: sdk.Info{Ref: "touch:Touch", Title: "Creates a file", Example: TouchArgs{Path: "/tmp/x"}},
			Run: func(ctx context.Context, args TouchArgs, run *sdk.Run) error {
				return run.Do(ctx, args.Path, func(context.Context) error {
					return os.WriteFile(args.Path, nil, 0o600)
				})
			},
			Undo: func(_ context.Context, args TouchArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
				err := os.Remove(args.Path)
				if errors.Is(err, os.ErrNotExist) {
					return sdk.NothingToDo, nil
				}
				return sdk.Undone, err
			},
		})
	}
	_ = main
}

// A planner that plans for an hour from now.
func ExamplePlanner() {
	planner := sdk.Planner[struct{}]{
		Info: sdk.Info{Ref: "in_an_hour:InAnHour"},
		Plan: func(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
			return []sdk.Execution{{At: req.Now.Add(time.Hour), Name: req.Name}}, nil
		},
	}
	_ = planner
}

// An attack that takes its harm back itself when it is stopped.
func ExampleRun_Record() {
	run := func(ctx context.Context, args TouchArgs, run *sdk.Run) error {
		record, err := run.Record(ctx, args.Path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(args.Path, nil, 0o600); err != nil {
			return err
		}
		<-ctx.Done()
		if err := os.Remove(args.Path); err != nil {
			return err // the host has it undone
		}
		return record.Undone(sdk.Undone, "removed")
	}
	_ = run
}
