package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// rights says of every row of the routing table who may use it, and how it is
// called so that somebody who may gets the status.
var rights = map[string]struct {
	need   access.Role
	target string
	body   string
	status int
}{
	"GET /":                          {access.Viewer, "/", "", 200},
	"GET /api/1/":                    {access.Viewer, "/api/1/", "", 200},
	"GET /healthz":                   {access.Nobody, "/healthz", "", 200},
	"GET /readyz":                    {access.Nobody, "/readyz", "", 200},
	"GET /metrics":                   {access.Viewer, "/metrics", "", 200},
	"GET /docs":                      {access.Nobody, "/docs", "", 200},
	"GET /api/1/openapi.json":        {access.Nobody, "/api/1/openapi.json", "", 200},
	"GET /api/1/attacks/":            {access.Viewer, "/api/1/attacks/", "", 200},
	"GET /api/1/attacks/:ref":        {access.Viewer, "/api/1/attacks/api_request:ApiRequest", "", 200},
	"GET /api/1/planners/":           {access.Viewer, "/api/1/planners/", "", 200},
	"GET /api/1/planners/:ref":       {access.Viewer, "/api/1/planners/nothing:There", "", 404},
	"GET /api/1/plugins/":            {access.Viewer, "/api/1/plugins/", "", 200},
	"POST /api/1/plugins/rescan":     {access.Admin, "/api/1/plugins/rescan", "", 200},
	"GET /api/1/plans/":              {access.Viewer, "/api/1/plans/", "", 200},
	"POST /api/1/plans/":             {access.Operator, "/api/1/plans/", minimalPlan, 200},
	"GET /api/1/plans/:id":           {access.Viewer, "/api/1/plans/" + string(planA), "", 200},
	"DELETE /api/1/plans/:id":        {access.Admin, "/api/1/plans/" + string(planA), "", 200},
	"POST /api/1/plans/:id/halt":     {access.Operator, "/api/1/plans/" + string(planA) + "/halt", "", 200},
	"GET /api/1/executors/":          {access.Viewer, "/api/1/executors/", "", 200},
	"GET /api/1/executors/:id":       {access.Viewer, "/api/1/executors/" + string(execA), "", 200},
	"PUT /api/1/executors/:id":       {access.Operator, "/api/1/executors/" + string(execA), `{"type":"date","args":{"date":"2030-01-01T00:00"}}`, 200},
	"DELETE /api/1/executors/:id":    {access.Admin, "/api/1/executors/" + string(execA), "", 200},
	"GET /api/1/executors/:id/log":   {access.Viewer, "/api/1/executors/" + string(execA) + "/log", "", 200},
	"POST /api/1/executors/:id/halt": {access.Operator, "/api/1/executors/" + string(execA) + "/halt", "", 202},
	"GET /api/1/halt":                {access.Viewer, "/api/1/halt", "", 200},
	"PUT /api/1/halt":                {access.Operator, "/api/1/halt", `{"reason":"r"}`, 200},
	"DELETE /api/1/halt":             {access.Admin, "/api/1/halt", "", 200},
	"GET /api/1/halt/":               {access.Viewer, "/api/1/halt/", "", 200},
	"PUT /api/1/halt/":               {access.Operator, "/api/1/halt/", "", 200},
	"DELETE /api/1/halt/":            {access.Admin, "/api/1/halt/", "", 200},
	"GET /api/1/status":              {access.Viewer, "/api/1/status", "", 200},
	"GET /api/1/events/":             {access.Viewer, "/api/1/events/?follow=false", "", 200},
	"GET /api/1/me":                  {access.Viewer, "/api/1/me", "", 200},
	"GET /api/1/undos/":              {access.Viewer, "/api/1/undos/", "", 200},
	"GET /api/1/undos/:id":           {access.Viewer, undoTarget, "", 200},
	"POST /api/1/undos/:id/retry":    {access.Operator, undoTarget + "/retry", "", 202},
	"POST /api/1/undos/:id/abandon":  {access.Admin, undoTarget + "/abandon", `{"reason":"r"}`, 200},
	"GET /api/1/keys/":               {access.Admin, "/api/1/keys/", "", 200},
	"POST /api/1/keys/":              {access.Admin, "/api/1/keys/", `{"name":"n","role":"viewer"}`, 201},
	"GET /api/1/keys/:id":            {access.Admin, "/api/1/keys/SPARE", "", 200},
	"DELETE /api/1/keys/:id":         {access.Admin, "/api/1/keys/SPARE", "", 200},
	"GET /api/1/audit/":              {access.Admin, "/api/1/audit/", "", 200},
	"GET /api/1/audit/verify":        {access.Admin, "/api/1/audit/verify", "", 200},
	"GET /api/1/backup":              {access.Admin, "/api/1/backup", "", 200},
}

// callers of the table: what they show, and as whom that counts.
type showing struct {
	name   string
	header string // Authorization; "": none
	local  bool   // over the socket
	role   access.Role
	says   string // a part of the 401
}

