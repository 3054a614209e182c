package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// PlannerArgs is what the planner is configured with.
type PlannerArgs struct {
	Date   string       `json:"date" jsonschema:"description=When the attack is executed first"`
	Times  int          `json:"times,omitempty" jsonschema:"description=How often,minimum=1,maximum=10"`
	Within sdk.Duration `json:"within,omitempty" jsonschema:"description=How long after it the others are"`
}

// plan answers the date, and instants that are drawn after it. Each execution but
// the first has args of its own, with what the attack has else.
func plan(_ context.Context, req *sdk.PlanRequest[PlannerArgs]) ([]sdk.Execution, error) {
	at, err := req.ParseDate(req.Args.Date)
	if err != nil {
		return nil, sdk.Invalid("/date", "%w", err)
	}
	if at.Before(req.Now) {
		req.Warn("%s is over", at.Format(time.RFC3339))
	}
	list := []sdk.Execution{{At: at, Name: "first"}}
	for i := 1; i < req.Args.Times; i++ {
		var args map[string]any
		if err := json.Unmarshal(req.Attack.Args, &args); err != nil {
			return nil, fmt.Errorf("read the attack's args: %w", err)
		}
		args["count"] = i + 1
		later := time.Duration(req.Rand().Int64N(int64(req.Args.Within) + 1))
		list = append(list, sdk.Execution{At: at.Add(later), Name: fmt.Sprintf("number %d", i+1), Args: args})
	}
	return list, nil
}
