package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browserPatience bounds what a page may take for all its attempts: each one that
// hears nothing takes some seconds.
const browserPatience = 4 * time.Minute

// prey is a daemon that needs no key, and what it has to lose.
type prey struct {
	*daemon
	plan, executor string
	before         string
}

func newPrey(t testing.TB, options ...option) prey {
	t.Helper()
	d := start(t, options...)
	plan, executors := d.postPlan(t, sleepPlan(tomorrow()))
	p := prey{daemon: d, plan: plan, executor: executors[0]}
	p.before = p.state(t)
	return p
}

// state is what a page would like to change.
func (p prey) state(t testing.TB) string {
	t.Helper()
	keys := p.locally(t, 0, "key", "list", "--all", "-o", "json").out
	return p.stored(t) + string(p.send(t, get(leverPath)).body) + keys
}

// unharmed fails the test when anything has changed, or is on record as done by
// anybody but the test itself.
func (p prey) unharmed(t testing.TB) {
	t.Helper()
	if after := p.state(t); after != p.before {
		t.Errorf("it was changed:\n%s\nbefore:\n%s", after, p.before)
	}
	own := 0
	for _, e := range p.audit(t) {
		switch {
		case e.From == "plugin folder" || e.Outcome == "refused":
		case e.Action == "create_plan" && own == 0:
			own++
		default:
			t.Errorf("on record is %+v", e)
		}
	}
	says(t, "the metrics", p.metrics(t), "\ncmed_event_readers 0\n")
}

// page is where a page attacks from, whom, and where it goes on.
func (p prey) page(s *pageServer, name, from, target, next string) string {
	return from + "/page?" + url.Values{
		"name": {name}, "target": {target}, "plan": {p.plan}, "executor": {p.executor}, "next": {next},
		"home": {s.URL + "/report"}, "body": {`{"name":"by a page","attack":{"ref":"e2e:Sleep","args":{"for":"1ms"}},` +
			`"planner":{"ref":"exact_planner:ExactPlanner","args":{"date":"2031-10-23"}}}`},
	}.Encode()
}

// rebinding serves pages under a name that then leads to the daemon, as a name
// server does that changes its mind (DNS rebinding): for the browser the daemon is
// where the page came from.
func rebinding(t testing.TB, s *pageServer, daemon string) *httptest.Server {
	t.Helper()
	to, err := url.Parse(daemon)
	if err != nil {
		t.Fatal(err)
	}
	pages := s.Config.Handler
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { // its Host stays
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			pages.ServeHTTP(w, r)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// A page in a real browser can neither read from the daemon nor change anything in
// it: not one on another port of this machine, not one of another site, and not one
// whose name was made to lead to the daemon.
func TestAPageInABrowserCanDoNothing(t *testing.T) {
	t.Parallel()
	p, s := newPrey(t), newPageServer(t)
	evil := "http://evil.example" + port(rebinding(t, s, p.base).URL)
	third := p.page(s, "rebound", evil, evil, "")
	second := p.page(s, "cross-site", "http://attacker.example"+port(s.URL), p.base, third)
	defer browse(t, p.page(s, "same-site", s.URL, p.base, second))()
	for _, page := range []string{"same-site", "cross-site", "rebound"} {
		told := s.report(t)
		if told.Page != page || len(told.Results) < 30 {
			t.Fatalf("the page %s has reported %d attempts, instead of %s", told.Page, len(told.Results), page)
		}
		refusals := 0
		for attempt, outcome := range told.Results {
			refused := page == "rebound" && strings.Contains(outcome.Text, "does not answer to the name")
			if refused && outcome.Status == http.StatusMisdirectedRequest {
				refusals++
			}
			if !refused && outcome != (outcomeOf{}) {
				t.Errorf("the page %s has read by %s: %d %.300q", page, attempt, outcome.Status, outcome.Text)
			}
		}
		if page == "rebound" && refusals < 10 {
			t.Errorf("the page %s has reached the daemon %d times: this tests little", page, refusals)
		}
	}
	if n := p.answered(t, http.StatusForbidden); n < 40 { // by two pages, as far as they could ask at all
		t.Errorf("%d requests were refused: this tests little", n)
	}
	p.unharmed(t)
}

// answered is how many requests were answered with a status.
func (c client) answered(t testing.TB, status int) (n int) {
	t.Helper()
	for line := range strings.Lines(c.metrics(t)) {
		if strings.HasPrefix(line, "cmed_http_requests_total{") && strings.Contains(line, fmt.Sprintf(`code="%d"`, status)) {
			count, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]))
			if err != nil {
				t.Fatal(err)
			}
			n += count
		}
	}
	return n
}

