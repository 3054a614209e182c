package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// offering adds an attack and a planner to the fake.
func offering(f *fakeEngine) *fakeEngine {
	f.offers = []engine.Offer{
		{
			Descriptor: engine.Descriptor{
				Ref: "api_request:ApiRequest", Aliases: []engine.Ref{"api_request.ApiRequest"}, Kind: engine.KindAttack,
				Title: "Api request", Version: "1.0", Schema: json.RawMessage(`{"type":"object"}`),
				Examples: []json.RawMessage{json.RawMessage(`{"ref":"api_request:ApiRequest"}`)},
				Effect:   engine.EffectIrreversible, CanDryRun: true, CanCheck: true,
			},
			Digest: "abc", Plugin: "api_request",
		},
		{
			Descriptor: engine.Descriptor{
				Ref: "exact_planner:ExactPlanner", Kind: engine.KindPlanner, Description: "one instant",
				Schema: json.RawMessage(`{"type":"object"}`),
			},
			Digest: "def", Plugin: "exact_planner",
		},
	}
	return f
}

const attackDoc = `{
  "ref": "api_request:ApiRequest", "aliases": ["api_request.ApiRequest"], "title": "Api request",
  "description": "", "version": "1.0", "digest": "abc", "effect": "irreversible", "reversible": false,
  "can_dry_run": true, "can_list_targets": false, "can_check": true,
  "schema": {"type": "object"}, "example": {"ref": "api_request:ApiRequest"},
  "_links": {"self": {"href": "/api/1/attacks/api_request:ApiRequest"},
             "plugin": {"href": "/api/1/plugins/", "title": "api_request"}}}`

const plannerDoc = `{
  "ref": "exact_planner:ExactPlanner", "title": "", "description": "one instant", "version": "",
  "digest": "def", "schema": {"type": "object"}, "example": null,
  "_links": {"self": {"href": "/api/1/planners/exact_planner:ExactPlanner"},
             "plugin": {"href": "/api/1/plugins/", "title": "exact_planner"}}}`

func TestCatalogue(t *testing.T) {
	tests := []struct{ name, target, want string }{
		{
			"the attacks", "/api/1/attacks/",
			`{"attacks": [` + attackDoc + `], "_links": {"self": {"href": "/api/1/attacks/"}}}`,
		},
		{
			"the planners", "/api/1/planners/",
			`{"planners": [` + plannerDoc + `], "_links": {"self": {"href": "/api/1/planners/"}}}`,
		},
		{"one attack", "/api/1/attacks/api_request:ApiRequest", attackDoc},
		{"one attack with its colon encoded", "/api/1/attacks/api_request%3AApiRequest", attackDoc},
		{"one attack by its alias", "/api/1/attacks/api_request.ApiRequest", attackDoc},
		{"one planner", "/api/1/planners/exact_planner:ExactPlanner", plannerDoc},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			do(t, offering(newFake(t)), get(tt.target)).is(http.StatusOK).equals(tt.want)
		})
	}
}

func TestEmptyCatalogueIsAnEmptyList(t *testing.T) {
	do(t, newFake(t), get("/api/1/attacks/")).is(http.StatusOK).has("attacks", "[]")
}

func TestUnknownRefIsNotFound(t *testing.T) {
	for _, target := range []string{"/api/1/attacks/x:Y", "/api/1/planners/api_request:ApiRequest"} {
		do(t, offering(newFake(t)), get(target)).is(http.StatusNotFound)
	}
}

func TestPlugins(t *testing.T) {
	f := newFake(t)
	f.files = []engine.PluginFile{
		{Kind: engine.KindAttack, Path: "bad", SHA256: "aa", State: engine.PluginBroken, Error: &engine.PluginError{Stage: "describe", Message: "exit 1", Hint: "run it", Stderr: "boom"}},
		{Kind: engine.KindPlanner, Path: "exact", SHA256: "bb", Refs: []engine.Ref{"a:B"}, State: engine.PluginReady, SDK: "1.0", EnvRefused: []string{"AWS_X"}, EnvHint: "--plugin-env", Warnings: []string{"old.py: no ref"}},
	}
	const want = `{"plugins": [
	  {"kind": "attack", "path": "bad", "sha256": "aa", "refs": [], "state": "broken",
	   "error": {"stage": "describe", "message": "exit 1", "hint": "run it", "stderr": "boom"}},
	  {"kind": "planner", "path": "exact", "sha256": "bb", "refs": ["a:B"], "state": "ready", "sdk": "1.0",
	   "error": null, "warnings": ["old.py: no ref"], "env_refused": ["AWS_X"], "env_hint": "--plugin-env"}],
	 "_links": {"self": {"href": "/api/1/plugins/"}, "rescan": {"href": "/api/1/plugins/rescan"}}}`
	do(t, f, get("/api/1/plugins/")).is(http.StatusOK).equals(want)
	if len(f.changes) != 0 {
		t.Errorf("a listing did %v", f.changes)
	}
	do(t, f, call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusOK).equals(want)
	if len(f.changes) != 1 || f.changes[0] != "rescan" {
		t.Errorf("a rescan did %v", f.changes)
	}
}

func TestRescanThatFails(t *testing.T) {
	f := newFake(t)
	f.fail["Rescan"] = errors.New("folder /secret/place is gone")
	do(t, f, call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusInternalServerError).
		has("msg", `"internal error; the daemon's log says more"`)
}
