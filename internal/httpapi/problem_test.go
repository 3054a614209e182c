package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestEachCodeHasItsStatus(t *testing.T) {
	tests := []struct {
		err    error
		status int
		msg    string
	}{
		{engine.Errorf(engine.CodeInvalid, "bad"), 400, "bad"},
		{engine.Errorf(engine.CodeNotFound, "none"), 404, "none"},
		{engine.Errorf(engine.CodeConflict, "not now"), 409, "not now"},
		{engine.Errorf(engine.CodeReused, "other body"), 422, "other body"},
		{engine.Errorf(engine.CodeBusy, "too many"), 503, "too many"},
		{engine.Errorf(engine.CodeClosed, "stopping"), 503, "stopping"},
		{engine.Errorf(engine.CodeDenied, "not allowed"), 403, "not allowed"},
		{engine.Errorf(engine.CodeLimited, "enough of them"), 409, "enough of them"},
		{engine.Errorf(engine.CodeFull, "no room"), 507, "no room"},
		{engine.Errorf(engine.CodeUnwritable, "read-only"), 503, "read-only"},
		{engine.Errorf(engine.CodeInternal, "disk /secret full"), 500, "internal error; the daemon's log says more"},
		{errors.New("disk /secret full"), 500, "internal error; the daemon's log says more"},
		{fmt.Errorf("wrapped: %w", engine.Errorf(engine.CodeConflict, "not now")), 409, "not now"},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			f := newFake(t)
			f.fail["Plans"] = tt.err
			a := do(t, f, get("/api/1/plans/")).is(tt.status)
			a.equals(fmt.Sprintf(`{"type": "about:blank", "title": %q, "status": %d, "detail": %q, "msg": %q}`,
				http.StatusText(tt.status), tt.status, tt.msg, tt.msg))
			if got := a.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
			wait := map[engine.Code]string{engine.CodeBusy: "1", engine.CodeUnwritable: "10"}[engine.CodeOf(tt.err)]
			if got := a.header.Get("Retry-After"); got != wait {
				t.Errorf("Retry-After %q, want %q", got, wait)
			}
		})
	}
}

func TestProblemsPointIntoTheBody(t *testing.T) {
	f := newFake(t)
	f.fail["CreatePlan"] = &engine.Error{
		Code: engine.CodeInvalid, Message: "invalid payload 'endpoint' is a required property",
		Problems: []engine.Problem{
			{Pointer: "/attack/args", Keyword: "required", Message: "'endpoint' is a required property"},
			{Pointer: "/attack/args/method", Keyword: "type", Message: "5 is not of type 'string'", Hint: "put it in quotes"},
		},
	}
	do(t, f, sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusBadRequest).equals(`{
	  "type": "about:blank", "title": "Bad Request", "status": 400,
	  "detail": "/attack/args: 'endpoint' is a required property; /attack/args/method: 5 is not of type 'string' (put it in quotes)",
	  "msg": "invalid payload 'endpoint' is a required property",
	  "errors": [
	    {"pointer": "/attack/args", "keyword": "required", "message": "'endpoint' is a required property"},
	    {"pointer": "/attack/args/method", "keyword": "type", "message": "5 is not of type 'string'", "hint": "put it in quotes"}]}`)
}

// logged serves one request and returns what was logged.
func logged(t *testing.T, f *fakeEngine, c call) (log string, status int) {
	t.Helper()
	var out strings.Builder
	s := NewServer(Config{Open: OpenToAll}, f, hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: &out}))
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
	r.Host = "localhost"
	maps.Copy(r.Header, c.header)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return out.String(), w.Code
}

func TestInternalErrorsAreLogged(t *testing.T) {
	f := newFake(t)
	f.fail["Plans"] = errors.New("disk full")
	log, status := logged(t, f, get("/api/1/plans/"))
	if status != 500 || !strings.Contains(log, "[ERROR] request failed") || !strings.Contains(log, "disk full") {
		t.Errorf("status %d, log %s", status, log)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	f := newFake(t)
	f.onPage = func() { panic("cracked") }
	log, status := logged(t, f, get("/api/1/executors/"))
	if status != 500 || !strings.Contains(log, "cracked") || !strings.Contains(log, "fake_test.go") {
		t.Errorf("status %d, log %s", status, log)
	}
}

func TestAccessLogHasNoSecrets(t *testing.T) {
	log, _ := logged(t, newFake(t), sendJSON(http.MethodPost, "/api/1/plans/?token=geheim", planWith(`"seed":123321`)))
	for _, want := range []string{"method=POST", "route=/api/1/plans/", "status=200", "duration="} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log: %s", want, log)
		}
	}
	if strings.Contains(log, "geheim") || strings.Contains(log, "123321") {
		t.Errorf("the log holds what was sent: %s", log)
	}
}

func TestClientThatLeftGetsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFake(t)
	f.onPage = cancel
	f.fail["Executors"] = fmt.Errorf("read: %w", context.Canceled)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/1/executors/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	defer func() {
		if p, _ := recover().(error); !errors.Is(p, http.ErrAbortHandler) || w.Body.Len() != 0 {
			t.Errorf("ended with %v and %q", p, w.Body)
		}
	}()
	NewServer(Config{Open: OpenToAll}, f, hclog.NewNullLogger()).Handler().ServeHTTP(w, r)
}
