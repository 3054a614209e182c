package httpapi

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestStatus(t *testing.T) {
	f := newFake(t)
	f.status = engine.Status{
		Lever:        engine.LeverState{Durable: true, Lever: engine.Lever{Engaged: true, By: "ops", Reason: "enough"}},
		Irreversible: engine.IrreversibleAsk,
		Limits: []engine.LimitUse{
			{Name: "max-runs-per-hour", Limit: "10", Used: 10, Reached: true},
			{Name: "max-runs-per-ref", Limit: "none", Used: 0},
			{Name: "quiet", Limit: "none", Used: -1},
		},
		Live: 1, Undoing: 2,
		Undos: engine.UndoCounts{
			engine.RecordOpen: 3, engine.RecordUndoing: 4, engine.RecordUndone: 5,
			engine.RecordKept: 6, engine.RecordFailed: 7, engine.RecordAbandoned: 8,
		},
		Totals: engine.Totals{
			UndoAttempts: map[engine.Outcome]uint64{engine.OutcomeUndone: 9}, UndosFailed: 10, Halts: 11,
			LastHaltGone: 140250 * time.Microsecond,
		},
	}
	do(t, f, get("/api/1/status")).is(http.StatusOK).equals(`{
	  "version": "test", "timezone": "Europe/Madrid",
	  "lever": {
	    "engaged": true, "by": "ops", "reason": "enough", "at": null, "released_by": "", "released_at": null,
	    "durable": true, "halt_file": null, "stopping": 0, "undoing": 0, "stop": null, ` + leverLinksDoc + `},
	  "irreversible": "ask",
	  "limits": [
	    {"name": "max-runs-per-hour", "limit": "10", "used": 10, "reached": true},
	    {"name": "max-runs-per-ref", "limit": "none", "used": 0, "reached": false},
	    {"name": "quiet", "limit": "none", "used": null, "reached": false}],
	  "runs": {"live": 1, "undoing": 2},
	  "undos": {"open": 3, "undoing": 4, "undone": 5, "kept": 6, "failed": 7, "abandoned": 8, "unsettled": 14},
	  "totals": {
	    "undo_attempts": {"undone": 9}, "undos_failed": 10, "halts": 11,
	    "last_halt_gone_ms": 140.25, "last_halt_undone_ms": null},
	  "_links": {
	    "self": {"href": "/api/1/status"}, "halt": {"href": "/api/1/halt"}, "executors": {"href": "/api/1/executors/"},
	    "undos": {"href": "/api/1/undos/"}, "ready": {"href": "/readyz"}}}`)
}

func TestStatusOfNothing(t *testing.T) {
	f := newFake(t)
	do(t, f, get("/api/1/status")).is(http.StatusOK).
		has("limits", "[]").has("undos.unsettled", "0").has("totals.undo_attempts", "{}").has("lever.engaged", "false")
	f.fail["Status"] = errors.New("open /secret/place: denied")
	do(t, f, get("/api/1/status")).is(http.StatusInternalServerError)
}

func TestMetricsAreServedBehindTheGuard(t *testing.T) {
	cfg := Config{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte("cmed_lever_engaged 0\n"))
	})}
	a := doWith(t, cfg, newFake(t), get("/metrics")).is(http.StatusOK)
	if got := a.header.Get("Content-Type"); string(a.body) != "cmed_lever_engaged 0\n" || got != "text/plain; version=0.0.4" {
		t.Errorf("%q: %s", got, a.body)
	}
	doWith(t, cfg, newFake(t), get("/api/1/status")).is(http.StatusOK).has("_links.metrics.href", `"/metrics"`)
	doWith(t, cfg, newFake(t), get("/metrics").with("Host", "evil.example")).is(http.StatusMisdirectedRequest)
	doWith(t, cfg, newFake(t), get("/metrics").with("Origin", "https://evil.example")).is(http.StatusForbidden)
	doWith(t, cfg, newFake(t), call{method: http.MethodPost, target: "/metrics"}).is(http.StatusMethodNotAllowed)

	do(t, newFake(t), get("/metrics")).is(http.StatusNotFound)
	if links := do(t, newFake(t), get("/")).at("_links").(map[string]any); links["metrics"] != nil {
		t.Error("the entry links to metrics that are not there")
	}
}
