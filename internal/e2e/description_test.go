package e2e

import (
	"bytes"
	"debug/buildinfo"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// The description of a daemon with the shipped plugins is valid, names each of
// them with the names it goes by, and holds an example of a plan with it.
func TestDescriptionWithTheShippedPlugins(t *testing.T) {
	t.Parallel()
	d := start(t)
	a := d.send(t, request{method: http.MethodGet, path: "/api/1/openapi.json"})
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q", a.status, a.header.Get("Content-Type"))
	}
	doc, err := openapi3.NewLoader().LoadFromData(a.body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Fatal(err)
	}
	post := doc.Paths.Value("/api/1/plans/").Post.RequestBody.Value.Content["application/json"]
	for list, config := range map[string]string{"attacks": "AttackConfig", "planners": "PlannerConfig"} {
		mapping := doc.Components.Schemas[config].Value.Discriminator.Mapping
		for _, offer := range d.get(t, "/api/1/"+list+"/").list(list) {
			names := []string{offer.text("ref")}
			aliases, _ := offer.at("aliases").([]any)
			for _, alias := range aliases {
				names = append(names, alias.(string))
			}
			for _, name := range names {
				if mapping[name].Ref == "" {
					t.Errorf("%s are not described by the name %s", list, name)
				}
			}
			schema := doc.Components.Schemas[strings.TrimPrefix(mapping[names[0]].Ref, "#/components/schemas/")]
			if strings.Contains(schema.Value.Description, "is not shown here") {
				t.Errorf("what %s takes is left out: %s", names[0], schema.Value.Description)
			}
			if list == "attacks" && offer.at("example") != nil && post.Examples[names[0]] == nil {
				t.Errorf("there is no example of a plan with %s", names[0])
			}
		}
	}
}

// The page can be had without a key, needs nothing from elsewhere, and speaks of
// what is installed.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	d := start(t)
	a := d.send(t, request{method: http.MethodGet, path: "/docs"})
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, type %q", a.status, a.header.Get("Content-Type"))
	}
	for _, text := range []string{`id="create_plan"`, "e2e:Harm", "exact_planner:ExactPlanner"} {
		if !bytes.Contains(a.body, []byte(text)) {
			t.Errorf("the page does not have %s", text)
		}
	}
	for _, text := range []string{"<script", "http-equiv", " src=", "@import", "url("} {
		if bytes.Contains(a.body, []byte(text)) {
			t.Errorf("the page has %s", text)
		}
	}
}

// Every operation that needs an admin answers as it is described, to one and to
// others; what was exchanged is judged when all tests are over.
func TestCareAnswersAsDescribed(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	key := func(name, role string, header map[string]string) (id string, shown map[string]string) {
		body := map[string]any{"name": name, "role": role, "ttl": "30d"}
		if role != "admin" { // whose key can't be limited
			body["limits"] = map[string]any{"refs": []string{"e2e:*"}}
		}
		a := d.send(t, request{method: http.MethodPost, path: "/api/1/keys/", header: header, body: body})
		if a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		return a.doc(t).text("id"), map[string]string{"Authorization": "Bearer " + a.doc(t).text("key")}
	}
	_, admin := key("admin", "admin", nil)
	id, viewer := key("viewer", "viewer", admin)
	for _, c := range []struct {
		method, path   string
		accept         string
		asAdmin, other int
	}{
		{"GET", "/api/1/me", "", 200, 200},
		{"GET", "/api/1/", "", 200, 200},
		{"GET", "/readyz", "", 200, 200},
		{"GET", "/metrics", "", 200, 200},
		{"GET", "/api/1/keys/", "", 200, 403},
		{"GET", "/api/1/keys/" + id, "", 200, 403},
		{"GET", "/api/1/keys/000000000000", "", 404, 403},
		{"GET", "/api/1/audit/", "", 200, 403},
		{"GET", "/api/1/audit/?limit=1", "", 200, 403},
		{"GET", "/api/1/audit/?order=newest&limit=1&before=1000", "", 200, 403},
		{"GET", "/api/1/audit/?after=x", "", 400, 403},
		{"GET", "/api/1/audit/?order=due", "", 400, 403},
		{"GET", "/api/1/audit/", "application/x-ndjson", 200, 403},
		{"GET", "/api/1/audit/verify", "", 200, 403},
		{"GET", "/api/1/backup", "", 200, 403},
		{"HEAD", "/api/1/backup", "", 200, 403},
		{"GET", "/api/1/events/?follow=false", "", 200, 200},
		{"DELETE", "/api/1/keys/" + id, "", 200, 403},
	} {
		for who, as := range map[string]struct {
			header map[string]string
			status int
		}{"viewer": {viewer, c.other}, "nobody": {nil, http.StatusUnauthorized}} {
			if who == "nobody" && c.path == "/readyz" {
				as.status = http.StatusOK
			}
			if a := d.sendAs(t, c.method, c.path, c.accept, as.header); a.status != as.status {
				t.Errorf("%s %s as %s: status %d, want %d: %.300s", c.method, c.path, who, a.status, as.status, a.body)
			}
		}
		if a := d.sendAs(t, c.method, c.path, c.accept, admin); a.status != c.asAdmin {
			t.Errorf("%s %s: status %d, want %d: %.300s", c.method, c.path, a.status, c.asAdmin, a.body)
		}
	}
	if a := d.sendAs(t, http.MethodGet, "/api/1/me", "", viewer); a.status != http.StatusUnauthorized {
		t.Errorf("the key that was revoked opens: status %d", a.status)
	}
	if a := d.sendAs(t, http.MethodPost, "/api/1/keys/", "", admin); a.status != http.StatusBadRequest {
		t.Errorf("a key without a body: status %d", a.status)
	}
}

