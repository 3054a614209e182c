package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// minimalPlan has what is required and no more.
const minimalPlan = `{"name":"n","attack":{"ref":"a:A","args":{"x":1}},"planner":{"ref":"p:P"}}`

// planMembersDoc are the members of planA's document.
const planMembersDoc = `
  "id": "0199aaaa0000700080000000000000aa", "name": "night <shift>", "created": "2026-11-21T02:00:00+01:00",
  "attack": {"ref": "api_request:ApiRequest", "args": {"endpoint": "http://sink"}},
  "planner": {"ref": "exact_planner:ExactPlanner", "args": {"date": "2026-11-21T03:00"}},
  "executors_count": 1, "next_execution": "2026-11-21T03:00:00+01:00", "executed": false, "timezone": "Europe/Madrid",
  "timeout": "15m", "misfire_grace": "1m30s", "undo": "auto", "seed": 42, "dry_run": false, "allow_irreversible": false,
  "_links": {
    "self": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "update": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "delete": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "executors": {"href": "/api/1/executors/?plan_id=0199aaaa0000700080000000000000aa&executed=true"}}`

func TestCreatePlan(t *testing.T) {
	f := newFake(t)
	a := do(t, f, sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusOK)
	a.equals(`{` + planMembersDoc + `, "msg": "ok"}`)
	if got, want := a.header.Get("Location"), "/api/1/plans/"+string(planA); got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	if a.header.Get("Idempotent-Replayed") != "" {
		t.Error("a fresh answer says it is replayed")
	}
	want := engine.PlanSpec{
		Name:    "n",
		Attack:  engine.Config{Ref: "a:A", Doc: []byte(`{"ref":"a:A","args":{"x":1}}`)},
		Planner: engine.Config{Ref: "p:P", Doc: []byte(`{"ref":"p:P"}`)},
	}
	if fmt.Sprintf("%+v", f.spec) != fmt.Sprintf("%+v", want) {
		t.Errorf("the engine was asked for %+v, want %+v", f.spec, want)
	}
}

// planWith is minimalPlan with one more member.
func planWith(member string) string { return `{` + member + `,` + minimalPlan[1:] }

func TestPlanOptions(t *testing.T) {
	tests := []struct {
		name, member string
		got          func(engine.PlanSpec) any
		want         any
	}{
		{"a timeout in words", `"timeout":"1h30m"`, func(s engine.PlanSpec) any { return s.Timeout }, 90 * time.Minute},
		{"a timeout in seconds", `"timeout":1.5`, func(s engine.PlanSpec) any { return s.Timeout }, 1500 * time.Millisecond},
		{"a misfire grace", `"misfire_grace":"30s"`, func(s engine.PlanSpec) any { return s.MisfireGrace }, 30 * time.Second},
		{"the longest duration", `"timeout":2592000`, func(s engine.PlanSpec) any { return s.Timeout }, 720 * time.Hour},
		{"a zone", `"timezone":"Asia/Tokyo"`, func(s engine.PlanSpec) any { return s.Zone }, "Asia/Tokyo"},
		{"undo kept", `"undo":"keep"`, func(s engine.PlanSpec) any { return s.UndoPolicy }, engine.UndoKeep},
		{"the largest seed", `"seed":9007199254740991`, func(s engine.PlanSpec) any { return *s.Seed }, int64(9007199254740991)},
		{"seed zero is a seed", `"seed":0`, func(s engine.PlanSpec) any { return *s.Seed }, int64(0)},
		{"labels", `"labels":{"team":"a"}`, func(s engine.PlanSpec) any { return s.Labels["team"] }, "a"},
		{"a seed as a float", `"seed":5e3`, func(s engine.PlanSpec) any { return *s.Seed }, int64(5000)},
		{"no dry run", `"dry_run":false`, func(s engine.PlanSpec) any { return s.DryRun }, false},
		{"a dry run", `"dry_run":true`, func(s engine.PlanSpec) any { return s.DryRun }, true},
		{"an irreversible attack", `"allow_irreversible":true`, func(s engine.PlanSpec) any { return s.AllowIrreversible }, true},
		{"no irreversible attack", `"allow_irreversible":false`, func(s engine.PlanSpec) any { return s.AllowIrreversible }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			a := do(t, f, sendJSON(http.MethodPost, "/api/1/plans/", planWith(tt.member))).is(http.StatusOK)
			if got := tt.got(f.spec); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if a.doc()["_warnings"] != nil {
				t.Errorf("warnings: %s", a.body)
			}
		})
	}
}

