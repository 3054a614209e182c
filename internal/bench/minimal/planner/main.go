// Command planner is the benchmark's planner plugin: it plans bursts, each of
// many runs due at the same instant.
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the planner is configured with.
type Args struct {
	First  string       `json:"first" jsonschema:"description=Instant of the first burst"`
	Each   int          `json:"each" jsonschema:"minimum=1,description=Runs in a burst"`
	Bursts int          `json:"bursts" jsonschema:"minimum=1"`
	Apart  sdk.Duration `json:"apart" jsonschema:"description=From one burst to the next"`
}

func main() {
	sdk.Serve(sdk.Planner[Args]{
		Info: sdk.Info{
			Ref:     "bench:Bursts",
			Example: Args{First: "2030-01-01T00:00:00Z", Each: 100, Bursts: 3, Apart: sdk.Duration(time.Second)},
		},
		Plan: plan,
	})
}

func plan(_ context.Context, req *sdk.PlanRequest[Args]) ([]sdk.Execution, error) {
	first, err := req.ParseDate(req.Args.First)
	if err != nil {
		return nil, sdk.Invalid("/first", "%s", err)
	}
	var executions []sdk.Execution
	for burst := range req.Args.Bursts {
		at := first.Add(time.Duration(burst) * time.Duration(req.Args.Apart))
		for range req.Args.Each {
			executions = append(executions, sdk.Execution{At: at, Name: strconv.Itoa(burst)})
		}
	}
	return executions, nil
}
