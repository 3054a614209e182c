package main

import (
	"context"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// planner makes one executor for each script, named by its number.
var planner = sdk.Planner[script.PlannerArgs]{
	Info: sdk.Info{
		Ref:     script.Planner,
		Example: script.PlannerArgs{At: "2030-01-01T00:00:00Z", Scripts: []script.Script{{Dir: "/tmp"}}},
	},
	Plan: func(_ context.Context, req *sdk.PlanRequest[script.PlannerArgs]) ([]sdk.Execution, error) {
		at, err := req.ParseDate(req.Args.At)
		if err != nil {
			return nil, sdk.Invalid("/at", "%s", err)
		}
		var executions []sdk.Execution
		for i, s := range req.Args.Scripts {
			due := at.Add(time.Duration(i) * time.Duration(req.Args.Apart))
			executions = append(executions, sdk.Execution{At: due, Name: strconv.Itoa(i), Args: s})
		}
		return executions, nil
	},
}
