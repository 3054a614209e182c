package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	planA = engine.PlanID("0199aaaa0000700080000000000000aa")
	execA = engine.ExecutorID("0199aaaa0000700080000000000000e1")
	execB = engine.ExecutorID("0199aaaa0000700080000000000000e2")
	// nobody is the id of nothing.
	nobody = "0199ffff0000700080000000000000ff"
)

func madrid(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatalf("load zone: %v", err)
	}
	return zone
}

// newFake returns an engine with one plan, an executor that waits and one that
// ran.
func newFake(t testing.TB) *fakeEngine {
	t.Helper()
	due := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	config := func(doc string) engine.Config {
		var c engine.Config
		if err := json.Unmarshal([]byte(doc), &c); err != nil {
			t.Fatalf("config: %v", err)
		}
		return c
	}
	p := engine.Plan{
		ID: planA, Name: "night <shift>", Created: due.Add(-time.Hour), Zone: "Europe/Madrid",
		Timeout: 15 * time.Minute, MisfireGrace: 90 * time.Second, Seed: 42,
		Attack:        config(`{"ref":"api_request:ApiRequest","args":{"endpoint":"http://sink"}}`),
		Planner:       config(`{"ref":"exact_planner:ExactPlanner","args":{"date":"2026-11-21T03:00"}}`),
		Counts:        engine.Counts{Total: 2, Pending: 1},
		NextExecution: due,
	}
	return &fakeEngine{
		zone:  madrid(t),
		plans: []engine.Plan{p},
		executors: []engine.Executor{
			{
				ID: execB, PlanID: planA, AttackRef: "api_request:ApiRequest", Due: due.Add(-time.Minute),
				State: engine.Succeeded, Started: due.Add(-time.Minute), Finished: due.Add(-58*time.Second + 250*time.Microsecond),
				Lag: 1100 * time.Microsecond, Undo: engine.UndoUndone, Seed: 7,
			},
			{ID: execA, PlanID: planA, Name: "first", AttackRef: "api_request:ApiRequest", Due: due, State: engine.Scheduled, Lag: -1, Undo: engine.UndoNone},
		},
		created:  engine.Created{Plan: p},
		deletion: engine.Deletion{Done: true},
		fail:     map[string]error{},
	}
}

// call is a request of a test.
type call struct {
	method, target, body string
	header               http.Header
}

func get(target string) call { return call{method: http.MethodGet, target: target} }

// with returns the call with a header set.
func (c call) with(name, value string) call {
	c.header = c.header.Clone()
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Add(name, value)
	return c
}

func sendJSON(method, target, body string) call {
	return call{method: method, target: target, body: body}.with("Content-Type", "application/json")
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// do has a server on the engine answer a request.
func do(t *testing.T, f *fakeEngine, c call) answer {
	t.Helper()
	return doWith(t, Config{Version: "test"}, f, c)
}

func doWith(t *testing.T, cfg Config, f *fakeEngine, c call) answer {
	t.Helper()
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
	r.Host = "localhost:5000"
	if host := c.header.Get("Host"); host != "" {
		r.Host = host
	}
	maps.Copy(r.Header, c.header)
	w := httptest.NewRecorder()
	cfg.Open = OpenToAll
	NewServer(cfg, f, hclog.NewNullLogger()).Handler().ServeHTTP(w, r)
	res := w.Result()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return answer{t, res.StatusCode, res.Header, body}
}

// is fails the test unless the answer has the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// doc decodes the answer.
func (a answer) doc() map[string]any {
	a.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(a.body, &doc); err != nil {
		a.t.Fatalf("not JSON: %v: %s", err, a.body)
	}
	return doc
}

// at follows names through the answer's objects.
func (a answer) at(path string) any {
	a.t.Helper()
	var v any = a.doc()
	for name := range strings.SplitSeq(path, ".") {
		members, ok := v.(map[string]any)
		if !ok {
			a.t.Fatalf("%s: nothing at %q: %s", path, name, a.body)
		}
		v = members[name]
	}
	return v
}

// has fails the test unless the answer has the value at the path. want is JSON.
func (a answer) has(path, want string) answer {
	a.t.Helper()
	got, err := encode(a.at(path))
	if err != nil {
		a.t.Fatal(err)
	}
	if string(got) != want {
		a.t.Errorf("%s = %s, want %s", path, got, want)
	}
	return a
}

// equals fails the test unless the answer is the JSON document wanted.
func (a answer) equals(want string) {
	a.t.Helper()
	var got, wanted bytes.Buffer
	for _, side := range []struct {
		buf *bytes.Buffer
		doc []byte
	}{{&got, a.body}, {&wanted, []byte(want)}} {
		var v any
		if err := json.Unmarshal(side.doc, &v); err != nil {
			a.t.Fatalf("not JSON: %v: %s", err, side.doc)
		}
		enc := json.NewEncoder(side.buf)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(v); err != nil {
			a.t.Fatal(err)
		}
	}
	if got.String() != wanted.String() {
		a.t.Errorf("got %s\nwant %s", got.String(), wanted.String())
	}
}

// serveLoopback serves on a loopback port until the test ends.
func serveLoopback(t *testing.T, cfg Config, f *fakeEngine) (s *Server, addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	cfg.Open = OpenToAll
	s = NewServer(cfg, f, hclog.NewNullLogger())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, ln.Addr().String()
}

// contextWithLocal is the request's context as if it had arrived on addr.
func contextWithLocal(r *http.Request, addr net.Addr) context.Context {
	return context.WithValue(r.Context(), http.LocalAddrContextKey, addr)
}