func TestPlanWarnings(t *testing.T) {
	f := newFake(t)
	f.created.Warnings = []string{"1 of 1 executors will not run"}
	body := planWith(`"tiemout":"5s","zebra":1,"Name":"x"`)
	do(t, f, sendJSON(http.MethodPost, "/api/1/plans/", body)).is(http.StatusOK).has("_warnings", `[`+
		`"unknown member \"Name\" is ignored; did you mean \"name\"?",`+
		`"unknown member \"tiemout\" is ignored; did you mean \"timeout\"?",`+
		`"unknown member \"zebra\" is ignored",`+
		`"1 of 1 executors will not run"]`)
	if f.spec.Name != "n" || f.spec.Timeout != 0 {
		t.Errorf("an unknown member was read: %+v", f.spec)
	}
}

func TestIdempotencyKey(t *testing.T) {
	f := newFake(t)
	f.created.Replayed = true
	key := strings.Repeat("k", 254) + " "
	a := do(t, f, sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan).with("Idempotency-Key", key)).is(http.StatusOK)
	if a.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a replayed answer does not say so")
	}
	sum := sha256.Sum256([]byte(minimalPlan))
	if f.spec.IdempotencyKey != key || f.spec.Fingerprint != hex.EncodeToString(sum[:]) {
		t.Errorf("key %q, fingerprint %q", f.spec.IdempotencyKey, f.spec.Fingerprint)
	}
}

// What one caller has used is no answer to another.
func TestAnIdempotencyKeyIsItsCallersOwn(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	key := strings.Repeat("k", maxKey)
	c := sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan).with("Idempotency-Key", key)
	used := func(c call) string {
		t.Helper()
		g.do(c).is(http.StatusOK)
		return g.engine.spec.IdempotencyKey
	}
	if got := used(c); got != key {
		t.Errorf("without an API key it is %q", got)
	}
	_, ana := g.key(access.NewKey{Name: "ana", Role: access.Operator})
	_, ben := g.key(access.NewKey{Name: "ben", Role: access.Operator})
	first := used(c.bearing(ana))
	if other := used(c.bearing(ben)); other == first || other == key || first == key {
		t.Errorf("two callers have %q and %q", first, other)
	}
	if again := used(c.bearing(ana)); again != first {
		t.Errorf("the same caller has %q, then %q", first, again)
	}
}

func TestListPlans(t *testing.T) {
	f := newFake(t)
	done := f.plans[0]
	done.ID, done.Counts, done.NextExecution = nobody, engine.Counts{Total: 1}, time.Time{}
	f.plans = append(f.plans, done)
	do(t, f, get("/api/1/plans/")).is(http.StatusOK).
		equals(`{"_links": {"self": {"href": "/api/1/plans/"}}, "plans": [{` + planMembersDoc + `}]}`)
	all := do(t, f, get("/api/1/plans/?all=YES")).is(http.StatusOK).at("plans").([]any)
	if len(all) != 2 {
		t.Fatalf("%d plans, want 2", len(all))
	}
	second := all[1].(map[string]any)
	if second["executed"] != true || second["next_execution"] != nil {
		t.Errorf("an executed plan shows as %v", second)
	}
}

func TestPlanShowsWhatItMayDo(t *testing.T) {
	f := newFake(t)
	f.plans[0].DryRun, f.plans[0].AllowIrreversible = true, true
	do(t, f, get("/api/1/plans/"+string(planA))).is(http.StatusOK).has("dry_run", "true").has("allow_irreversible", "true")
}

