package host

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Check asks an attack what should be known of its config, in a process that is
// then ended. It takes at most PlanTimeout, and keeps the first maxWarnings. An
// attack's own refusal is a *engine.Failure; one that dies is another error.
func (h *Host) Check(ctx context.Context, o engine.Offer, config engine.Config) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.cfg.PlanTimeout, fmt.Errorf("no answer within %s", h.cfg.PlanTimeout))
	defer cancel()
	s, err := h.open(ctx, call{
		class: classPlan, what: h.callName("check"), digest: o.Digest, ref: o.Ref,
		path: filepath.Join(h.dir(o.Kind), o.Plugin), env: h.passTo(o.Ref, o.Env),
	})
	if err != nil {
		return nil, fmt.Errorf("check its config: %w", err)
	}
	r, err := s.rpc.Check(ctx, &pluginv1.CheckRequest{Ref: string(o.Ref), Config: config.Doc})
	s.end(0) // a check has no side effects: nothing to wait for
	if ctx.Err() != nil && err != nil {
		return nil, fmt.Errorf("check its config: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("check its config: %w", s.broken("Check", err))
	}
	if f := failure(r.GetFailure()); f != nil {
		return nil, fmt.Errorf("check its config: %w", f)
	}
	return warnings(r.GetWarnings()), nil
}

// warnings keeps the first maxWarnings. They are bounded, but still as long as
// to have whole secrets in them, which the engine takes out before it cuts them
// to what a person reads.
func warnings(list []string) []string {
	var kept []string
	for _, w := range list[:min(len(list), maxWarnings)] {
		kept = append(kept, cut(w, maxText))
	}
	return kept
}
