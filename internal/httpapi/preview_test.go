package httpapi

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const previewTarget = "/api/1/plans/?dry_run=true"

func TestPreview(t *testing.T) {
	f := offering(newFake(t))
	due := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	plan := f.plans[0]
	plan.Seed = 5
	f.preview = engine.Preview{
		Plan: plan,
		Executors: []engine.Executor{
			{ID: execB, PlanID: planA, AttackRef: "api_request:ApiRequest", Due: due.Add(-time.Hour), State: engine.Missed, Reason: "it had passed"},
			{ID: execA, PlanID: planA, AttackRef: "api_request:ApiRequest", Name: "first", Due: due, State: engine.Scheduled, Seed: 7},
		},
		Targets:  []engine.Target{{ID: "i-1", State: "running"}},
		Warnings: []string{"1 of 2 executors will not run"},
	}
	a := do(t, f, sendJSON(http.MethodPost, previewTarget, planWith(`"zebra":1`))).is(http.StatusOK)
	a.equals(`{
	  "msg": "dry run: nothing was stored", "name": "night <shift>",
	  "attack": {"ref": "api_request:ApiRequest", "args": {"endpoint": "http://sink"}},
	  "planner": {"ref": "exact_planner:ExactPlanner", "args": {"date": "2026-11-21T03:00"}},
	  "timezone": "Europe/Madrid", "timeout": "15m", "misfire_grace": "1m30s", "undo": "auto", "seed": 5, "dry_run": false, "effect": "irreversible",
	  "executors_count": 1, "executors_total": 2,
	  "executors": [
	    {"name": "", "next_run_time": "2026-11-21T02:00:00+01:00", "executed": true, "state": "missed", "reason": "it had passed",
	     "seed": 0, "dry_run": false, "attack_ref": "api_request:ApiRequest"},
	    {"name": "first", "next_run_time": "2026-11-21T03:00:00+01:00", "executed": false, "state": "scheduled", "reason": "",
	     "seed": 7, "dry_run": false, "attack_ref": "api_request:ApiRequest"}],
	  "targets": [{"id": "i-1", "state": "running"}], "targets_error": null,
	  "_warnings": ["unknown member \"zebra\" is ignored", "1 of 2 executors will not run"]}`)
	if len(f.changes) != 0 || a.header.Get("Location") != "" {
		t.Errorf("a preview did %v, Location %q", f.changes, a.header.Get("Location"))
	}
}

func TestPreviewOfAnAttackThatCannotTell(t *testing.T) {
	f := newFake(t)
	do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan)).is(http.StatusOK).
		has("targets", "null").has("targets_error", "null").has("executors", "[]").has("executors_total", "0")
	f.preview.TargetsError = "no credentials"
	do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan)).is(http.StatusOK).
		has("targets", "null").has("targets_error", `"no credentials"`)
	f.preview = engine.Preview{Targets: []engine.Target{}}
	do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan)).is(http.StatusOK).has("targets", "[]")
}

func TestPreviewShowsTheFirstExecutors(t *testing.T) {
	f := newFake(t)
	f.preview.Executors = slices.Repeat([]engine.Executor{{State: engine.Scheduled}}, maxPage+1)
	a := do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan)).is(http.StatusOK).
		has("executors_total", "1001").has("executors_count", "1001")
	if n := len(a.at("executors").([]any)); n != maxPage {
		t.Errorf("%d executors shown", n)
	}
}

func TestWhatIsATrial(t *testing.T) {
	tests := []struct {
		name, query, body string
		stored, dryRun    bool
	}{
		{"a query", "?dry_run=YES", minimalPlan, false, false},
		{"a query of no", "?dry_run=off", minimalPlan, true, false},
		{"no query", "", minimalPlan, true, false},
		{"a body is a plan that does nothing", "", planWith(`"dry_run":true`), true, true},
		{"a query wins over a body", "?dry_run=1", planWith(`"dry_run":true`), false, true},
		{"a query wins over a body that says no", "?dry_run=1", planWith(`"dry_run":false`), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			do(t, f, sendJSON(http.MethodPost, "/api/1/plans/"+tt.query, tt.body)).is(http.StatusOK)
			if (len(f.changes) == 1) != tt.stored || f.spec.DryRun != tt.dryRun {
				t.Errorf("did %v with %+v", f.changes, f.spec)
			}
		})
	}
}

func TestPreviewIgnoresTheIdempotencyKey(t *testing.T) {
	f := newFake(t)
	for _, key := range []string{"k", "clé"} {
		do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan).with("Idempotency-Key", key)).is(http.StatusOK)
		if f.spec.IdempotencyKey != "" || f.spec.Fingerprint != "" {
			t.Errorf("the engine got the key %q", f.spec.IdempotencyKey)
		}
	}
}

func TestPreviewThatIsRefused(t *testing.T) {
	f := newFake(t)
	f.fail["PreviewPlan"] = engine.Errorf(engine.CodeDenied, "irreversible attacks are denied")
	do(t, f, sendJSON(http.MethodPost, previewTarget, minimalPlan)).is(http.StatusForbidden).
		has("msg", `"irreversible attacks are denied"`)
}