// The same page can do all of that where it is let in: what it tries works.
func TestAPageInABrowserCanDoWhatItIsAllowed(t *testing.T) {
	t.Parallel()
	s := newPageServer(t)
	p := newPrey(t, withArgs("--cors-origin", "http://attacker.example"+port(s.URL)))
	defer browse(t, p.page(s, "allowed", "http://attacker.example"+port(s.URL), p.base, ""))()
	told := s.report(t)
	for attempt, words := range map[string]string{
		"fetch of JSON": `"msg":"ok"`, "PUT of the lever": `"engaged":true`, "GET": `"plans":`, "GET of the backup": "",
		"DELETE of a plan": `"msg":`, "events": "the stream was opened", "a key as JSON": `"key":"cmed_`,
	} {
		if got := told.Results[attempt]; got.Text == "" || !strings.Contains(got.Text, words) {
			t.Errorf("%s: %d %.300q", attempt, got.Status, got.Text)
		}
	}
}

// report waits for a page to have tried everything.
func (s *pageServer) report(t testing.TB) reported {
	t.Helper()
	select {
	case told := <-s.reports:
		return told
	case <-time.After(browserPatience):
		t.Fatalf("the page has not reported within %s", browserPatience)
		return reported{}
	}
}

// What browsers send for pages of others is refused, whatever the browser.
func TestRequestsOfForeignPages(t *testing.T) {
	t.Parallel()
	p := newPrey(t)
	own := strings.TrimPrefix(p.base, "http://")
	text := `{"name":"by a page"}`
	writes := []request{
		{method: "POST", path: "/api/1/plans/", body: text},
		{method: "POST", path: "/api/1/plans", body: text},
		{method: "POST", path: "/api/1/plans/" + p.plan + "/halt"},
		{method: "POST", path: "/api/1/executors/" + p.executor + "/halt"},
		{method: "POST", path: "/api/1/plugins/rescan"},
		{method: "POST", path: "/api/1/keys/", body: `{"name":"me","role":"admin"}`},
		{method: "PUT", path: leverPath},
		{method: "PUT", path: leverPath + "/"},
		{method: "DELETE", path: "/api/1/plans/" + p.plan},
		{method: "PUT", path: "/api/1/executors/" + p.executor, body: trigger("2031-10-23")},
	}
	readings := []request{get("/api/1/plans/"), get("/api/1/backup"), get("/api/1/events/"), get("/metrics"), get("/docs")}
	for name, c := range map[string]struct {
		requests []request
		host     string
		header   map[string]string
		status   int
	}{
		"of another site":          {append(writes, readings...), "", map[string]string{"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site"}, 403},
		"of another port":          {append(writes, readings...), "", map[string]string{"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}, 403},
		"of no origin":             {append(writes, readings...), "", map[string]string{"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403},
		"of an old browser":        {append(writes, readings...), "", map[string]string{"Origin": "http://attacker.example"}, 403},
		"that names no origin":     {writes, "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"that embeds":              {readings, "", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		"that links to the backup": {readings[1:2], "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
		"under another name":       {append(writes, readings...), "evil.example" + port(own), nil, 421},
		"under another name, as its own": {
			append(writes, readings...), "evil.example" + port(own), map[string]string{"Origin": "http://evil.example" + port(own)}, 421,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range c.requests {
				for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", ""} {
					r.host, r.header = c.host, map[string]string{"Content-Type": kind}
					maps.Copy(r.header, c.header)
					a := p.send(t, r)
					checkProblem(t, a, c.status, "")
					if a.header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(string(a.body), p.plan) {
						t.Errorf("%s %s: %v: %s", r.method, r.path, a.header, a.body)
					}
				}
			}
		})
	}
	preflight := request{method: http.MethodOptions, path: leverPath, header: map[string]string{
		"Origin": "https://attacker.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Private-Network": "true",
	}}
	a := p.send(t, preflight)
	if a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Access-Control-Allow-Private-Network") != "" {
		t.Errorf("a preflight is answered with %d %v", a.status, a.header)
	}
	p.unharmed(t)
}
