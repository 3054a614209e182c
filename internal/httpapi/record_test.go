package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestEveryWriteIsOnRecord makes every write of the routing table and looks for
// its one entry.
func TestEveryWriteIsOnRecord(t *testing.T) {
	g := newGate(t, Config{})
	spare, _ := g.key(access.NewKey{Name: "spare", Role: access.Viewer})
	id, secret := g.key(access.NewKey{Name: "ana", Role: access.Admin})
	_, viewer := g.key(access.NewKey{Name: "vera", Role: access.Viewer})
	for _, rt := range g.server.routes() {
		row := rt.method + " " + rt.path
		t.Run(row, func(t *testing.T) {
			g.t = t
			before := len(g.entries())
			c := sendJSON(rt.method, strings.ReplaceAll(rights[row].target, "SPARE", string(spare)), rights[row].body)
			a := g.do(c.bearing(secret)).is(rights[row].status)
			entries := g.entries()[before:]
			if !rt.isWrite() && rt.operation != operationBackup {
				if len(entries) != 0 {
					t.Errorf("a reading is on record: %+v", entries)
				}
				return
			}
			if len(entries) != 1 {
				t.Fatalf("%d entries", len(entries))
			}
			e := entries[0]
			if e.Who != "ana" || e.Key != string(id) || e.Role != "admin" || e.From != "127.0.0.1" || e.Action != rt.operation ||
				e.Status != a.status || e.Outcome != audit.OK || time.Since(e.At) > time.Minute {
				t.Errorf("the entry is %+v", e)
			}
			if strings.Contains(rt.path, ":id") && (e.Target == "" || !strings.Contains(c.target, e.Target)) {
				t.Errorf("the target is %q", e.Target)
			}
			if rt.need == access.Viewer {
				return
			}
			g.do(c.bearing(viewer)).is(http.StatusForbidden)
			g.do(c).is(http.StatusUnauthorized)
			refused := g.entries()[before+1:]
			if len(refused) == 0 || refused[0].Who != "vera" || refused[0].Action != rt.operation || refused[0].Outcome != audit.Refused ||
				!strings.Contains(refused[0].Detail, "needs the role") {
				t.Errorf("the refusal's entry is %+v", refused)
			}
		})
	}
	g.t = t
	verdict, err := audit.Verify(t.Context(), g.store)
	if err != nil || verdict.Broken != 0 {
		t.Errorf("the chain: %+v, %v", verdict, err)
	}
}

// lastEntry is the last of the audit.
func (g *gate) lastEntry() audit.Entry {
	g.t.Helper()
	entries := g.entries()
	if len(entries) == 0 {
		g.t.Fatal("nothing is on record")
	}
	return entries[len(entries)-1]
}

