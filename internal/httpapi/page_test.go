package httpapi

import (
	"net/http"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// pages are what browsers send for pages of other sites: with forms, with fetch,
// and under a name that leads to this machine (DNS rebinding).
var pages = []struct {
	name   string
	header map[string]string
	kind   string
}{
	{"a form", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, "application/x-www-form-urlencoded"},
	{"a form with JSON in it", map[string]string{"Origin": "https://evil.example"}, "text/plain"},
	{"a form of a sandboxed frame", map[string]string{"Origin": "null", "Sec-Fetch-Site": "cross-site"}, "text/plain"},
	{"a form without an origin", map[string]string{"Sec-Fetch-Site": "cross-site"}, "text/plain"},
	{"a page of another port", map[string]string{"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-site"}, "text/plain"},
	{"fetch with JSON, preflight passed by a lie", map[string]string{"Origin": "https://evil.example"}, "application/json"},
	{
		"a rebound name",
		map[string]string{"Origin": "http://evil.example:5000", "Host": "evil.example:5000", "Sec-Fetch-Site": "same-origin"},
		"application/json",
	},
	{"a rebound name without an origin", map[string]string{"Host": "evil.example:5000"}, "application/json"},
	{"a beacon", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"}, "text/plain"},
	{"a guessed key", map[string]string{"Origin": "https://evil.example", "Authorization": "Bearer cmed_guess"}, "application/json"},
}

func TestAPageOfAnotherSiteCanDoNothing(t *testing.T) {
	open := newGate(t, Config{Open: OpenHere})
	closed := newGate(t, Config{Open: OpenHere})
	_, secret := closed.key(access.NewKey{Role: access.Admin})
	for _, g := range []*gate{open, closed} {
		writes := 0
		for _, rt := range g.server.routes() {
			if !rt.isWrite() {
				continue
			}
			writes++
			right := rights[rt.method+" "+rt.path]
			for _, page := range pages {
				c := call{method: rt.method, target: right.target, body: right.body}.with("Content-Type", page.kind)
				for name, value := range page.header {
					c = c.with(name, value)
				}
				a := g.do(c)
				if a.status < 400 || a.status >= 500 {
					t.Errorf("%s: %s %s: %d", page.name, c.method, c.target, a.status)
				}
				if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
					t.Errorf("%s may read the answer: %q", page.name, got)
				}
			}
		}
		if changes := g.changes(); len(changes) != 0 || writes < 10 {
			t.Errorf("pages did %v by %d routes", changes, writes)
		}
	}
	if len(closed.keys.Keys()) != 1 || open.keys.Closed() {
		t.Error("keys were made")
	}
	// A page that has the key is stopped by its origin.
	closed.do(sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan).bearing(secret).with("Origin", "https://evil.example")).
		is(http.StatusForbidden)
}

func TestAPageThatIsAllowedMayShowAKey(t *testing.T) {
	g := newGate(t, Config{CORSOrigins: []string{"https://ops.example"}})
	_, secret := g.key(access.NewKey{Role: access.Operator})
	preflight := call{method: http.MethodOptions, target: "/api/1/plans/"}.with("Origin", "https://ops.example").
		with("Access-Control-Request-Method", "POST").with("Access-Control-Request-Headers", "authorization,content-type").
		with("Host", "cmed.example")
	a := g.do(preflight).is(http.StatusNoContent)
	if !containsToken(a.header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("allowed are %q", a.header.Get("Access-Control-Allow-Headers"))
	}
	if got := a.header.Get("Access-Control-Allow-Credentials"); got != "" {
		t.Errorf("credentials are allowed: %q", got)
	}
	post := sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan).with("Origin", "https://ops.example").with("Host", "cmed.example")
	a = g.do(post.bearing(secret)).is(http.StatusOK)
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "https://ops.example" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
	a = g.do(post).is(http.StatusUnauthorized) // which the page may read
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "https://ops.example" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
}
