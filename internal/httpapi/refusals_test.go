package httpapi

import (
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
	const more = 20
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
		for range recordPace.burst + more {
			g.do(call{method: c.method, target: c.target})
		}
		if n := len(g.entries()); (n < recordPace.burst+more) != c.paced {
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
