package main

import (
	"context"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// observer returns the environment it finds itself in.
var observer = sdk.Attack[struct{}]{
	Info: sdk.Info{Ref: "e2e:Observe", Effect: sdk.NoEffect, Env: []string{"E2E_*", "HOME"}, Example: struct{}{}},
	Run: func(_ context.Context, _ struct{}, run *sdk.Run) error {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		return run.Result(map[string]any{"environ": os.Environ(), "home": home, "scripts": sdk.ScriptsFolder()})
	},
}
