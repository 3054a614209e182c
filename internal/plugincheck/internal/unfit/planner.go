package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// plan is a fit planner: instants of the next hour, drawn with the seed.
func plan(_ context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
	var c struct {
		Ref  string `json:"ref"`
		Args struct {
			Count int    `json:"count"`
			Label string `json:"label"`
		} `json:"args"`
	}
	decoder := json.NewDecoder(bytes.NewReader(r.GetConfig()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return &pluginv1.PlanResponse{Failure: &pluginv1.Failure{Message: err.Error(), Pointer: "/args"}}, nil
	}
	if c.Args.Count < 1 || c.Args.Count > 100 {
		return &pluginv1.PlanResponse{Failure: &pluginv1.Failure{Message: "1 to 100 can be planned", Pointer: "/args/count"}}, nil
	}
	return &pluginv1.PlanResponse{Executions: draw(r.GetNow().AsTime(), c.Args.Count, r.GetSeed(), c.Args.Label)}, nil
}

func draw(now time.Time, count int, seed int64, label string) []*pluginv1.Execution {
	dice := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // repeatable on purpose
	offsets := make([]time.Duration, count)
	for i := range offsets {
		offsets[i] = time.Minute + time.Duration(dice.Int64N(int64(time.Hour)))
	}
	slices.Sort(offsets)
	executions := make([]*pluginv1.Execution, count)
	for i, o := range offsets {
		executions[i] = &pluginv1.Execution{At: timestamppb.New(now.Add(o)), Name: label}
	}
	return executions
}
