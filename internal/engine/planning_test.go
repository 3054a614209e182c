package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestWhatCannotWorkIsRefusedAndNothingIsStored(t *testing.T) {
	seed := int64(-1)
	plans := func(executions ...engine.Execution) planner {
		return func(engine.PlanCall) (engine.Planned, error) { return engine.Planned{Executions: executions}, nil }
	}
	good := config(noop, nil)
	planIt := config("test:P", nil)
	now := time.Now()
	cases := map[string]struct {
		spec    engine.PlanSpec
		planner planner
		message string
		pointer string
	}{
		"no name":         {engine.PlanSpec{Attack: good, Planner: planIt}, nil, "a plan needs a name", "/name"},
		"unknown attack":  {engine.PlanSpec{Name: "x", Attack: config("test:None", nil), Planner: planIt}, nil, `did you mean "test:Noop"?`, "/attack/ref"},
		"unknown planner": {engine.PlanSpec{Name: "x", Attack: good, Planner: config("test:None", nil)}, nil, "unknown planner", "/planner/ref"},
		"attack args":     {engine.PlanSpec{Name: "x", Attack: config(noop, map[string]any{"n": "one"}), Planner: planIt}, nil, "invalid payload 'one' is not of type 'integer'", "/attack/args/n"},
		"zone":            {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt, Zone: "Mars/Base"}, nil, `"Mars/Base" is not a time zone`, "/timezone"},
		"timeout":         {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt, Timeout: -1}, nil, "a timeout is more than 0", "/timeout"},
		"policy":          {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt, UndoPolicy: "never"}, nil, "'auto', 'keep'", "/undo"},
		"seed":            {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt, Seed: &seed}, nil, "a seed is a whole number", "/seed"},
		"planner refuses": {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, func(engine.PlanCall) (engine.Planned, error) {
			return engine.Planned{}, &engine.Failure{Message: "min_time is after max_time", Pointer: "/args/min_time"}
		}, "min_time is after max_time", "/planner/args/min_time"},
		"planner dies":     {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, func(engine.PlanCall) (engine.Planned, error) { return engine.Planned{}, fmt.Errorf("exit code 2") }, "planner test:P did not answer: exit code 2", "/planner/ref"},
		"planner has none": {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, plans(), "planned nothing", "/planner"},
		"too many":         {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, plans(make([]engine.Execution, 10_001)...), "the limit is 10000", "/planner"},
		"year 1969":        {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, plans(engine.Execution{At: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}), "outside the years", "/planner"},
		"override unfit":   {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, plans(engine.Execution{At: now, Args: json.RawMessage(`{"n":"x"}`)}), "do not fit test:Noop: /args/n", "/planner"},
		"override no JSON": {engine.PlanSpec{Name: "x", Attack: good, Planner: planIt}, plans(engine.Execution{At: now, Args: json.RawMessage(`{`)}), "not JSON", "/planner"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.planners["test:P"] = c.planner
				if c.planner == nil {
					d.stage.planners["test:P"] = plans(engine.Execution{At: now})
				}
				_, err := d.CreatePlan(t.Context(), c.spec)
				e, ok := err.(*engine.Error) //nolint:errorlint // the answer itself, as surfaces get it
				if !ok || e.Code != engine.CodeInvalid || !strings.Contains(e.Message, c.message) {
					t.Fatalf("error %v, want one that says %q", err, c.message)
				}
				if len(e.Problems) == 0 || e.Problems[0].Pointer != c.pointer {
					t.Errorf("problems %+v, want pointer %s", e.Problems, c.pointer)
				}
				plans, _, err := d.Plans(t.Context(), engine.PlanQuery{All: true})
				if err != nil || len(plans) != 0 {
					t.Errorf("%d plans stored, %v", len(plans), err)
				}
			})
		})
	}
}

func TestAPlannerNeverSeesSecretsAndGetsThemPutBack(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var seen string
		d.stage.planners["test:P"] = func(call engine.PlanCall) (engine.Planned, error) {
			seen = string(call.Attack.Doc)
			var args map[string]any
			if err := json.Unmarshal(call.Attack.Args(), &args); err != nil {
				return engine.Planned{}, err
			}
			args["n"] = 7
			override, err := json.Marshal(args)
			return engine.Planned{Executions: []engine.Execution{{At: call.Now.Add(time.Second), Args: override}}}, err
		}
		secret := `pa"ss\word`
		created, err := d.CreatePlan(t.Context(), engine.PlanSpec{
			Name: "x", Attack: config(noop, map[string]any{"token": secret, "n": 1}), Planner: config("test:P", nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(seen, "word") || !strings.Contains(seen, "cmed-secret-") {
			t.Errorf("the planner saw %s", seen)
		}
		if shown := string(created.Plan.Attack.Doc); strings.Contains(shown, "word") || !strings.Contains(shown, "[redacted]") {
			t.Errorf("the plan shows %s", shown)
		}
		in(2 * time.Second)
		var args struct {
			Token string
			N     int
		}
		if err := json.Unmarshal(d.stage.starts[0].Config.Args(), &args); err != nil || args.Token != secret || args.N != 7 {
			t.Errorf("the attack was given %+v, %v", args, err)
		}
	})
}

func TestWarnings(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		madrid, err := time.LoadLocation("Europe/Madrid")
		if err != nil {
			t.Fatal(err)
		}
		d.restartWith(func(s *engine.Settings) { s.Zone, s.ZoneAssumed = madrid, true })
		d.stage.planners["test:P"] = func(call engine.PlanCall) (engine.Planned, error) {
			return engine.Planned{
				Executions: []engine.Execution{{At: call.Now.Add(-time.Hour)}, {At: call.Now.Add(-30 * time.Second)}, {At: call.Now}, {At: call.Now.Add(time.Hour)}},
				Warnings:   []string{"of the planner's own"}, ZoneUsed: true,
			}, nil
		}
		created, err := d.CreatePlan(t.Context(), engine.PlanSpec{Name: "x", Attack: config(noop, nil), Planner: config("test:P", nil)})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"of the planner's own", "1 of 4 executors will not run", "1 of 4 executors due at once", "were read in Europe/Madrid"}
		if len(created.Warnings) != len(want) {
			t.Fatalf("warnings %q", created.Warnings)
		}
		for i := range want {
			if !strings.Contains(created.Warnings[i], want[i]) {
				t.Errorf("warning %q, want %q", created.Warnings[i], want[i])
			}
		}
		if first := d.executors(created.Plan.ID)[0]; first.State != engine.Missed || first.Reason == "" {
			t.Errorf("%s: %q", first.State, first.Reason)
		}
	})
}

func TestIdempotencyKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		spec := engine.PlanSpec{
			Name: "x", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
			IdempotencyKey: "k1", Fingerprint: "f1",
		}
		first, err := d.CreatePlan(t.Context(), spec)
		if err != nil || first.Replayed {
			t.Fatalf("%+v, %v", first, err)
		}
		d.kill()
		d.start()
		again, err := d.CreatePlan(t.Context(), spec)
		if err != nil || !again.Replayed || again.Plan.ID != first.Plan.ID {
			t.Fatalf("%+v, %v", again, err)
		}
		spec.Fingerprint = "f2"
		if _, err := d.CreatePlan(t.Context(), spec); engine.CodeOf(err) != engine.CodeReused {
			t.Errorf("another body: %v", err)
		}
		spec.Fingerprint = "f1"
		if _, err := d.DeletePlan(t.Context(), first.Plan.ID, false); err != nil {
			t.Fatal(err)
		}
		if _, err := d.CreatePlan(t.Context(), spec); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("after the plan was deleted: %v", err)
		}
		in(26 * time.Hour)
		if later, err := d.CreatePlan(t.Context(), spec); err != nil || later.Replayed {
			t.Errorf("after a day: %+v, %v", later, err)
		}
	})
}

func TestTooManyPostsAtOnceAreRefusedAndTheRestServed(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.planners["test:Slow"] = func(call engine.PlanCall) (engine.Planned, error) {
			time.Sleep(time.Second)
			return engine.Planned{Executions: []engine.Execution{{At: call.Now.Add(time.Hour)}}}, nil
		}
		errs := make(chan error, 100)
		for range cap(errs) {
			go func() {
				_, err := d.CreatePlan(t.Context(), engine.PlanSpec{Name: "x", Attack: config(noop, nil), Planner: config("test:Slow", nil)})
				errs <- err
			}()
		}
		busy := 0
		for range cap(errs) {
			switch err := <-errs; engine.CodeOf(err) {
			case "":
			case engine.CodeBusy:
				busy++
			default:
				t.Error(err)
			}
		}
		if busy != 100-4-64 {
			t.Errorf("%d refused", busy)
		}
	})
}

func TestSeedsAreDerivedFromThePlans(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		seed := int64(42)
		spec := engine.PlanSpec{Name: "x", Attack: config(noop, nil), Seed: &seed}
		one, two := d.planWith(spec, time.Hour, 2*time.Hour), d.planWith(spec, time.Hour, 2*time.Hour)
		a, b := d.executors(one.ID), d.executors(two.ID)
		if a[0].Seed != b[0].Seed || a[1].Seed != b[1].Seed || a[0].Seed == a[1].Seed {
			t.Errorf("seeds %d %d, %d %d", a[0].Seed, a[1].Seed, b[0].Seed, b[1].Seed)
		}
	})
}

func TestTheTimeoutOfARun(t *testing.T) {
	cases := map[string]struct {
		timeout  time.Duration
		duration any
		want     time.Duration // 0: refused
	}{
		"the default":                          {0, nil, 15 * time.Minute},
		"the plan's":                           {time.Minute, nil, time.Minute},
		"raised for an attack that lasts":      {0, "1h", time.Hour + time.Minute},
		"seconds count too":                    {0, 3600, time.Hour + time.Minute},
		"a short one raises nothing":           {0, "10s", 15 * time.Minute},
		"both, and they fit":                   {time.Hour, "10m", time.Hour},
		"both, and they contradict each other": {time.Minute, "10m", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				args := map[string]any{}
				if c.duration != nil {
					args["duration"] = c.duration
				}
				created, err := d.CreatePlan(t.Context(), engine.PlanSpec{
					Name: "x", Attack: config(noop, args), Timeout: c.timeout,
					Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
				})
				if c.want == 0 {
					if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), "is to last 10m0s and would be stopped after 1m0s") {
						t.Errorf("error %v", err)
					}
					return
				}
				if err != nil || created.Plan.Timeout != c.want {
					t.Errorf("timeout %s, want %s, error %v", created.Plan.Timeout, c.want, err)
				}
			})
		})
	}
}
