package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
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

func TestTheAuditIsShown(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	const calls = 7
	for range calls {
		g.do(call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusOK)
	}
	for target, want := range map[string]string{
		"/api/1/audit/?limit=3":                         "[1 2 3 4 5 6 7]",
		"/api/1/audit/?limit=3&order=oldest&before=6":   "[1 2 3 4 5]",
		"/api/1/audit/?limit=3&order=newest":            "[7 6 5 4 3 2 1]",
		"/api/1/audit/?limit=2&order=newest&after=3":    "[7 6 5 4]",
		"/api/1/audit/?order=newest&after=2&before=5":   "[4 3]",
		"/api/1/audit/?limit=1&order=newest&before=1":   "[]",
		"/api/1/audit/?order=newest&from=2100-01-01":    "[]",
		"/api/1/audit/?limit=7&order=newest&after=0":    "[7 6 5 4 3 2 1]",
		"/api/1/audit/?limit=1000&order=newest&after=6": "[7]",
	} {
		if got := fmt.Sprint(numbers(g, target)); got != want {
			t.Errorf("%s: pages show %s, want %s", target, got, want)
		}
	}
	g.do(get("/api/1/audit/?after=6")).is(http.StatusOK).has("entries", lines(g, "?after=6"))
	g.do(get("/api/1/audit/?from=2100-01-01")).is(http.StatusOK).has("entries", "[]")
	g.do(get("/api/1/audit/?to=1980-01-01")).is(http.StatusOK).has("entries", "[]")
	for _, bad := range []string{
		"after=x", "after=-1", "before=0", "before=x", "before=", "from=never", "limit=0", "limit=1001", "order=", "order=due", "order=Newest",
	} {
		g.do(get("/api/1/audit/?" + bad)).is(http.StatusBadRequest)
	}
	g.do(get("/api/1/audit/verify")).is(http.StatusOK).has("entries", "7").has("head", `"`+g.lastEntry().Hash+`"`)

	last := audit.Entry{}
	for line := range strings.Lines(string(g.do(get("/api/1/audit/").with("Accept", "application/x-ndjson")).is(http.StatusOK).body)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if again := e.After(last); again != e {
			t.Errorf("the line is not what its hash is of: %s", line)
		}
		last = e
	}
	if last.Seq != calls {
		t.Errorf("the last line is %d", last.Seq)
	}
	if got := strings.Count(string(g.do(get("/api/1/audit/?limit=2&after=1").with("Accept", "application/x-ndjson")).body), "\n"); got != 2 {
		t.Errorf("%d lines, want 2", got)
	}
	g.do(get("/api/1/audit/?order=newest&before=3")).is(http.StatusOK).has("entries", lines(g, "?order=newest&before=3"))
}

// numbers are those of the entries at a target and on the pages that follow it.
func numbers(g *gate, target string) []any {
	var seqs []any
	for target != "" {
		a := g.do(get(target)).is(http.StatusOK)
		for _, e := range a.at("entries").([]any) {
			seqs = append(seqs, e.(map[string]any)["seq"])
		}
		next, _ := a.at("_links").(map[string]any)["next"].(map[string]any)
		target, _ = next["href"].(string)
	}
	return seqs
}

// lines are the entries as lines, in a list.
func lines(g *gate, query string) string {
	text := string(g.do(get("/api/1/audit/"+query).with("Accept", "application/x-ndjson")).is(http.StatusOK).body)
	list := "[" + strings.TrimSuffix(strings.ReplaceAll(text, "\n", ","), ",") + "]"
	var doc any
	if err := json.Unmarshal([]byte(list), &doc); err != nil {
		g.t.Fatal(err)
	}
	shown, err := encode(doc)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(shown)
}

func TestMoreEntriesThanAPage(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	const all = maxPage + 3
	entries := make(chan struct{}, 64) // appended together, they are committed together
	var appending sync.WaitGroup
	for range all {
		entries <- struct{}{}
		appending.Go(func() {
			defer func() { <-entries }()
			if _, err := g.store.AppendAudit(t.Context(), audit.Entry{Who: "x", Outcome: audit.OK}); err != nil {
				t.Error(err)
			}
		})
	}
	appending.Wait()
	if got := strings.Count(string(g.do(get("/api/1/audit/").with("Accept", "application/x-ndjson")).body), "\n"); got != all {
		t.Errorf("%d lines, want %d", got, all)
	}
	if got := strings.Count(string(g.do(get("/api/1/audit/?order=newest").with("Accept", "application/x-ndjson")).body), "\n"); got != all {
		t.Errorf("%d lines from the end, want %d", got, all)
	}
	for target, want := range map[string]int{
		"/api/1/audit/": 2, "/api/1/audit/?limit=1000": 2, "/api/1/audit/?limit=59": 17, "/api/1/audit/?limit=59&order=newest": 17,
	} {
		pages, seen := 0, 0
		for target != "" {
			a := g.do(get(target)).is(http.StatusOK)
			pages, seen = pages+1, seen+len(a.at("entries").([]any))
			next, _ := a.at("_links").(map[string]any)["next"].(map[string]any)
			target, _ = next["href"].(string)
		}
		if pages != want || seen != all { // 59 divides what there is: no page is empty
			t.Errorf("%d pages with %d entries, want %d with %d", pages, seen, want, all)
		}
	}
}