func (g *gate) callers() []showing {
	live := func(role access.Role) showing {
		_, secret := g.key(access.NewKey{Role: role})
		return showing{name: string(role), header: "Bearer " + secret, role: role}
	}
	stranger := "cmed_abcdefabcdef_" + strings.Repeat("A", 43)
	return []showing{
		{name: "no key", role: access.Nobody, says: "this needs an API key"},
		{name: "garbage", header: "Bearer %%;\"garbage", role: access.Nobody, says: "does not know that API key"},
		{name: "no bearer", header: "Basic YWRtaW46YWRtaW4=", role: access.Nobody, says: "holds no API key"},
		{name: "a scheme alone", header: "Bearer", role: access.Nobody, says: "holds no API key"},
		{name: "unknown", header: "Bearer " + stranger, role: access.Nobody, says: "does not know that API key"},
		{name: "expired", header: "Bearer " + g.expired(), role: access.Nobody, says: "has expired"},
		{name: "revoked", header: "Bearer " + g.revoked(), role: access.Nobody, says: "has been revoked"},
		live(access.Viewer), live(access.Operator), live(access.Admin),
		{name: "socket", local: true, role: access.Admin},
		{name: "socket with a wrong key", local: true, header: "Bearer " + stranger, role: access.Admin},
	}
}

func TestEveryRouteAsksForItsRole(t *testing.T) {
	g := newGate(t, believingLoopback)
	spare, _ := g.key(access.NewKey{Name: "spare", Role: access.Viewer})
	callers := g.callers()
	seen := map[string]bool{}
	for _, rt := range g.server.routes() {
		row := rt.method + " " + rt.path
		seen[row] = true
		right, listed := rights[row]
		if !listed {
			t.Errorf("%s is not in the table of this test: who may use it?", row)
			continue
		}
		if rt.operation == "" || strings.ToLower(rt.operation) != rt.operation {
			t.Errorf("%s has the operation %q", row, rt.operation)
		}
		target := strings.ReplaceAll(right.target, "SPARE", string(spare))
		methods := []string{rt.method}
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		for _, method := range methods {
			for _, caller := range callers {
				t.Run(method+" "+rt.path+" by "+caller.name, func(t *testing.T) {
					g.t = t
					g.checkRight(caller, right.need, right.status, sendJSON(method, target, right.body))
				})
			}
		}
	}
	for row := range rights {
		if !seen[row] && !slices.Contains([]string{"GET /docs", "GET /api/1/openapi.json"}, row) {
			t.Errorf("%s is in the table of this test, but is no route", row)
		}
	}
}

// checkRight makes a call and looks whether it was let in by what it shows.
func (g *gate) checkRight(caller showing, need access.Role, status int, c call) {
	t := g.t
	t.Helper()
	g.changes()
	if caller.header != "" {
		c = c.with("Authorization", caller.header)
	}
	var a answer
	if caller.local {
		a = g.doLocal(c)
	} else {
		a = g.do(g.elsewhere(c))
	}
	switch {
	case caller.role.Covers(need):
		a.is(status)
		return
	case caller.role == access.Nobody:
		a.is(http.StatusUnauthorized)
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer realm="cmed"`) ||
			strings.Contains(got, "invalid_token") != (caller.header != "") {
			t.Errorf("WWW-Authenticate %q", got)
		}
	default:
		a.is(http.StatusForbidden)
		caller.says = `this needs the role ` + string(need)
	}
	if changes := g.changes(); len(changes) != 0 {
		t.Errorf("it was refused, and did %v", changes)
	}
	if got := a.header.Get("Content-Type"); got != problemType {
		t.Errorf("content type %q", got)
	}
	if c.method != http.MethodHead && !strings.Contains(a.at("msg").(string), caller.says) {
		t.Errorf("it says %q, want %q", a.at("msg"), caller.says)
	}
}

// What is no operation tells nothing that is not known of every cmed.
func TestWhatIsNoOperationNeedsNoKey(t *testing.T) {
	g := newGate(t, Config{})
	g.key(access.NewKey{Role: access.Admin})
	g.do(get("/nothing")).is(http.StatusNotFound)
	g.do(call{method: http.MethodPatch, target: "/api/1/plans/"}).is(http.StatusMethodNotAllowed)
	g.do(call{method: http.MethodOptions, target: "/api/1/plans/"}).is(http.StatusNoContent)
	g.do(sendJSON(http.MethodPost, "/api/1/plans", minimalPlan)).is(http.StatusPermanentRedirect)
	if changes := g.changes(); len(changes) != 0 {
		t.Errorf("did %v", changes)
	}
}

// A client may send a key with whatever it writes.
func TestEveryWriteTakesAnIdempotencyKey(t *testing.T) {
	g := newGate(t, Config{})
	spare, _ := g.key(access.NewKey{Name: "spare", Role: access.Viewer})
	key := "k " + strings.Repeat("~", maxKey-2)
	for _, rt := range g.server.routes() {
		if !rt.isWrite() {
			continue
		}
		row := rights[rt.method+" "+rt.path]
		c := sendJSON(rt.method, strings.ReplaceAll(row.target, "SPARE", string(spare)), row.body)
		g.doLocal(c.with("Idempotency-Key", key)).is(row.status)
	}
}
