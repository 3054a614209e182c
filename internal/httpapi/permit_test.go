package httpapi

import (
	"net/http"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// offeredAlias is another name of the attack that offering offers.
const offeredAlias = "api_request.ApiRequest"

func TestLimitsOfAKey(t *testing.T) {
	plan := func(attack, labels string) string {
		return `{"name":"n","attack":{"ref":"` + attack + `"},"planner":{"ref":"p:P"},"labels":` + labels + `}`
	}
	tests := []struct {
		name   string
		limits access.Limits
		body   string
		says   string // "": it may
	}{
		{"no limit", access.Limits{}, plan("x:Y", `{}`), ""},
		{"the ref", access.Limits{Refs: []string{"x:Y"}}, plan("x:Y", `{}`), ""},
		{"a pattern", access.Limits{Refs: []string{"a:*", "x:*"}}, plan("x:Y", `{}`), ""},
		{"another ref", access.Limits{Refs: []string{"a:*", "b:B"}}, plan("x:Y", `{}`), `the key "k" is limited to the attacks a:*, b:B, and this is x:Y`},
		{"a ref that only begins so", access.Limits{Refs: []string{"x:Y"}}, plan("x:Yes", `{}`), `the key "k" is limited to the attacks x:Y, and this is x:Yes`},
		{"an alias for the ref", access.Limits{Refs: []string{"api_request:ApiRequest"}}, plan(offeredAlias, `{}`), ""},
		{"the ref for an alias", access.Limits{Refs: []string{offeredAlias}}, plan("api_request:ApiRequest", `{}`), ""},
		{"the labels and more", access.Limits{Labels: map[string]string{"team": "a"}}, plan("x:Y", `{"team":"a","more":"b"}`), ""},
		{"a label of another value", access.Limits{Labels: map[string]string{"team": "a"}}, plan("x:Y", `{"team":"b"}`), `the key "k" is limited to plans with the label team="a"`},
		{"no label", access.Limits{Labels: map[string]string{"team": "a"}}, plan("x:Y", `{}`), `the key "k" is limited to plans with the label team="a"`},
		{"an empty label is not none", access.Limits{Labels: map[string]string{"team": ""}}, plan("x:Y", `{}`), `the key "k" is limited to plans with the label team=""`},
		{"one of two labels", access.Limits{Labels: map[string]string{"team": "a", "env": "test"}}, plan("x:Y", `{"team":"a"}`), `the key "k" is limited to plans with the label env="test"`},
		{
			"both limits, one kept",
			access.Limits{Refs: []string{"x:*"}, Labels: map[string]string{"team": "a"}},
			plan("x:Y", `{}`), `the key "k" is limited to plans with the label team="a"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, Config{})
			_, secret := g.key(access.NewKey{Name: "k", Role: access.Operator, Limits: tt.limits})
			for _, target := range []string{"/api/1/plans/", "/api/1/plans/?dry_run=true"} {
				a := g.do(sendJSON(http.MethodPost, target, tt.body).bearing(secret))
				if tt.says == "" {
					a.is(http.StatusOK)
				} else if a.is(http.StatusForbidden).at("msg") != tt.says {
					t.Errorf("it says %q", a.at("msg"))
				}
			}
			if changes := g.changes(); (len(changes) > 0) != (tt.says == "") {
				t.Errorf("did %v", changes)
			}
		})
	}
}

func TestLimitsBindMovingAndHaltingToo(t *testing.T) {
	const move = `{"type":"date","args":{"date":"2030-01-01T00:00"}}`
	bound := []call{
		sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), move),
		{method: http.MethodPost, target: "/api/1/executors/" + string(execA) + "/halt"},
		{method: http.MethodPost, target: "/api/1/plans/" + string(planA) + "/halt"},
	}
	free := []call{
		get("/api/1/plans/" + string(planA)), get("/api/1/executors/" + string(execA) + "/log"),
		sendJSON(http.MethodPut, "/api/1/halt", `{"reason":"it burns"}`),
		{method: http.MethodPost, target: undoTarget + "/retry"},
	}
	g := newGate(t, Config{})
	g.engine.plans[0].Labels = map[string]string{"team": "a"}
	for _, limits := range []access.Limits{{Refs: []string{"other:*"}}, {Labels: map[string]string{"team": "b"}}} {
		_, secret := g.key(access.NewKey{Name: "k", Role: access.Operator, Limits: limits})
		for _, c := range bound {
			g.do(c.bearing(secret)).is(http.StatusForbidden)
		}
		if changes := g.changes(); len(changes) != 0 {
			t.Errorf("did %v", changes)
		}
		for _, c := range free {
			if a := g.do(c.bearing(secret)); a.status >= 300 {
				t.Errorf("%s %s: %d %s", c.method, c.target, a.status, a.body)
			}
		}
		g.changes()
	}
	_, secret := g.key(access.NewKey{
		Name: "k", Role: access.Operator, Limits: access.Limits{Refs: []string{"api_request:*"}, Labels: map[string]string{"team": "a"}},
	})
	for _, c := range bound {
		if a := g.do(c.bearing(secret)); a.status >= 300 {
			t.Errorf("%s %s: %d %s", c.method, c.target, a.status, a.body)
		}
	}
	g.do(call{method: http.MethodPost, target: "/api/1/executors/" + nobody + "/halt"}.bearing(secret)).is(http.StatusNotFound)
	g.engine.fail["Plan"] = engine.Errorf(engine.CodeUnwritable, "the store can't be read")
	g.do(bound[1].bearing(secret)).is(http.StatusServiceUnavailable)
}

// What a page can have a browser send without asking first is not taken from one.
func TestWritesAreJSON(t *testing.T) {
	const form, plain, json = "application/x-www-form-urlencoded", "text/plain", "application/json"
	reason := `{"reason":"r"}`
	strict := []call{
		{method: http.MethodPost, target: "/api/1/plans/", body: minimalPlan},
		{method: http.MethodPost, target: "/api/1/plugins/rescan", body: "x"},
		{method: http.MethodDelete, target: "/api/1/plans/" + string(planA), body: "x"},
		{method: http.MethodDelete, target: "/api/1/halt", body: "x"},
		{method: http.MethodPut, target: "/api/1/executors/" + string(execA), body: `{"type":"date","args":{"date":"2030-01-01T00:00"}}`},
		{method: http.MethodPost, target: "/api/1/keys/", body: `{"name":"n","role":"viewer"}`},
	}
	lenient := []call{
		{method: http.MethodPut, target: "/api/1/halt", body: reason},
		{method: http.MethodPost, target: "/api/1/plans/" + string(planA) + "/halt", body: reason},
		{method: http.MethodPost, target: "/api/1/executors/" + string(execA) + "/halt", body: reason},
		{method: http.MethodPost, target: undoTarget + "/retry", body: reason},
		{method: http.MethodPost, target: undoTarget + "/abandon", body: reason},
	}
	g := newGate(t, Config{Open: OpenHere})
	for _, kind := range []string{form, plain, "", "application/jsonx", "multipart/form-data; boundary=x"} {
		for _, c := range strict {
			if kind != "" {
				c = c.with("Content-Type", kind)
			}
			g.do(c).is(http.StatusUnsupportedMediaType)
			if changes := g.changes(); len(changes) != 0 {
				t.Errorf("%s %s of type %q did %v", c.method, c.target, kind, changes)
			}
		}
		for _, c := range lenient {
			if kind != "" {
				c = c.with("Content-Type", kind)
			}
			if a := g.do(c); a.status >= 300 {
				t.Errorf("%s %s of type %q: %d %s", c.method, c.target, kind, a.status, a.body)
			}
			g.changes()
			for _, sign := range [][2]string{{"Origin", "http://localhost"}, {"Sec-Fetch-Site", "same-origin"}} {
				g.do(c.with(sign[0], sign[1])).is(http.StatusUnsupportedMediaType)
			}
			if changes := g.changes(); len(changes) != 0 {
				t.Errorf("%s %s of type %q from a browser did %v", c.method, c.target, kind, changes)
			}
		}
	}
	for _, c := range append(lenient, strict[0], strict[4]) {
		if a := g.do(c.with("Content-Type", json).with("Origin", "http://localhost")); a.status >= 300 {
			t.Errorf("%s %s: %d %s", c.method, c.target, a.status, a.body)
		}
	}
	g.do(call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusOK) // no body needs no type
}
