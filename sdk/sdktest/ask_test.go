package sdktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

func TestUndo(t *testing.T) {
	a := attack(nothing)
	a.Undo = func(_ context.Context, args textArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
		var record string
		if err := call.Record(&record); err != nil {
			return sdk.Failed, err
		}
		call.Log().Info("undoing", "attempt", call.Attempt(), "config", string(call.Config()))
		call.Explain("%s of %s in %s, %d", record, args.Text, call.ID(), call.Sequence())
		return sdk.NotMine, nil
	}
	got := sdktest.Undo(t, a, aText, sdktest.Record{Sequence: 3, Doc: json.RawMessage(`"r"`)}, sdktest.RunID("run-1"), sdktest.Attempt(2))
	want := &sdktest.Undoing{Outcome: sdk.NotMine, Message: "r of x in run-1, 3", Log: []sdktest.LogEntry{{
		Level: "info", Message: "undoing", Fields: map[string]any{"attempt": 2.0, "config": `{"ref":"t:A","args":{"text":"x"}}`},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := sdktest.Undo(t, a, aText, sdktest.RecordOf(t, "mine")); got.Message != "mine of x in "+sdktest.DefaultID+", 1" {
		t.Errorf("a record by hand: %+v", got)
	}
	if got := sdktest.Undo(t, a, aText, sdktest.RecordOf(t, 5)); got.Outcome != sdk.Failed {
		t.Errorf("a record that doesn't fit: %+v", got)
	}
}

func TestUndoFails(t *testing.T) {
	for rule, c := range map[string]struct {
		undo func(ctx context.Context, args textArgs, call *sdk.UndoCall) (sdk.Outcome, error)
		want sdk.Outcome
	}{
		"by an error": {func(context.Context, textArgs, *sdk.UndoCall) (sdk.Outcome, error) {
			return sdk.Undone, errors.New("no")
		}, sdk.Failed},
		"by a panic": {func(context.Context, textArgs, *sdk.UndoCall) (sdk.Outcome, error) { panic("no") }, sdk.Failed},
		"and asks for more": {func(context.Context, textArgs, *sdk.UndoCall) (sdk.Outcome, error) {
			return sdk.Retry, errors.New("no")
		}, sdk.Retry},
	} {
		t.Run(rule, func(t *testing.T) {
			a := attack(nothing)
			a.Undo = c.undo
			if u := sdktest.Undo(t, a, aText, sdktest.RecordOf(t, 1)); u.Outcome != c.want || u.Message == "" {
				t.Errorf("%+v", u)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	a := attack(nothing)
	a.Targets = func(_ context.Context, args textArgs, call *sdk.TargetsCall) ([]sdk.Target, error) {
		if args.Text == "bad" {
			return nil, sdk.Invalid("/text", "no such host")
		}
		return []sdk.Target{{ID: fmt.Sprint(call.Rand().IntN(1000)), Name: call.Location().String(), Detail: map[string]int{"n": 1}}}, nil
	}
	got, err := sdktest.Targets(t, a, aText, sdktest.Seed(7), sdktest.Zone("Europe/Madrid"))
	want := []sdk.Target{{ID: "269", Name: "Europe/Madrid", Detail: map[string]any{"n": 1.0}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	var failure *sdktest.Failure
	if _, err := sdktest.Targets(t, a, textArgs{"bad"}); !errors.As(err, &failure) || failure.Pointer != "/args/text" || err.Error() != "no such host" {
		t.Errorf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	a := attack(nothing)
	a.Check = func(_ context.Context, args textArgs, call *sdk.CheckCall) error {
		if args.Text == "bad" {
			return sdk.Invalid("/text", "it is bad")
		}
		call.Warn("%s is odd", args.Text)
		return nil
	}
	if warnings, err := sdktest.Check(t, a, aText); err != nil || !slices.Equal(warnings, []string{"x is odd"}) {
		t.Errorf("warnings %q, %v", warnings, err)
	}
	var failure *sdktest.Failure
	if _, err := sdktest.Check(t, a, textArgs{"bad"}); !errors.As(err, &failure) || failure.Pointer != "/args/text" {
		t.Errorf("error %v", err)
	}
}

// What an attack doesn't have can't be asked of it, and what is asked is checked
// as for a run.
func TestWhatCannotBeAsked(t *testing.T) {
	all := attack(nothing)
	all.Undo = func(context.Context, textArgs, *sdk.UndoCall) (sdk.Outcome, error) {
		t.Error("undone")
		return sdk.Undone, nil
	}
	for _, c := range []struct {
		rule, want string
		test       func(t testing.TB)
	}{
		{"no undo", "t:A has no Undo", func(t testing.TB) { sdktest.Undo(t, attack(nothing), aText, sdktest.RecordOf(t, 1)) }},
		{"no targets", "t:A has no Targets", func(t testing.TB) { _, _ = sdktest.Targets(t, attack(nothing), aText) }},
		{"no check", "t:A has no Check", func(t testing.TB) { _, _ = sdktest.Check(t, attack(nothing), aText) }},
		{"a record that is no JSON", `the undo record is no JSON document: "{"`, func(t testing.TB) {
			sdktest.Undo(t, all, aText, sdktest.Record{Doc: json.RawMessage(`{`)})
		}},
		{"a record that can't be written", "the undo record can't be written as JSON: ", func(t testing.TB) { sdktest.RecordOf(t, func() {}) }},
		{"args of an undo", "the daemon would refuse the config of t:A: /args/text: ", func(t testing.TB) {
			sdktest.Undo(t, all, textArgs{}, sdktest.RecordOf(t, 1))
		}},
		{"args of a planner", "the daemon would refuse the config of t:P: /args/text: ", func(t testing.TB) { sdktest.Plan(t, planner(nil), textArgs{}) }},
		{"an attack's args that can't be written", "the attack's config can't be written as JSON: ", func(t testing.TB) {
			sdktest.Plan(t, planner(nil), aText, sdktest.ForAttack("a:B", func() {}))
		}},
	} {
		t.Run(c.rule, func(t *testing.T) { complains(t, c.want, c.test) })
	}
}

func planner(plan func(ctx context.Context, req *sdk.PlanRequest[textArgs]) ([]sdk.Execution, error)) sdk.Planner[textArgs] {
	if plan == nil {
		plan = func(context.Context, *sdk.PlanRequest[textArgs]) ([]sdk.Execution, error) { return nil, nil }
	}
	return sdk.Planner[textArgs]{Info: sdk.Info{Ref: "t:P"}, Plan: plan}
}

func TestPlan(t *testing.T) {
	p := planner(func(_ context.Context, req *sdk.PlanRequest[textArgs]) ([]sdk.Execution, error) {
		req.Warn("%s for %s (%s), seed %d, %s", req.Name, req.Attack.Ref, req.Attack.Doc, req.Seed, req.Config())
		at, err := req.ParseDate("2026-07-02T12:00")
		return []sdk.Execution{{At: req.Now.Add(time.Hour)}, {At: at, Name: "noon", Args: textArgs{"<z>"}}}, err
	})
	got := sdktest.Plan(t, p, aText, sdktest.Zone("Europe/Madrid"), sdktest.Names("mine", ""), sdktest.Seed(7), sdktest.ForAttack("a:B", aText))
	want := &sdktest.Planned{
		Executions: []sdktest.Execution{
			{At: sdktest.DefaultNow.Add(time.Hour)},
			{At: time.Date(2026, 7, 2, 10, 0, 0, 0, time.UTC), Name: "noon", Args: json.RawMessage(`{"text":"<z>"}`)},
		},
		Warnings: []string{`mine for a:B ({"ref":"a:B","args":{"text":"x"}}), seed 7, {"ref":"t:P","args":{"text":"x"}}`}, ZoneUsed: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if later := sdktest.Plan(t, p, aText, sdktest.Now(sdktest.DefaultNow.AddDate(1, 0, 0))); later.Executions[0].At.Year() != 2027 {
		t.Errorf("%+v", later)
	}
}

func TestPlanFails(t *testing.T) {
	p := planner(func(context.Context, *sdk.PlanRequest[textArgs]) ([]sdk.Execution, error) {
		return nil, sdk.Invalid("/text", "no date")
	})
	if got := sdktest.Plan(t, p, aText); got.Failure == nil || got.Failure.Pointer != "/args/text" || got.Failure.Message != "no date" {
		t.Errorf("%+v", got)
	}
	p = planner(func(context.Context, *sdk.PlanRequest[textArgs]) ([]sdk.Execution, error) {
		return make([]sdk.Execution, 1), nil
	})
	if got := sdktest.Plan(t, p, aText); got.Failure == nil || got.Failure.Message != "execution 1 of the planner's answer has no time" {
		t.Errorf("%+v", got)
	}
}
