package cmepython

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// plannerModule is a module m with a planner m:P whose plan() has this body.
func plannerModule(body string) string {
	indented := strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n        ")
	return `import random, time
from datetime import date, datetime, timedelta, timezone
from chaosmonkey.planners.planner import Planner

class P(Planner):
    ref = "m:P"
    schema = {"type": "object", "properties": {"ref": {}, "args": {}}}
    example = {"ref": "m:P"}

    def plan(self, planner_config, attack_config):
        ` + indented + `
`
}

// planBody asks a planner with this body.
func planBody(t *testing.T, body string, options ...sdktest.Option) *sdktest.Planned {
	t.Helper()
	b := newBridge(t, "planner", files{"m.py": plannerModule(body)})
	return b.planned(t, "m:P", map[string]any{"ref": "m:P", "args": map[string]any{"n": 2}}, options...)
}

func (b bridge) planned(t *testing.T, ref string, config map[string]any, options ...sdktest.Option) *sdktest.Planned {
	t.Helper()
	offer, err := b.find(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	p := offer.(sdk.Planner[json.RawMessage])
	p.Whole = &sdk.Whole{Schema: []byte(`{"type": "object"}`)}
	return sdktest.Plan(t, p, nil, append(options, sdktest.Config(config))...)
}

// told is a plan in a line.
func told(p *sdktest.Planned) string {
	if p.Failure != nil {
		return "refused: " + p.Failure.Message
	}
	var parts []string
	for _, e := range p.Executions {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.At.UTC().Format(time.RFC3339Nano), e.Name, e.Args)))
	}
	if p.ZoneUsed {
		parts = append(parts, "zone used")
	}
	return strings.Join(append(parts, p.Warnings...), "; ")
}

func TestDatesOfJobs(t *testing.T) {
	for _, c := range []struct{ date, want string }{
		{`datetime(2026, 6, 21, 15, 30)`, "2026-06-21T13:30:00Z job; zone used"},
		{`datetime(2026, 6, 21, 15, 30, tzinfo=timezone.utc)`, "2026-06-21T15:30:00Z job"},
		{`datetime(2026, 6, 21, 15, 30, 0, 250000, tzinfo=timezone(timedelta(seconds=-76)))`, "2026-06-21T15:31:16.25Z job"},
		{
			`datetime(2026, 3, 29, 2, 30)`, "2026-03-29T01:00:00Z job; zone used; " +
				"the clocks in Europe/Madrid skip 2026-03-29T02:30:00; 2026-03-29T03:00:00+02:00 is taken",
		},
		{
			`datetime(2026, 10, 25, 2, 30)`, "2026-10-25T00:30:00Z job; zone used; the clocks in Europe/Madrid show 2026-10-25T02:30:00 twice; " +
				"the first is taken, 2026-10-25T02:30:00+02:00: an offset in the date tells which is meant",
		},
		{`datetime(2026, 10, 25, 2, 30, fold=1)`, "2026-10-25T01:30:00Z job; zone used"},
		{`date(2026, 6, 21)`, "2026-06-20T22:00:00Z job; zone used"},
		{`"2026-06-21T15:30"`, "2026-06-21T13:30:00Z job; zone used"},
		{`"2017-01-25T10:12:148"`, "2017-01-25T09:12:00Z job; zone used"},
		{`"2026-06-21T15:30:12+02:00"`, "2026-06-21T13:30:12Z job"},
		{`1782055812`, "2026-06-21T15:30:12Z job"},
		{`1782055812.5`, "2026-06-21T15:30:12.5Z job"},
		{`None`, "refused: the date of a job is None"},
	} {
		t.Run(c.date, func(t *testing.T) {
			t.Parallel()
			got := planBody(t, "self._add_job("+c.date+`, "job", attack_config)`, sdktest.Zone("Europe/Madrid"))
			if told(got) != c.want {
				t.Errorf("%s, want %s", told(got), c.want)
			}
		})
	}
	if got := told(planBody(t, `self._add_job("tomorrow", "job", attack_config)`)); !strings.HasPrefix(got, `refused: job 1 of the planner: invalid date format: "tomorrow"`) {
		t.Error(got)
	}
}

