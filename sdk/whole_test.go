package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// A config as no {ref, args} is.
const oddConfig = `{"ref":"t:A","hosts":["a","<b>"],"args":["x"]}`

// whole is an offer for odd configs.
func whole(change func(w *Whole, i *Info)) Info {
	i := Info{Ref: "t:A", Whole: &Whole{
		Schema: []byte(`{
			"type": "object", "required": ["ref", "hosts"],
			"properties": {"hosts": {"type": "array", "items": {"type": "string"}}}
		}`),
		Examples: []json.RawMessage{[]byte(`{"ref": "t:A", "hosts": ["a", "<b>"], "args": ["x"]}`)},
	}}
	change(i.Whole, &i)
	return i
}

func asItIs(*Whole, *Info) {}

func TestWholeConfigsAreDescribedAsTheyAre(t *testing.T) {
	d, err := describe([]*offer{Attack[struct{}]{Info: whole(asItIs), Run: func(context.Context, struct{}, *Run) error { return nil }}.offer()})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"object","required":["ref","hosts"],"properties":{"hosts":{"type":"array","items":{"type":"string"}}}}`
	if o := d.Offers[0]; string(o.Schema) != want || len(o.Examples) != 1 || string(o.Examples[0]) != oddConfig {
		t.Errorf("schema %s, examples %s", o.Schema, o.Examples)
	}
}

func TestAWholeWithoutExamplesHasNone(t *testing.T) {
	d, err := describe([]*offer{Attack[struct{}]{
		Info: whole(func(w *Whole, _ *Info) { w.Examples = nil }), Run: func(context.Context, struct{}, *Run) error { return nil },
	}.offer()})
	if err != nil || d.Offers[0].Examples != nil {
		t.Errorf("examples %s, %v", d.Offers[0].Examples, err)
	}
}

func TestWholeRefuses(t *testing.T) {
	const both = "it has Whole, which takes the place of Schema, Example and Examples, and one of these too"
	for _, c := range []struct {
		rule   string
		change func(w *Whole, i *Info)
		want   string
	}{
		{"a schema of args too", func(_ *Whole, i *Info) { i.Schema = []byte(`{}`) }, both},
		{"an example of args too", func(_ *Whole, i *Info) { i.Example = struct{}{} }, both},
		{"examples of args too", func(_ *Whole, i *Info) { i.Examples = []any{1} }, both},
		{"no schema", func(w *Whole, _ *Info) { w.Schema = nil }, "its Whole has no Schema"},
		{"a schema that is no JSON", func(w *Whole, _ *Info) { w.Schema = []byte(`{`) }, "the schema: unexpected end of JSON input"},
		{
			"a schema with a required property", func(w *Whole, _ *Info) { w.Schema = []byte(`{"properties":{"a":{"required":true}}}`) },
			`the schema: /properties/a/required must be a list of names, not True; name the property where it is listed instead: "required": ["a"] beside the "properties" around it`,
		},
		{"an example that is no JSON", func(w *Whole, _ *Info) { w.Examples[0] = []byte(`{`) }, "example 1: unexpected end of JSON input"},
		{
			"an example that breaks the schema",
			func(w *Whole, _ *Info) { w.Examples = append(w.Examples, []byte(`{"ref":"t:A","hosts":[5]}`)) },
			"example 2: /hosts/0: 5 is not of type 'string'",
		},
		{"an example of another offer", func(w *Whole, _ *Info) { w.Examples[0] = []byte(`{"ref":"t:B","hosts":[]}`) }, `example 1: its ref is "t:B", which is not the offer's`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := Attack[json.RawMessage]{Info: whole(c.change), Run: func(context.Context, json.RawMessage, *Run) error { return nil }}
			if _, err := describe([]*offer{a.offer()}); err == nil || err.Error() != "t:A: "+c.want {
				t.Errorf("described with error %v, want %s", err, c.want)
			}
		})
	}
}

func TestAWholeExampleFitsTheArgs(t *testing.T) {
	a := Attack[textArgs]{Info: whole(asItIs), Run: nothing}
	const want = "t:A: example 1: its args can't be read into sdk.textArgs: json: cannot unmarshal array"
	if _, err := describe([]*offer{a.offer()}); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("described with error %v, want %s", err, want)
	}
}

