package host

import (
	"context"
	"fmt"
	"path/filepath"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// The bounds of a plan.
const (
	maxExecutions = 10_000
	maxWarnings   = 100
)

// Plan runs a planner. A planner's own refusal is a *engine.Failure; a planner
// that breaks a bound or dies is another error. It takes at most PlanTimeout.
func (h *Host) Plan(ctx context.Context, o engine.Offer, c engine.PlanCall) (engine.Planned, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.cfg.PlanTimeout, fmt.Errorf("no answer within %s", h.cfg.PlanTimeout))
	defer cancel()
	s, err := h.open(ctx, call{
		class: classPlan, what: h.callName("plan"), digest: o.Digest, ref: o.Ref,
		path: filepath.Join(h.dir(o.Kind), o.Plugin), env: h.passTo(o.Ref, o.Env),
	})
	if err != nil {
		return engine.Planned{}, fmt.Errorf("planner %s: %w", o.Ref, err)
	}
	r, err := s.rpc.Plan(ctx, &pluginv1.PlanRequest{
		Ref: string(o.Ref), PlanName: c.Name, Config: c.Config.Doc, Attack: c.Attack.Doc,
		Now: timestamppb.New(c.Now), Zone: c.Zone, Seed: c.Seed,
	})
	s.end(0) // a plan has no side effects: nothing to wait for
	if ctx.Err() != nil && err != nil {
		return engine.Planned{}, fmt.Errorf("planner %s: %w", o.Ref, context.Cause(ctx))
	}
	if err != nil {
		return engine.Planned{}, fmt.Errorf("planner %s: %w", o.Ref, s.broken("Plan", err))
	}
	planned, err := readPlan(r)
	if err != nil {
		return engine.Planned{}, fmt.Errorf("planner %s: %w", o.Ref, err)
	}
	return planned, nil
}

func readPlan(r *pluginv1.PlanResponse) (engine.Planned, error) {
	if f := failure(r.GetFailure()); f != nil {
		return engine.Planned{}, f
	}
	if n := len(r.GetExecutions()); n > maxExecutions {
		return engine.Planned{}, fmt.Errorf("it plans %d executions; at most %d are allowed", n, maxExecutions)
	}
	p := engine.Planned{ZoneUsed: r.GetZoneUsed(), Warnings: warnings(r.GetWarnings())}
	for i, e := range r.GetExecutions() {
		if e.GetAt() == nil || !e.GetAt().IsValid() {
			return engine.Planned{}, fmt.Errorf("execution %d has no valid instant", i+1)
		}
		if len(e.GetArgs()) > 0 && !validJSON(e.GetArgs()) {
			return engine.Planned{}, fmt.Errorf("the args of execution %d are not JSON", i+1)
		}
		x := engine.Execution{At: e.GetAt().AsTime(), Name: cut(e.GetName(), maxShort)}
		if len(e.GetArgs()) > 0 {
			x.Args = e.GetArgs()
		}
		p.Executions = append(p.Executions, x)
	}
	return p, nil
}
