package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// routes lists every path of the API with the methods it takes.
func routes(plan, executor, undo string) map[string]string {
	return map[string]string{
		"/": "GET, HEAD, OPTIONS", "/api/1/": "GET, HEAD, OPTIONS",
		"/healthz": "GET, HEAD, OPTIONS", "/readyz": "GET, HEAD, OPTIONS",
		"/api/1/attacks/": "GET, HEAD, OPTIONS", "/api/1/attacks/e2e:Sleep": "GET, HEAD, OPTIONS",
		"/api/1/planners/": "GET, HEAD, OPTIONS", "/api/1/planners/exact_planner:ExactPlanner": "GET, HEAD, OPTIONS",
		"/api/1/plugins/": "GET, HEAD, OPTIONS", "/api/1/plugins/rescan": "OPTIONS, POST",
		"/api/1/plans/": "GET, HEAD, OPTIONS, POST", "/api/1/plans/" + plan: "DELETE, GET, HEAD, OPTIONS",
		"/api/1/plans/" + plan + "/halt": "OPTIONS, POST",
		"/api/1/executors/":              "GET, HEAD, OPTIONS", "/api/1/executors/" + executor: "DELETE, GET, HEAD, OPTIONS, PUT",
		"/api/1/executors/" + executor + "/log":  "GET, HEAD, OPTIONS",
		"/api/1/executors/" + executor + "/halt": "OPTIONS, POST",
		leverPath:                                "DELETE, GET, HEAD, OPTIONS, PUT",
		leverPath + "/":                          "DELETE, GET, HEAD, OPTIONS, PUT",
		"/api/1/status":                          "GET, HEAD, OPTIONS", "/metrics": "GET, HEAD, OPTIONS",
		undosPath: "GET, HEAD, OPTIONS", undosPath + undo: "GET, HEAD, OPTIONS",
		undosPath + undo + "/retry": "OPTIONS, POST", undosPath + undo + "/abandon": "OPTIONS, POST",
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	d := start(t)
	plan, executors := d.postPlan(t, planBody("e2e:Harm", args{"file": filepath.Join(d.dir, "harm")}, time.Now()))
	d.awaitUndo(t, executors[0], "open")
	for path, allowed := range routes(plan, executors[0], executors[0]+"-1") {
		a := d.send(t, request{method: http.MethodOptions, path: path})
		if a.status != http.StatusNoContent || a.header.Get("Allow") != allowed {
			t.Errorf("OPTIONS %s: %d, Allow %q; want %q", path, a.status, a.header.Get("Allow"), allowed)
		}
		methods := strings.Split(allowed, ", ")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
			if slices.Contains(methods, method) {
				continue
			}
			a := d.send(t, request{method: method, path: path})
			if got := sortedList(a.header.Get("Allow")); got != allowed {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allowed)
			}
			if method == http.MethodHead { // has no body to look at
				if a.status != http.StatusMethodNotAllowed {
					t.Errorf("HEAD %s: %d", path, a.status)
				}
				continue
			}
			checkProblem(t, a, http.StatusMethodNotAllowed, method+" is not possible here…")
		}
		if slices.Contains(methods, http.MethodHead) {
			d.checkHead(t, path)
		}
	}
}

func sortedList(header string) string {
	items := strings.Split(header, ", ")
	slices.Sort(items)
	return strings.Join(items, ", ")
}

// checkHead compares HEAD with GET.
func (c client) checkHead(t *testing.T, path string) {
	t.Helper()
	head := c.send(t, request{method: http.MethodHead, path: path})
	get := c.send(t, request{method: http.MethodGet, path: path})
	if head.status != http.StatusOK || get.status != http.StatusOK || len(head.body) > 0 {
		t.Errorf("HEAD %s: %d with a body of %d bytes; GET: %d", path, head.status, len(head.body), get.status)
	}
	if got, want := head.header.Get("Content-Type"), get.header.Get("Content-Type"); got != want {
		t.Errorf("HEAD %s: content type %q, GET has %q", path, got, want)
	}
}

func TestCollectionsWithoutSlashAreRedirected(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	for _, path := range []string{"/api/1", "/api/1/attacks", "/api/1/planners", "/api/1/plugins", "/api/1/plans", "/api/1/executors", "/api/1/undos"} {
		for method, status := range map[string]int{"GET": 301, "HEAD": 301, "POST": 308, "PUT": 308, "DELETE": 308} {
			a := d.send(t, request{method: method, path: path + "?all=true&x=%2F"})
			if want := path + "/?all=true&x=%2F"; a.status != status || a.header.Get("Location") != want {
				t.Errorf("%s %s: %d to %q, want %d to %q", method, path, a.status, a.header.Get("Location"), status, want)
			}
			if said := `"moved to ` + path + `/; send it there"`; method != http.MethodHead && !strings.Contains(string(a.body), said) {
				t.Errorf("%s %s: said %q, want %q", method, path, a.body, said)
			}
		}
	}
}