func TestRefusalsOfAKeyArePaced(t *testing.T) {
	g := newGate(t, Config{})
	id, vera := g.key(access.NewKey{Name: "vera", Role: access.Viewer})
	_, ana := g.key(access.NewKey{Name: "ana", Role: access.Admin})
	c := sendJSON(http.MethodPut, "/api/1/halt", `{}`)
	before := len(g.entries())
	const more = 20
	for range recordPace.burst + more {
		g.do(c.bearing(vera)).is(http.StatusForbidden)
	}
	if n := len(g.entries()) - before; n < recordPace.burst || n >= recordPace.burst+more {
		t.Errorf("%d are on record", n)
	}
	g.do(c.bearing(ana)).is(http.StatusOK) // others are as before
	if e := g.lastEntry(); e.Who != "ana" || e.Outcome != audit.OK {
		t.Errorf("the entry is %+v", e)
	}
	g.server.refusals.mu.Lock()
	paced := g.server.refusals.paced[refusedBy{string(id), audit.Refused}]
	paced.calm, paced.unrecorded = time.Time{}, more // much later
	g.server.refusals.mu.Unlock()
	g.do(c.bearing(vera)).is(http.StatusForbidden)
	if e := g.lastEntry(); !strings.HasSuffix(e.Detail, "; 20 more such requests with this key before, which are not on record one by one") {
		t.Errorf("the entry is %+v", e)
	}
}

// Who is let in without a key, or has writes fail, fills the disk as little.
func TestWhatComesToNothingIsPaced(t *testing.T) {
	const more = 20
	for _, c := range []struct{ rule, outcome, whence string }{
		{"refused without a key", audit.Refused, "without a key"},
		{"failing without a key", audit.Failed, "without a key"},
		{"refused over the socket", audit.Refused, "over the socket"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			g := newGate(t, Config{Open: OpenHere})
			do, body := g.do, minimalPlan
			if c.whence == "over the socket" {
				do = g.doLocal
			}
			if g.engine.fail["CreatePlan"] = engine.Errorf(engine.CodeBusy, "busy"); c.outcome == audit.Refused {
				body = `{`
			}
			for range recordPace.burst + more {
				do(sendJSON(http.MethodPost, "/api/1/plans/", body))
			}
			if n := len(g.entries()); n < recordPace.burst || n >= recordPace.burst+more {
				t.Errorf("%d are on record", n)
			}
			do(call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusOK)
			done := g.lastEntry()
			if done.Action != "rescan_plugins" || done.Outcome != audit.OK {
				t.Errorf("what was done is not on record, but %+v", done)
			}
			g.server.refusals.mu.Lock()
			paced := g.server.refusals.paced[refusedBy{done.Who, c.outcome}]
			paced.calm, paced.unrecorded = time.Time{}, more // much later
			g.server.refusals.mu.Unlock()
			do(sendJSON(http.MethodPost, "/api/1/plans/", body))
			if e := g.lastEntry(); e.Outcome != c.outcome || !strings.Contains(e.Detail, "20 more such requests "+c.whence+" before") {
				t.Errorf("the entry is %+v", e)
			}
		})
	}
}

// What may have been done is on record, however often.
func TestWhatMayHaveBeenDoneIsOnRecord(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	g.engine.fail["CreatePlan"] = errors.New("a defect")
	for range recordPace.burst + 5 {
		g.do(sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusInternalServerError)
	}
	if n := len(g.entries()); n != recordPace.burst+5 {
		t.Errorf("%d are on record", n)
	}
}

// A deletion calls off before it may be refused, and a halt stops before it may
// fail to store so; a request that gets no further than a right or an id does not.
func TestWhatActsBeforeItFailsIsOnRecord(t *testing.T) {
	const times = 5
	for _, c := range []struct {
		method, target, fails string
		code                  engine.Code
		paced                 bool
	}{
		{http.MethodDelete, "/api/1/plans/" + string(planA), "DeletePlan", engine.CodeConflict, false},
		{http.MethodDelete, "/api/1/executors/" + string(execA), "DeleteExecutor", engine.CodeConflict, false},
		{http.MethodPost, "/api/1/plans/" + string(planA) + "/halt", "HaltPlan", engine.CodeUnwritable, false},
		{http.MethodPost, "/api/1/executors/" + string(execA) + "/halt", "HaltExecutor", engine.CodeFull, false},
		{http.MethodDelete, "/api/1/plans/" + string(planA), "DeletePlan", engine.CodeNotFound, true},
		{http.MethodPost, "/api/1/plans/" + string(planA) + "/halt", "HaltPlan", engine.CodeNotFound, true},
	} {
		g := newGate(t, Config{Open: OpenHere})
		g.engine.fail[c.fails] = engine.Errorf(c.code, "no")
		for range recordPace.burst + times {
			g.do(call{method: c.method, target: c.target})
		}
		if n := len(g.entries()); (n < recordPace.burst+times) != c.paced {
			t.Errorf("%s, %s: %d are on record", c.fails, c.code, n)
		}
	}
}

func TestRefusalsAreForgottenInTime(t *testing.T) {
	var r refusals
	now := time.Now()
	for i := range maxRefused + 1000 {
		r.count(audit.Entry{Key: fmt.Sprint(i), Outcome: audit.Refused}, now)
		now = now.Add(recordPace.every)
	}
	if n := len(r.paced); n > maxRefused {
		t.Errorf("%d are remembered", n)
	}
}
