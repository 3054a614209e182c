package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestReadinessTellsOfTheStore(t *testing.T) {
	var warnings []string
	var wrong error
	cfg := Config{Condition: func(ctx context.Context) ([]string, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a probe may wait for ever")
		}
		return warnings, wrong
	}}
	ask := func() answer { return doWith(t, cfg, newFake(t), get("/readyz")) }
	ask().is(http.StatusOK).equals(`{"status":"ready"}`)
	warnings = []string{"the store is slow"}
	ask().is(http.StatusOK).equals(`{"status":"ready","warnings":["the store is slow"]}`)
	wrong = engine.Errorf(engine.CodeFull, "the disk is full")
	ask().is(http.StatusServiceUnavailable).has("msg", `"not ready: the disk is full"`)
	wrong = fmt.Errorf("write /secret/place: %w", context.DeadlineExceeded)
	ask().is(http.StatusServiceUnavailable).has("msg", `"not ready"`)
	doWith(t, cfg, newFake(t), get("/healthz")).is(http.StatusOK) // the process lives
}

func TestRequestsAreObserved(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	g := newGate(t, Config{Open: OpenHere, Observe: func(route, method string, status int, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if took <= 0 || took > time.Minute {
			t.Errorf("it took %v", took)
		}
		seen = append(seen, fmt.Sprint(method, " ", route, " ", status))
	}})
	g.engine.onPage = func() { panic("cracked") }
	g.do(get("/api/1/plans/" + string(planA) + "?x=1"))
	g.do(get("/api/1/executors/"))
	g.do(get("/api/1/plans/").bearing("cmed_wrong"))
	g.do(get("/api/1/plans/").with("Host", "evil.example"))
	g.do(get("/nothing/there"))
	g.do(call{method: "BREW", target: "/api/1/plans/"})
	want := []string{
		"GET /api/1/plans/:id 500", "GET /api/1/executors/ 500", "GET /api/1/plans/ 401", "GET  421", "GET  404", "OTHER  405",
	}
	deadline := time.Now().Add(10 * time.Second) // it is told after the answer has left
	for {
		mu.Lock()
		told := slices.Clone(seen)
		mu.Unlock()
		if slices.Equal(told, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("seen %q\nwant %q", told, want)
		}
		<-time.After(time.Millisecond)
	}
}