func TestAPostFollowsTheRedirectWithItsBody(t *testing.T) {
	t.Parallel()
	d := start(t)
	d.http.CheckRedirect = nil
	if doc := d.post(t, "/api/1/plans", sleepPlan(tomorrow()), http.StatusOK); doc.text("msg") != "ok" {
		t.Errorf("%v", doc)
	}
}

func TestUnknownPathsAreProblems(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	for _, path := range []string{
		"/nothing", "/api", "/api/2/", "/api/1/nothing/", "/api/1/plans/a/b", "/api/1/plans//halt/x", "/healthz/x", "/..%2f..%2fetc/passwd",
		"/api/1/plans/" + strings.Repeat("a", 32) + "/", "/api/1/attacks/no:Such", "/api/1/planners/no:Such",
		"/api/1/status/", "/metrics/",
		"/api/1/undos/zz", "/api/1/undos/" + strings.Repeat("0", 32) + "-1", "/api/1/undos/" + strings.Repeat("0", 32) + "-1/x",
		"/api/1/plans/zz", "/api/1/executors/zz", "/api/1/executors/" + strings.Repeat("0", 32) + "/log", "/api/1/plans/%00",
	} {
		d.refused(t, request{method: http.MethodGet, path: path}, http.StatusNotFound, "")
	}
}

// The API has no passwords, so what a web page could do with it is refused.
func TestForeignNamesAndPagesAreRefused(t *testing.T) {
	t.Parallel()
	d := start(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(d.base, "http://"), ":")
	post := request{method: http.MethodPost, path: "/api/1/plans/", body: sleepPlan(tomorrow())}
	for _, refusal := range []struct {
		name, host string
		header     map[string]string
		status     int
	}{
		{"a foreign name", "attacker.example", nil, 421},
		{"a foreign name with our port", "attacker.example:" + port, nil, 421},
		{"a foreign address", "192.0.2.1", nil, 421},
		{"a name that begins as ours", "localhost.attacker.example", nil, 421},
		{"a name that ends as ours", "notlocalhost", nil, 421},
		{"a foreign page", "", map[string]string{"Origin": "https://attacker.example"}, 403},
		{"a page without origin", "", map[string]string{"Origin": "null"}, 403},
		{"a page on another port", "", map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"a cross-site form", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"a form of another port", "", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
	} {
		t.Run(refusal.name, func(t *testing.T) {
			r := post
			r.host, r.header = refusal.host, refusal.header
			d.refused(t, r, refusal.status, "")
			r.method, r.body = http.MethodGet, nil
			if a := d.send(t, r); refusal.header["Sec-Fetch-Site"] == "" && a.status != refusal.status {
				t.Errorf("reading: status %d, want %d", a.status, refusal.status)
			}
		})
	}
	for _, host := range []string{"localhost", "localhost:" + port, "LOCALHOST", "127.0.0.1:1", "[::1]:" + port, "cmed.localhost"} {
		if a := d.send(t, request{method: http.MethodGet, path: "/healthz", host: host}); a.status != http.StatusOK {
			t.Errorf("as %s: status %d", host, a.status)
		}
	}
	own := map[string]string{"Origin": d.base, "Sec-Fetch-Site": "same-origin"}
	if a := d.send(t, request{method: http.MethodGet, path: "/healthz", header: own}); a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("our own page: %d %v", a.status, a.header)
	}
	if plans := d.get(t, "/api/1/plans/?all=true").list("plans"); len(plans) != 0 {
		t.Errorf("%d plans were stored", len(plans))
	}
}

func TestAllowedHostAndOrigin(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--allowed-host", "cmed.example", "--cors-origin", "https://ops.example"))
	if a := d.send(t, request{method: http.MethodGet, path: "/healthz", host: "cmed.example:5000"}); a.status != http.StatusOK {
		t.Errorf("under its allowed name: status %d", a.status)
	}
	page := map[string]string{"Origin": "https://ops.example"}
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: sleepPlan(tomorrow()), header: page})
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "https://ops.example" || a.header.Get("Vary") != "Origin" {
		t.Errorf("the allowed page: %d %v", a.status, a.header)
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		a := d.send(t, request{method: http.MethodOptions, path: "/api/1/plans/", header: map[string]string{
			"Origin": "https://ops.example", "Access-Control-Request-Method": method,
			"Access-Control-Request-Headers": "content-type",
		}})
		if a.status != http.StatusNoContent || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), method) ||
			!strings.Contains(strings.ToLower(a.header.Get("Access-Control-Allow-Headers")), "content-type") {
			t.Errorf("preflight of %s: %d %v", method, a.status, a.header)
		}
	}
	d.refused(t, request{method: http.MethodGet, path: "/healthz", header: map[string]string{"Origin": "https://other.example"}}, 403, "")
}

func TestCORSForEveryPage(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins(), withArgs("--cors-origin", "*"))
	a := d.send(t, request{method: http.MethodGet, path: "/api/1/", header: map[string]string{"Origin": "https://any.example"}})
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}