// sendAs sends a request without a body, with a header of who sends it.
func (c client) sendAs(t *testing.T, method, path, accept string, who map[string]string) answer {
	t.Helper()
	header := map[string]string{"Accept": accept}
	maps.Copy(header, who)
	return c.send(t, request{method: method, path: path, header: header})
}

// The validator is for tests alone.
func TestTheDaemonHasNoValidatorOfDescriptions(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(built.daemon)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range info.Deps {
		if strings.Contains(module.Path, "kin-openapi") || strings.Contains(module.Path, "gorilla/mux") {
			t.Errorf("the daemon is built with %s", module.Path)
		}
	}
}

// What contradicts the description is found: the judge of all exchanges would else
// say nothing of anything.
func TestContradictionsAreFound(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	known := &description{text: d.send(t, request{method: http.MethodGet, path: "/api/1/openapi.json"}).body}
	hal := http.Header{"Content-Type": {"application/hal+json"}}
	for rule, c := range map[string]struct {
		exchange
		operation string // that is blamed; "" for none
	}{
		"what is as described": {exchange{method: "GET", path: "/healthz", status: 200, got: hal, answer: []byte(`{"status":"ok"}`)}, ""},
		"a member nobody told of": {
			exchange{method: "GET", path: "/healthz", status: 200, got: hal, answer: []byte(`{"status":"ok","mood":"fine"}`)}, "health",
		},
		"a member of another type": {exchange{method: "GET", path: "/healthz", status: 200, got: hal, answer: []byte(`{"status":1}`)}, "health"},
		"a member that is missing": {exchange{method: "GET", path: "/api/1/", status: 200, got: hal, answer: []byte(`{"name":"cmed"}`)}, "entry"},
		"another status":           {exchange{method: "GET", path: "/healthz", status: 201, got: hal, answer: []byte(`{"status":"ok"}`)}, "health"},
		"another type": {
			exchange{method: "GET", path: "/healthz", status: 200, got: http.Header{"Content-Type": {"text/plain"}}, answer: []byte(`ok`)}, "health",
		},
		"a header that is missing": {
			exchange{
				method: "GET", path: "/api/1/me", status: 401, got: http.Header{"Content-Type": {"application/problem+json"}},
				answer: []byte(`{"type":"about:blank","title":"Unauthorized","status":401,"detail":"d","msg":"m"}`),
			}, "me",
		},
		"a request that should have been refused": {
			exchange{
				method: "PUT", path: "/api/1/halt", status: 200, sent: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"reason":7}`),
				got: hal, answer: d.send(t, request{method: http.MethodGet, path: "/api/1/halt"}).body,
			}, "engage_lever",
		},
		"a path that is not there": {exchange{method: "GET", path: "/secret", status: 200, got: hal, answer: []byte(`{}`)}, "no operation"},
		"an event of no type": {
			exchange{
				method: "GET", path: "/api/1/events/", status: 200, got: http.Header{"Content-Type": {"text/event-stream"}},
				answer: []byte("id: 1\nevent: plan.lost\ndata: {\"type\":\"plan.lost\",\"at\":null}\n\n"),
			}, "events",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			c.description = known
			j := judge{contracts: map[*description]*contract{}, found: map[string]int{}}
			j.judge(c.exchange)
			found := slices.Collect(maps.Keys(j.found))
			if c.operation == "" && len(found) == 0 {
				return
			}
			if len(found) != 1 || c.operation == "" || !strings.HasPrefix(found[0], c.operation+": ") {
				t.Errorf("found is %q, to be blamed is %q", found, c.operation)
			}
		})
	}
}