// What a plan was given is in its document as it may be given again.
func TestPlanShowsWhatItWasGiven(t *testing.T) {
	f := newFake(t)
	p := &f.plans[0]
	p.UndoPolicy, p.Seed, p.DryRun = engine.UndoKeep, 7, true
	for text, d := range map[string]time.Duration{
		"1.5s": 1500 * time.Millisecond, "1m": time.Minute, "1m5s": 65 * time.Second, "10s": 10 * time.Second,
		"1h": time.Hour, "10h30m": 630 * time.Minute, "1h0m10s": time.Hour + 10*time.Second, "720h": maxSpan, "20m": 20 * time.Minute,
	} {
		p.Timeout, p.MisfireGrace = d, d
		do(t, f, get("/api/1/plans/"+string(planA))).is(http.StatusOK).
			has("timeout", `"`+text+`"`).has("misfire_grace", `"`+text+`"`).has("undo", `"keep"`).has("seed", "7").has("dry_run", "true")
		if again, ok := parseSpan([]byte(`"` + text + `"`)); !ok || again != d {
			t.Errorf("%s is read as %s", text, again)
		}
	}
	listed := do(t, f, get("/api/1/plans/")).is(http.StatusOK).at("plans").([]any)[0].(map[string]any)
	if listed["undo"] != "keep" || listed["dry_run"] != true {
		t.Errorf("in the list it is %v", listed)
	}
}

func TestPlanWithItsExecutors(t *testing.T) {
	a := do(t, newFake(t), get("/api/1/plans/"+string(planA))).is(http.StatusOK)
	a.equals(`{` + planMembersDoc + `, "executors_total": 2, "_embedded": {"executors": [` + execBDoc + `,` + execADoc + `]}}`)
}

func TestPlanLinksToTheExecutorsItHasNoRoomFor(t *testing.T) {
	f := newFake(t)
	e := f.executors[1]
	f.executors = nil
	for i := range 1001 {
		e.ID = engine.ExecutorID(fmt.Sprintf("%032x", i))
		f.executors = append(f.executors, e)
	}
	a := do(t, f, get("/api/1/plans/"+string(planA))).is(http.StatusOK)
	if n := len(a.at("_embedded.executors").([]any)); n != 1000 {
		t.Errorf("%d executors embedded, want 1000", n)
	}
	next := a.at("_links.next.href").(string)
	rest := do(t, f, get(next)).is(http.StatusOK).at("executors").([]any)
	if len(rest) != 1 || rest[0].(map[string]any)["id"] != string(e.ID) {
		t.Errorf("%s leads to %v", next, rest)
	}
}

func TestDeletePlan(t *testing.T) {
	target := "/api/1/plans/" + string(planA)
	f := newFake(t)
	do(t, f, call{method: http.MethodDelete, target: target}).is(http.StatusOK).
		equals(`{"msg": "plan ` + string(planA) + ` deleted"}`)
	if f.abandon {
		t.Error("an undo was abandoned unasked")
	}
	f.deletion.Done = false
	do(t, f, call{method: http.MethodDelete, target: target + "?abandon_undo=on"}).is(http.StatusAccepted).
		has("_links.status.href", `"`+target+`"`)
	if !f.abandon {
		t.Error("abandon_undo was not passed on")
	}
	f.fail["DeletePlan"] = engine.Errorf(engine.CodeConflict, "the undo 1-2 is open")
	do(t, f, call{method: http.MethodDelete, target: target}).is(http.StatusConflict).has("msg", `"the undo 1-2 is open"`)
}

func TestHaltPlan(t *testing.T) {
	target := "/api/1/plans/" + string(planA) + "/halt"
	f := newFake(t)
	do(t, f, call{method: http.MethodPost, target: target}).is(http.StatusOK).has("halted", "3").
		has("_links.plan.href", `"/api/1/plans/`+string(planA)+`"`)
	if f.reason != "halted on request" {
		t.Errorf("reason %q", f.reason)
	}
	do(t, f, sendJSON(http.MethodPost, target, `{"reason":"enough"}`)).is(http.StatusOK)
	if f.reason != "enough" {
		t.Errorf("reason %q", f.reason)
	}
}
