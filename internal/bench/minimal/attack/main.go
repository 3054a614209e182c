// Command attack is the benchmark's attack plugin: bench:Stamp notes when its
// first instruction ran, and ends; bench:Hold does harm until it is stopped.
package main

import (
	"context"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the attack is configured with.
type Args struct {
	Path string `json:"path" jsonschema:"description=File to append a line to"`
}

func main() {
	sdk.Serve(sdk.Attack[Args]{
		Info: sdk.Info{Ref: "bench:Stamp", Effect: sdk.NoEffect, Example: Args{Path: "/tmp/marks"}},
		Run:  run,
	}, holder)
}

func run(_ context.Context, args Args, run *sdk.Run) error {
	at := time.Now()
	return stamp.Write(args.Path, run.ID(), at)
}