// seenBy has an offer with whole configs run, undone, checked, asked for targets
// and planned, and returns the configs and args that the author saw.
func seenBy[T any](t *testing.T, config string) (configs []string, args []T) {
	t.Helper()
	see := func(config json.RawMessage, a T) {
		configs, args = append(configs, string(config)), append(args, a)
	}
	h := newHost(t, Attack[T]{
		Info: whole(asItIs),
		Run:  func(_ context.Context, a T, run *Run) error { see(run.Config(), a); return nil },
		Undo: func(_ context.Context, a T, call *UndoCall) (Outcome, error) {
			see(call.Config(), a)
			return Undone, nil
		},
		Check: func(_ context.Context, a T, call *CheckCall) error { see(call.Config(), a); return nil },
		Targets: func(_ context.Context, a T, call *TargetsCall) ([]Target, error) {
			see(call.Config(), a)
			return nil, nil
		},
	}, Planner[T]{Info: whole(asItIs), Plan: func(_ context.Context, req *PlanRequest[T]) ([]Execution, error) {
		see(req.Config(), req.Args)
		see(req.Attack.Doc, req.Args)
		return nil, nil
	}})
	doc := []byte(config)
	r := openRun(t, h.client)
	r.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{Ref: "t:A", Config: doc}}})
	_, failure := r.rest()
	_, answer := undo(t, h, &pluginv1.UndoRequest{Ref: "t:A", Config: doc})
	check, errCheck := h.client.Check(t.Context(), &pluginv1.CheckRequest{Ref: "t:A", Config: doc})
	targets, errTargets := h.client.Targets(t.Context(), &pluginv1.TargetsRequest{Ref: "t:A", Config: doc})
	plan, errPlan := h.client.Plan(t.Context(), &pluginv1.PlanRequest{Ref: "t:A", Config: doc, Attack: doc})
	if err := errors.Join(errCheck, errTargets, errPlan); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*pluginv1.Failure{failure, check.GetFailure(), targets.GetFailure(), plan.GetFailure()} {
		if f != nil {
			t.Errorf("failure %v", f)
		}
	}
	if answer.GetOutcome() != pluginv1.Outcome_OUTCOME_UNDONE {
		t.Errorf("answer %v", answer)
	}
	return configs, args
}

func TestWholeConfigsReachTheAuthor(t *testing.T) {
	const without = `{"ref":"t:A","hosts":[]}`
	for _, config := range []string{oddConfig, without, `{"ref":"t:A","hosts":[],"args":5}`, `{"ref":"t:A","hosts":[],"args":null}`} {
		raw, args := seenBy[json.RawMessage](t, config)
		checkSeen(t, config, raw)
		if config == oddConfig && string(args[0]) != `["x"]` {
			t.Errorf("%s: args %s", config, args[0])
		}
		free, _ := seenBy[any](t, config)
		checkSeen(t, config, free)
		none, _ := seenBy[struct{}](t, config)
		checkSeen(t, config, none)
	}
}

func checkSeen(t *testing.T, config string, seen []string) {
	t.Helper()
	if len(seen) != 6 {
		t.Fatalf("%s: seen %q", config, seen)
	}
	for _, s := range seen {
		if s != config {
			t.Errorf("%s was posted, %s was seen", config, s)
		}
	}
}

// Without Whole, args of another shape are refused as ever.
func TestArgsOfAnotherShapeAreRefusedWithoutWhole(t *testing.T) {
	h := newHost(t, Attack[struct{}]{
		Info: Info{Ref: "t:A"}, Run: func(context.Context, struct{}, *Run) error { t.Error("it ran"); return nil },
	})
	r := openRun(t, h.client)
	r.start("t:A", []int{1})
	if _, failure := r.rest(); !strings.HasPrefix(failure.GetMessage(), "read the args: ") || failure.GetPointer() != "/args" {
		t.Errorf("failure %v", failure)
	}
}

func TestInvalidConfig(t *testing.T) {
	h := newHost(t, attack(func(context.Context, textArgs, *Run) error { return InvalidConfig("/hosts/0", "no such %s", "host") }))
	r := openRun(t, h.client)
	r.start("t:A", nil)
	_, failure := r.rest()
	if want := (&pluginv1.Failure{Message: "no such host", Pointer: "/hosts/0"}); !proto.Equal(failure, want) {
		t.Errorf("failure %v", failure)
	}
}

func TestGrace(t *testing.T) {
	grace := make(chan string, 1)
	h := newHost(t, attack(func(_ context.Context, _ textArgs, run *Run) error { grace <- run.Grace().String(); return nil }))
	r := openRun(t, h.client)
	r.start("t:A", nil) // from a host that says nothing of it
	r.rest()
	if got := <-grace; got != "10s" {
		t.Errorf("without any it is %s", got)
	}
}
