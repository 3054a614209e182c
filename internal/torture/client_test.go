package torture

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client speaks the HTTP API.
type client struct{ base string }

// answer is a response, read to its end.
type answer struct {
	*http.Response
	body []byte
}

var httpClient = &http.Client{
	Timeout:       60 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send makes a request. A body that is not nil, a string or bytes is sent as
// JSON. Headers come in pairs.
func (c client) send(t *testing.T, method, path string, body any, headers ...string) answer {
	t.Helper()
	a, err := c.trySend(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c client) trySend(method, path string, body any, headers ...string) (answer, error) {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	case []byte:
		content = bytes.NewReader(b)
	default:
		doc, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(doc)
	}
	request, err := http.NewRequest(method, c.base+path, content) //nolint:noctx // the client has a timeout
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content2, err := io.ReadAll(response.Body)
	return answer{response, content2}, err
}

// json reads the body, after checking the status.
func (a answer) json(t *testing.T, status int, into any) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func (c client) get(t *testing.T, path string, into any) {
	t.Helper()
	c.send(t, http.MethodGet, path, nil).json(t, http.StatusOK, into)
}

// plan and executor are as much of the documents as tests look at.
type plan struct {
	ID             string   `json:"id"`
	Executed       bool     `json:"executed"`
	ExecutorsCount int      `json:"executors_count"`
	Warnings       []string `json:"_warnings"`
}

type executor struct {
	ID      string   `json:"id"`
	PlanID  string   `json:"plan_id"`
	State   string   `json:"state"`
	Reason  string   `json:"reason"`
	Undo    string   `json:"undo"`
	Started *string  `json:"started"`
	LagMS   *float64 `json:"lag_ms"`
}

func (e executor) final() bool {
	return e.State != "scheduled" && e.State != "starting" && e.State != "running"
}

// post makes a plan of one attack at one time.
func (c client) post(t *testing.T, ref string, args any, at time.Time) plan {
	t.Helper()
	return c.postPlan(t, map[string]any{
		"name": t.Name(), "attack": map[string]any{"ref": ref, "args": args},
		"planner": map[string]any{
			"ref": "exact_planner:ExactPlanner", "args": map[string]any{"date": at.UTC().Format(time.RFC3339Nano)},
		},
	})
}

func (c client) postPlan(t *testing.T, body any) plan {
	t.Helper()
	var p plan
	c.send(t, http.MethodPost, "/api/1/plans/", body).json(t, http.StatusOK, &p)
	return p
}

// executors lists those that a query selects.
func (c client) executors(t *testing.T, query string) []executor {
	t.Helper()
	var list struct {
		Executors []executor `json:"executors"`
	}
	c.get(t, "/api/1/executors/?"+query, &list)
	return list.Executors
}

func (c client) executorsOf(t *testing.T, p plan) []executor {
	t.Helper()
	return c.executors(t, "executed=true&plan_id="+p.ID)
}

// await waits until a plan's only executor is as wanted.
func (c client) await(t *testing.T, p plan, limit time.Duration, as func(executor) bool) executor {
	t.Helper()
	var last executor
	if !eventually(limit, func() bool {
		list := c.executorsOf(t, p)
		if len(list) != 1 {
			t.Fatalf("%d executors, want 1", len(list))
		}
		last = list[0]
		return as(last)
	}) {
		t.Fatalf("after %s the executor is still %+v", limit, last)
	}
	return last
}

// finished waits for the final state of a plan's only executor, its undo too.
func (c client) finished(t *testing.T, p plan, state string) executor {
	t.Helper()
	e := c.await(t, p, 60*time.Second, func(e executor) bool {
		return e.final() && e.Undo != "undoing" && (e.Undo != "open" || e.State == "succeeded")
	})
	if e.State != state {
		t.Fatalf("%s (%s), want %s", e.State, e.Reason, state)
	}
	return e
}
