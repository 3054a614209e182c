package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The comment of each test says what went wrong before it.

// deaf is an engine that can't tell of its lever: the halt file's folder is on a
// file system that does not answer.
type deaf struct {
	*fakeEngine
	engaged chan struct{}
}

func (d *deaf) Lever() engine.LeverState {
	select {} // that is the point
}

func (d *deaf) EngageLever(ctx context.Context, by, reason string) engine.LeverState {
	close(d.engaged)
	return d.fakeEngine.EngageLever(ctx, by, reason)
}

// PUT /halt looks at the lever, which reads the halt file and the store, before
// it engages it. Memory comes first (decision 5).
func TestNothingIsAskedBeforeTheLeverIsEngaged(t *testing.T) {
	d := &deaf{fakeEngine: newFake(t), engaged: make(chan struct{})}
	s := NewServer(Config{Open: OpenToAll}, d, hclog.NewNullLogger())
	r := httptest.NewRequest(http.MethodPut, "http://localhost/api/1/halt", http.NoBody)
	go s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	select {
	case <-d.engaged:
	case <-time.After(5 * time.Second):
		t.Error("the lever is not engaged: the request waits for what the halt file says")
	}
}
