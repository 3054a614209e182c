package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// sdkArgs are those of the attack written with the SDK.
type sdkArgs struct {
	Note string `json:"note" jsonschema:"required,description=What is written into the file"`
}

// sdkFaults serve an attack written with the SDK, with a fault of its author.
var sdkFaults = map[string]func(){
	"sdk-fit": withRun(sdkRun),
	"sdk-hasty": withRun(func(_ context.Context, _ sdkArgs, run *sdk.Run) error { // no fault
		for range 5 {
			run.Log().Info("done, nearly")
		}
		return nil
	}),
	"sdk-ignores-its-context": withRun(func(_ context.Context, _ sdkArgs, run *sdk.Run) error {
		run.Log().Info("sleeping")
		time.Sleep(longer())
		return nil
	}),
	"sdk-forgets-the-dry-run": withRun(func(_ context.Context, a sdkArgs, _ *sdk.Run) error {
		return os.WriteFile(filepath.Join(own(), "forgotten"), []byte(a.Note), 0o600)
	}),
	"sdk-panics": withRun(func(context.Context, sdkArgs, *sdk.Run) error {
		var nowhere *sdkArgs
		nowhere.Note = "x"
		return nil
	}),
}

// sdkRun is a fit run.
func sdkRun(ctx context.Context, a sdkArgs, run *sdk.Run) error {
	run.Log().Info("a file is to be made")
	path := filepath.Join(own(), "harm-"+run.ID())
	err := run.Do(ctx, path, func(context.Context) error { return os.WriteFile(path, []byte(a.Note), 0o600) },
		sdk.Describe("remove the file"))
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(lasts):
		return nil
	}
}

func sdkUndo(_ context.Context, _ sdkArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
	var path string
	if err := call.Record(&path); err != nil || path != filepath.Join(own(), "harm-"+call.ID()) {
		return sdk.NotMine, nil //nolint:nilerr // what can't be read is not ours
	}
	err := os.Remove(path)
	if os.IsNotExist(err) {
		return sdk.NothingToDo, nil
	}
	return sdk.Undone, err
}

func withRun(run func(context.Context, sdkArgs, *sdk.Run) error) func() {
	return func() {
		sdk.Serve(sdk.Attack[sdkArgs]{
			Info: sdk.Info{
				Ref: attackRef, Title: "Makes a file", Description: "Makes a file beside the plugin; an undo removes it.",
				Example: sdkArgs{Note: "hello"}, DryRun: true,
			},
			Run: run, Undo: sdkUndo,
		})
	}
}
