package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type stubbornArgs struct {
	File string `json:"file" jsonschema:"description=The harm: a file that is created"`
	Key  string `json:"key" jsonschema:"description=The undo fails until this file is there"`
}

// stubborn does its harm and fails; its undo fails until it is let.
var stubborn = sdk.Attack[stubbornArgs]{
	Info: sdk.Info{Ref: "e2e:Stubborn", Effect: sdk.Undoable, Example: stubbornArgs{File: "/tmp/harm", Key: "/tmp/key"}},
	Run: func(ctx context.Context, args stubbornArgs, run *sdk.Run) error {
		create := func(context.Context) error { return os.WriteFile(args.File, nil, 0o600) }
		err := run.Do(ctx, args.File, create, sdk.Describe("remove "+args.File))
		return errors.Join(err, errors.New("failed as it always does"))
	},
	Undo: func(_ context.Context, args stubbornArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
		if _, err := os.Stat(args.Key); err != nil {
			return sdk.Failed, fmt.Errorf("locked: %w", err)
		}
		if err := os.Remove(args.File); err != nil {
			return sdk.Failed, err
		}
		return sdk.Undone, nil
	},
}
