package host

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Targets asks an attack whom it would hit now, in a process that is then ended.
// It takes at most PlanTimeout, and keeps the first engine.MaxTargets. An
// attack's own refusal is a *engine.Failure; one that dies is another error.
func (h *Host) Targets(ctx context.Context, o engine.Offer, c engine.TargetsCall) ([]engine.Target, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.cfg.PlanTimeout, fmt.Errorf("no answer within %s", h.cfg.PlanTimeout))
	defer cancel()
	s, err := h.open(ctx, call{
		class: classPlan, what: h.callName("targets"), digest: o.Digest, ref: o.Ref,
		path: filepath.Join(h.dir(o.Kind), o.Plugin), env: h.passTo(o.Ref, o.Env),
	})
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.Ref, err)
	}
	r, err := s.rpc.Targets(ctx, &pluginv1.TargetsRequest{
		Ref: string(o.Ref), Config: c.Config.Doc, Seed: c.Seed, Zone: c.Zone,
	})
	s.end(0) // a list has no side effects: nothing to wait for
	if ctx.Err() != nil && err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.Ref, context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.Ref, s.broken("Targets", err))
	}
	if f := failure(r.GetFailure()); f != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.Ref, f)
	}
	list := r.GetTargets()
	return targets(list[:min(len(list), engine.MaxTargets)]), nil
}
