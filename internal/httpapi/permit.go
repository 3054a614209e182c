package httpapi

import (
	"context"
	"net/http"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// permit returns why the caller may not use a route; unknown is what to tell one
// who has shown nothing that counts.
func permit(caller access.Caller, need access.Role, unknown error) error {
	switch {
	case caller.Role.Covers(need):
		return nil
	case caller.Role == access.Nobody:
		return unknown
	default:
		return refuse(http.StatusForbidden, "this needs the role %s; the key %q has the role %s", need, caller.Name, caller.Role)
	}
}

// checkPlanLimits returns why the caller's key may not plan the attack with
// these labels.
func (s *Server) checkPlanLimits(ctx context.Context, attack engine.Ref, labels map[string]string) error {
	caller := access.CallerOf(ctx)
	if why := caller.Limits.Refuses(s.namesOf(attack), labels); why != "" {
		return refuse(http.StatusForbidden, "the key %q %s", caller.Name, why)
	}
	return nil
}

// checkPlan is checkPlanLimits for a plan that is there.
func (s *Server) checkPlan(ctx context.Context, id engine.PlanID) error {
	if !isLimited(ctx) {
		return nil
	}
	p, err := s.engine.Plan(ctx, id)
	if err != nil {
		return err
	}
	return s.checkPlanLimits(ctx, p.Attack.Ref, p.Labels)
}

// checkExecutor is checkPlanLimits for the plan of an executor.
func (s *Server) checkExecutor(ctx context.Context, id engine.ExecutorID) error {
	if !isLimited(ctx) {
		return nil
	}
	e, err := s.engine.Executor(ctx, id)
	if err != nil {
		return err
	}
	return s.checkPlan(ctx, e.PlanID)
}

func isLimited(ctx context.Context) bool { return !access.CallerOf(ctx).Limits.None() }

// namesOf are the ref of an attack as given and, as far as it is offered, its own
// and its aliases.
func (s *Server) namesOf(ref engine.Ref) []engine.Ref {
	if offer, err := s.engine.Offer(engine.KindAttack, ref); err == nil {
		return append([]engine.Ref{ref, offer.Ref}, offer.Aliases...)
	}
	return []engine.Ref{ref}
}

// lenientOperations take a body whatever it calls itself: who halts or takes
// something back must not fail for a header somebody forgot, and curl calls what
// it sends a form unless it is told otherwise.
var lenientOperations = map[string]bool{
	"engage_lever": true, "halt_plan": true, "halt_executor": true, "retry_undo": true, "abandon_undo": true,
}

// checkWrite refuses a write whose body does not call itself JSON. A page of
// another site can have a browser send a form without asking first, but not
// JSON; so where leniency is due, it is for clients that are no browsers.
func checkWrite(r *http.Request, operation string) error {
	if r.ContentLength == 0 || lenientOperations[operation] && !fromBrowser(r) {
		return nil
	}
	return checkContentType(r)
}

// fromBrowser says whether a browser has sent the request for a page. Each one
// in use names the page's origin in a write, or its relation to this server.
func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}
