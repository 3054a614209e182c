// Command hello-attack is the smallest attack: 15 lines of its author's own,
// imports included. It greets in the run's log and harms nothing.
//
//	{"ref": "hello:Hello", "args": {"name": "world"}}
//
// Build it into the attacks folder and it is served:
//
//	go build -o bin/attacks/hello ./examples/hello-attack
package main

import (
	"context"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the attack is configured with.
type Args struct {
	Name string `json:"name" jsonschema:"description=Whom to greet"`
}

func main() {
	sdk.Serve(sdk.Attack[Args]{Info: sdk.Info{Ref: "hello:Hello", Effect: sdk.NoEffect, Example: Args{"world"}}, Run: hello})
}

func hello(_ context.Context, args Args, run *sdk.Run) error {
	run.Log().Info("hello", "name", args.Name)
	return nil
}
