package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type countArgs struct {
	File string `json:"file" jsonschema:"description=Where each run adds its line"`
}

// counter offers an attack that makes its run known where no store can lie
// about it: one durable line a run in a file. The effect is what it says of
// itself.
func counter(ref string, effect sdk.Effect) sdk.Offer {
	return sdk.Attack[countArgs]{
		Info: sdk.Info{Ref: ref, Effect: effect, Example: countArgs{File: "/tmp/count"}},
		Run: func(_ context.Context, args countArgs, run *sdk.Run) error {
			return appendLine(args.File, run.ID())
		},
	}
}

// appendLine adds a line to a file and returns when it is durable.
func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the test's own file
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, line)
	return errors.Join(err, file.Sync(), file.Close())
}