func TestNowIsInThePlansZone(t *testing.T) {
	before := time.Now()
	got := planBody(t, `
now = datetime.now()
self._add_job(now, "now", attack_config)
self._add_job(datetime.now(timezone.utc), "utc", attack_config)`, sdktest.Zone("Asia/Kolkata"))
	if got.Failure != nil || len(got.Executions) != 2 || !got.ZoneUsed {
		t.Fatal(told(got))
	}
	for _, e := range got.Executions {
		if e.At.Before(before.Add(-time.Second)) || e.At.After(time.Now().Add(time.Second)) {
			t.Errorf("%s is at %s", e.Name, e.At)
		}
	}
}

func TestWhatAPlannerDoes(t *testing.T) {
	const at = `datetime(2026, 6, 21, tzinfo=timezone.utc)`
	for _, c := range []struct{ rule, body, want string }{
		{
			"it has the name and the whole config",
			`for i in range(planner_config["args"]["n"]):
    self._add_executor(` + at + `, "%s-%d" % (self.name, i), attack_config)`,
			"2026-06-21T00:00:00Z Lunch-0; 2026-06-21T00:00:00Z Lunch-1",
		},
		{"it needs no planner to add a job", `P._add_executor(` + at + `, "x", attack_config, 1); Planner._add_job(` + at + `, "y", attack_config)`, "2026-06-21T00:00:00Z x; 2026-06-21T00:00:00Z y"},
		{"a job without a name has the plan's", `self._add_job(` + at + `, None, attack_config)`, "2026-06-21T00:00:00Z Lunch"},
		{
			"it may make the plan itself",
			`plan = self.add_plan(self.name)
executor = self._add_executor(` + at + `, "x", attack_config, plan.id)
assert executor.id and executor.plan_id == plan.id and plan.name == "Lunch"`,
			"2026-06-21T00:00:00Z x",
		},
		{
			"several plans are one", `self.add_plan("a"); self.add_plan("b"); self._add_job(` + at + `, "x", attack_config)`,
			"2026-06-21T00:00:00Z x; the planner adds several plans: all their executors are in this one",
		},
		{
			"args may differ from run to run, written over the ones given",
			`for n in (1, 2):
    attack_config["args"]["n"] = n
    self._add_job(` + at + `, "x", attack_config)`,
			`2026-06-21T00:00:00Z x; 2026-06-21T00:00:00Z x {"n":2,"secret":"placeholder"}`,
		},
		{
			"nothing else may differ", `attack_config["ref"] = "other:Attack"
self._add_job(` + at + `, "x", attack_config)`,
			"refused: the planner changes 'ref' of the attack's config; between the runs of a plan only args can differ",
		},
		{
			"nor may there be more", `self._add_job(` + at + `, "x", dict(attack_config, name="y"))`,
			"refused: the planner changes 'name' of the attack's config; between the runs of a plan only args can differ",
		},
		{
			"nor may args be missing", `self._add_job(` + at + `, "x", {"ref": attack_config["ref"]})`,
			"refused: the planner changes 'args' of the attack's config; between the runs of a plan only args can differ",
		},
		{"an exception refuses the plan", `raise ValueError("min_time is after max_time")`, "refused: ValueError: min_time is after max_time (m.py, line 11)"},
		{"no job is no execution", `pass`, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got := planBody(t, c.body, sdktest.Names("Lunch", ""),
				sdktest.ForAttack("hello:Hello", map[string]any{"n": 1, "secret": "placeholder"}))
			if told(got) != c.want {
				t.Errorf("%s, want %s", told(got), c.want)
			}
		})
	}
}

func TestThePlannersChoicesAreRepeatable(t *testing.T) {
	body := `self._add_job(1782055812 + random.randint(0, 1000000), "x", attack_config)`
	one, same, other := told(planBody(t, body, sdktest.Seed(3))), told(planBody(t, body, sdktest.Seed(3))), told(planBody(t, body, sdktest.Seed(4)))
	if one != same || one == other {
		t.Errorf("%s, %s and %s", one, same, other)
	}
}

func TestTheExamplePlans(t *testing.T) {
	b := newBridge(t, "planner", files{"my_planner.py": example(t, "my_planner.py")})
	offers, warnings, err := b.list(t.Context())
	if err != nil || len(warnings) > 0 || len(offers) != 1 {
		t.Fatalf("%d offers, warnings %q, error %v", len(offers), warnings, err)
	}
	got := b.planned(t, "my_planner:MyPlanner", map[string]any{
		"ref": "my_planner:MyPlanner", "args": map[string]any{"date": "2016-06-21T15:30"},
	}, sdktest.Zone("Europe/Madrid"))
	if want := "2016-06-21T13:30:00Z My job; zone used"; told(got) != want {
		t.Errorf("%s, want %s", told(got), want)
	}
}
