package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestEntryLinksAreServed(t *testing.T) {
	for _, target := range []string{"/", "/api/1/"} {
		cfg := Config{Version: "test", Metrics: http.NotFoundHandler()}
		a := doWith(t, cfg, offering(newFake(t)), get(target)).is(http.StatusOK).
			has("name", `"cmed"`).has("version", `"test"`).has("timezone", `"Europe/Madrid"`).
			has("_links.self.href", `"`+target+`"`)
		if got := a.header.Get("Content-Type"); got != "application/hal+json" {
			t.Errorf("content type %q", got)
		}
		fill := strings.NewReplacer("attacks/{ref}", "attacks/api_request:ApiRequest", "planners/{ref}", "planners/exact_planner:ExactPlanner",
			"plans/{id}", "plans/"+string(planA), "executors/{id}", "executors/"+string(execA),
			"undos/{id}", "undos/"+string(execA)+"-1")
		for rel, l := range a.at("_links").(map[string]any) {
			href, _, _ := strings.Cut(fill.Replace(l.(map[string]any)["href"].(string)), "{?")
			allowed := doWith(t, cfg, offering(newFake(t)), call{method: http.MethodOptions, target: href}).is(http.StatusNoContent).header.Get("Allow")
			if !strings.Contains(allowed, "OPTIONS") {
				t.Errorf("%s: %s allows %q", rel, href, allowed)
			}
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	f := newFake(t)
	do(t, f, get("/healthz")).is(http.StatusOK).equals(`{"status": "ok"}`)
	do(t, f, get("/readyz")).is(http.StatusOK).equals(`{"status": "ready"}`)

	f.halted.Engaged, f.halted.By, f.halted.Reason = true, "ops", "enough"
	do(t, f, get("/readyz")).is(http.StatusOK).
		equals(`{"status": "ready", "lever": "engaged", "by": "ops", "reason": "enough"}`)

	f.fail["Ready"] = engine.Errorf(engine.CodeClosed, "the scheduler has not started")
	do(t, f, get("/healthz")).is(http.StatusOK)
	do(t, f, get("/readyz")).is(http.StatusServiceUnavailable).has("msg", `"not ready: the scheduler has not started"`)

	f.fail["Ready"] = errors.New("open /secret/place: denied")
	do(t, f, get("/readyz")).is(http.StatusServiceUnavailable).has("msg", `"not ready"`)
}
