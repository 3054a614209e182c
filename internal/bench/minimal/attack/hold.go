package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// HoldArgs is what the attack that holds its harm is configured with.
type HoldArgs struct {
	Dir string `json:"dir" jsonschema:"description=Folder in which each run has a file as long as it does harm"`
	// Deaf has it go on when it is told to stop.
	Deaf bool `json:"deaf,omitempty" jsonschema:"description=Ignore the stop"`
}

// holder does harm until it is stopped, and leaves the undo to a fresh process.
var holder = sdk.Attack[HoldArgs]{
	Info: sdk.Info{Ref: "bench:Hold", Effect: sdk.Undoable, Example: HoldArgs{Dir: "/tmp/harm"}},
	Run: func(ctx context.Context, args HoldArgs, run *sdk.Run) error {
		file := filepath.Join(args.Dir, run.ID())
		err := run.Do(ctx, file, func(context.Context) error { return os.WriteFile(file, nil, 0o600) })
		if err != nil {
			return err
		}
		if args.Deaf {
			select {}
		}
		<-ctx.Done()
		return context.Cause(ctx)
	},
	Undo: func(_ context.Context, _ HoldArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
		var file string
		if err := call.Record(&file); err != nil {
			return sdk.Failed, err
		}
		err := os.Remove(file)
		if errors.Is(err, fs.ErrNotExist) {
			return sdk.NothingToDo, nil
		}
		return sdk.Undone, err
	},
}
