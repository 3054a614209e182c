// Command simple_planner is a planner plugin: it spreads a number of runs over
// a window of today, one at a random instant in each of as many equal slices.
//
//	{"ref": "simple_planner:SimplePlanner",
//	 "args": {"min_time": "10:00", "max_time": "18:00", "times": 4}}
//
// Today is the engine's: the date of now in its zone. The slices are always
// those of the whole window. A slice that is over still gives an instant, which
// the engine stores as missed, and a warning says how many there are; the slice
// of now gives an instant in what is left of it. With "catch_up": true all runs
// are squeezed into what is left of the window instead.
//
// Times are "HH:MM", "H:MM" or "HH:MM:SS"; "24:00" is the end of the day. A
// window can't pass midnight. It lies between real instants: where the clocks
// change within it, it is an hour shorter or longer, and so are its slices
// together.
package main

import (
	"context"
	"fmt"
	_ "time/tzdata" // zones on machines that have none

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the planner is configured with. The bounds of the clock are not
// in the schema: the planner's own words tell more than a failed pattern.
type Args struct {
	MinTime string `json:"min_time" jsonschema_description:"Start of the window in the engine's time zone, as HH:MM, H:MM or HH:MM:SS." ui:"group=Window,widget=time"`
	MaxTime string `json:"max_time" jsonschema_description:"End of the window, later than min_time on the same day; 24:00 is the end of the day." ui:"group=Window,widget=time"`
	Times   Count  `json:"times" jsonschema:"minimum=1,maximum=10000" jsonschema_description:"How many runs to plan: one in each of as many equal slices of the window."`
	CatchUp bool   `json:"catch_up,omitempty" jsonschema:"default=false" jsonschema_description:"Squeeze all runs into what is left of today's window, rather than plan the past slices in the past, where they are missed."`
}

func main() {
	sdk.Serve(sdk.Planner[Args]{
		Info: sdk.Info{
			Ref:         "simple_planner:SimplePlanner",
			Title:       "Simple planner",
			Description: "Schedules a number of runs today, one at a random instant in each of as many equal slices of a window of the day.",
			Version:     sdk.Version,
			Example:     Args{MinTime: "10:00", MaxTime: "18:00", Times: 4},
			Examples:    []any{Args{MinTime: "09:00", MaxTime: "24:00", Times: 10, CatchUp: true}},
		},
		Plan: plan,
	})
}

// plan answers one execution a slice, named after the plan and numbered from 1
// as the Chaos Monkey Engine did.
func plan(_ context.Context, req *sdk.PlanRequest[Args]) ([]sdk.Execution, error) {
	day, err := schedule(req.Args, req.Now.In(req.Location()), req.Rand())
	if err != nil {
		return nil, err
	}
	if day.warning != "" {
		req.Warn("%s", day.warning)
	}
	executions := make([]sdk.Execution, len(day.instants))
	for i, at := range day.instants {
		executions[i] = sdk.Execution{At: at, Name: fmt.Sprintf("%s-%d", req.Name, i+1)}
	}
	return executions, nil
}
