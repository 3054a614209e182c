package sdktest

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Planned is what a planner answered.
type Planned struct {
	Failure    *Failure // nil: there is a plan
	Executions []Execution
	Warnings   []string
	// ZoneUsed is set when an instant depends on the zone.
	ZoneUsed bool
}

// Execution is one instant of a plan.
type Execution struct {
	At   time.Time // in UTC
	Name string
	Args json.RawMessage // nil: those of the plan
}

// Plan asks a planner for a plan.
func Plan[T any](t testing.TB, planner sdk.Planner[T], args T, options ...Option) *Planned {
	t.Helper()
	c := newCall(t, options)
	o := serve(t, planner, c)
	response := ask(t, c, "the plan", askTimeout, &pluginv1.PlanRequest{
		Ref: o.Ref, PlanName: c.plan, Config: o.config(t, c, args), Attack: encode(t, "the attack's config", c.attack),
		Now: timestamppb.New(c.now), Zone: c.zone, Seed: c.seed,
	}, o.plugin.Server.Plan)
	if f := failure(response.GetFailure()); f != nil {
		return &Planned{Failure: f}
	}
	p := &Planned{Warnings: response.GetWarnings(), ZoneUsed: response.GetZoneUsed()}
	for _, e := range response.GetExecutions() {
		p.Executions = append(p.Executions, Execution{At: e.GetAt().AsTime(), Name: e.GetName(), Args: e.GetArgs()})
	}
	return p
}