func TestWhatEntriesTell(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	conflict := engine.Errorf(engine.CodeConflict, "the undo 12-1 of plan %s is open", planA)
	tests := []struct {
		name   string
		call   call
		fail   string
		err    error
		entry  audit.Entry
		remote bool
	}{
		{
			name: "a plan is named by its id", call: sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan), remote: true,
			entry: audit.Entry{
				Who: "anybody", Role: "admin", From: "127.0.0.1", Action: "create_plan", Target: string(planA), Status: 200, Outcome: "ok",
			},
		},
		{
			name: "a trial is none", call: sendJSON(http.MethodPost, "/api/1/plans/?dry_run=true", minimalPlan),
			entry: audit.Entry{Action: "create_plan", Status: 200, Outcome: "ok", Detail: "a preview: nothing was stored"},
		},
		{
			name: "a reason is a reason", call: sendJSON(http.MethodPut, "/api/1/halt", `{"reason":"it burns"}`),
			entry: audit.Entry{Action: "engage_lever", Status: 200, Outcome: "ok", Detail: "it burns"},
		},
		{
			name: "a move tells where to",
			call: sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), `{"type":"date","args":{"date":"2030-01-01T00:00:00Z"}}`),
			entry: audit.Entry{
				Action: "move_executor", Target: string(execA), Status: 200, Outcome: "ok", Detail: "to 2030-01-01T00:00:00Z",
			},
		},
		{
			name: "what the engine refuses, in its words", call: call{method: http.MethodDelete, target: "/api/1/plans/" + string(planA)},
			fail: "DeletePlan", err: conflict,
			entry: audit.Entry{Action: "delete_plan", Target: string(planA), Status: 409, Outcome: "refused", Detail: conflict.Message},
		},
		{
			name: "a fault of ours", call: call{method: http.MethodDelete, target: "/api/1/plans/" + string(planA)},
			fail: "DeletePlan", err: errors.New("read /secret/place"),
			entry: audit.Entry{Action: "delete_plan", Target: string(planA), Status: 500, Outcome: "failed", Detail: "internal error"},
		},
		{
			name: "a bad body, by places only", call: sendJSON(http.MethodPost, "/api/1/plans/", `{"name":"n","attack":{"ref":5},"planner":{"ref":"x"}}`),
			entry: audit.Entry{Action: "create_plan", Status: 400, Outcome: "refused", Detail: "invalid /attack/ref"},
		},
		{
			name: "a body of another kind", call: call{method: http.MethodPost, target: "/api/1/plans/", body: "x"}.with("Content-Type", "text/x"),
			entry: audit.Entry{Action: "create_plan", Status: 415, Outcome: "refused", Detail: "Unsupported Media Type"},
		},
		{
			name: "an id that is none is not repeated", call: call{method: http.MethodDelete, target: "/api/1/executors/Not%20An%20Id"},
			entry: audit.Entry{Action: "delete_executor", Status: 404, Outcome: "refused", Detail: "not found"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			want := tt.entry
			if tt.remote {
				g.do(tt.call)
			} else {
				want.Who, want.Role, want.From = socketName, "admin", socketFrom
				g.engine.fail[tt.fail] = tt.err
				g.doLocal(tt.call)
				delete(g.engine.fail, tt.fail)
			}
			got := g.lastEntry()
			want.Seq, want.At, want.Before, want.Hash = got.Seq, got.At, got.Before, got.Hash
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// trialAudit is an audit that does as a test says.
type trialAudit struct {
	audit.Store
	before func(audit.Entry) error
}

func (a trialAudit) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	if err := a.before(e); err != nil {
		return e, err
	}
	return e, ctx.Err()
}

func TestTheAnswerWaitsForItsEntry(t *testing.T) {
	appending, goOn := make(chan audit.Entry), make(chan struct{})
	g := newGate(t, Config{Open: OpenHere, Audit: trialAudit{before: func(e audit.Entry) error {
		appending <- e
		<-goOn
		return nil
	}}})
	status := make(chan int, 1)
	go func() { status <- postStatus(g.addr) }()
	if e := <-appending; e.Status != http.StatusOK || e.Target != string(planA) {
		t.Errorf("the entry is %+v", e)
	}
	if changes := g.changes(); len(changes) != 1 {
		t.Errorf("when its entry is made, done is %v", changes)
	}
	select {
	case got := <-status:
		t.Errorf("the answer %d left before the entry was stored", got)
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if got := <-status; got != http.StatusOK {
		t.Errorf("status %d", got)
	}
}

func TestAnAuditThatFailsKeepsNothingFromBeingDone(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere, Audit: trialAudit{before: func(audit.Entry) error { return errors.New("the disk is full") }}})
	g.do(sendJSON(http.MethodPut, "/api/1/halt", `{"reason":"it burns"}`)).is(http.StatusOK).has("engaged", "true")
	for _, want := range []string{"[ERROR]", "the audit lacks an entry", "action=engage_lever", "the disk is full", "who=anybody"} {
		if !strings.Contains(g.log.String(), want) {
			t.Errorf("%q is not in the log: %s", want, g.log)
		}
	}
}

func TestAClientThatLeftIsOnRecordAllTheSame(t *testing.T) {
	entries := make(chan audit.Entry, 1)
	g := newGate(t, Config{Open: OpenHere, Audit: trialAudit{before: func(e audit.Entry) error {
		entries <- e
		return nil
	}}})
	left := make(chan struct{})
	g.engine.onCreate = func(ctx context.Context) {
		close(left)
		<-ctx.Done()
	}
	g.engine.fail["CreatePlan"] = fmt.Errorf("plan: %w", context.Canceled)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-left
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.addr+"/api/1/plans/", strings.NewReader(minimalPlan))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Fatalf("an answer came: %s", res.Status)
	}
	http.DefaultClient.CloseIdleConnections()
	if e := <-entries; e.Outcome != audit.Failed || e.Status != 0 || e.Action != "create_plan" {
		t.Errorf("the entry is %+v", e)
	}
}

// Who may do nothing can't fill the disk with what they tried.
func TestWhoIsLetInNowhereIsOnRecordRarely(t *testing.T) {
	g := newGate(t, Config{})
	for range 30 {
		g.do(sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusUnauthorized)
		g.do(get("/api/1/plans/").bearing("cmed_wrong"))
	}
	entries := g.entries()
	if len(entries) != 1 || entries[0].Who != nobodyName || entries[0].From != "127.0.0.1" || entries[0].Status != 401 ||
		entries[0].Action != "create_plan" || entries[0].Detail != "no API key" {
		t.Errorf("on record is %+v", entries)
	}
	other := newGate(t, Config{})
	other.do(get("/api/1/plans/").bearing("cmed_wrong")).is(http.StatusUnauthorized)
	if e := other.lastEntry(); e.Action != operationLogin || e.Outcome != audit.Refused || e.Detail != tellUnknown {
		t.Errorf("on record is %+v", e)
	}
}
