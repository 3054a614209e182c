package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func nothing(context.Context, textArgs, *Run) error { return nil }

func takeBack(context.Context, textArgs, *UndoCall) (Outcome, error) { return Undone, nil }

func nobody(context.Context, textArgs, *TargetsCall) ([]Target, error) { return nil, nil }

// valid is an offer without fault, and a copy that change has been applied to.
func valid(change func(a *Attack[textArgs])) Attack[textArgs] {
	a := Attack[textArgs]{
		Info: Info{
			Ref: "terminate_ec2_instance:TerminateEC2Instance", Aliases: []string{"api_request.ApiRequest", "x.y:Z"}, Title: "T",
			Description: "D", Version: "1.2.3", Example: textArgs{"x"}, Examples: []any{map[string]string{"text": "<y>"}},
			Env: []string{"AWS_*", "HOME"}, Watch: []string{"x.yml"}, DryRun: true,
		},
		Run: nothing, Undo: takeBack, Targets: nobody,
	}
	change(&a)
	return a
}

func TestDescribe(t *testing.T) {
	h := newHost(t, valid(func(*Attack[textArgs]) {}), Planner[struct{}]{
		Info: Info{Ref: "p:P"},
		Plan: func(context.Context, *PlanRequest[struct{}]) ([]Execution, error) { return nil, nil },
	})
	var stdout, stderr bytes.Buffer
	s := newService(newFixed([]Offer{valid(func(*Attack[textArgs]) {}), Planner[struct{}]{
		Info: Info{Ref: "p:P"},
		Plan: func(context.Context, *PlanRequest[struct{}]) ([]Execution, error) { return nil, nil },
	}}), newLife(patience))
	if status := printDescription(s, &stdout, &stderr); status != 0 || stderr.Len() != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	var printed pluginv1.Description
	if err := json.Unmarshal(stdout.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	response, err := h.client.Describe(t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if asked := response.Describe(); !reflect.DeepEqual(compact(t, asked), compact(t, printed)) {
		t.Errorf("asked\n%+v\nprinted\n%+v", asked, printed)
	}
	a, p := response.GetOffers()[0], response.GetOffers()[1]
	if a.GetVersion() != "1.2.3" || a.GetEffect() != pluginv1.Effect_EFFECT_UNDOABLE || !a.GetCanUndo() ||
		!a.GetCanDryRun() || !a.GetCanListTargets() || a.GetKind() != pluginv1.Kind_KIND_ATTACK {
		t.Errorf("attack %v", a)
	}
	if examples := a.GetExamples(); len(examples) != 2 || string(examples[1]) != `{"ref":"`+a.GetRef()+`","args":{"text":"<y>"}}` {
		t.Errorf("examples %q", examples)
	}
	if p.GetKind() != pluginv1.Kind_KIND_PLANNER || p.GetCanDryRun() || p.GetCanListTargets() || p.GetEffect() != pluginv1.Effect_EFFECT_UNSPECIFIED || string(p.GetExamples()[0]) != `{"ref":"p:P","args":{}}` {
		t.Errorf("planner %v", p)
	}
	for _, o := range response.GetOffers() {
		compiled, err := schema.Compile(o.GetSchema())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range o.GetExamples() {
			if v := compiled.Validate(e); v != nil {
				t.Errorf("example %s: %v", e, v)
			}
		}
	}
}

// compact makes descriptions comparable: printing indents the documents inside.
func compact(t *testing.T, d pluginv1.Description) string {
	t.Helper()
	doc, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestDescribeRefuses(t *testing.T) {
	const name = "terminate_ec2_instance:TerminateEC2Instance: "
	for _, c := range []struct {
		rule   string
		change func(a *Attack[textArgs])
		want   string
	}{
		{"a ref without a name", func(a *Attack[textArgs]) { a.Ref = "touch" }, `ref "touch" is not of the form "module:Name"`},
		{"a ref with a dash", func(a *Attack[textArgs]) { a.Ref = "a-b:C" }, `ref "a-b:C" is not of the form "module:Name"`},
		{"a ref that begins with a digit", func(a *Attack[textArgs]) { a.Ref = "a:1C" }, `ref "a:1C" is not of the form "module:Name"`},
		{"two colons", func(a *Attack[textArgs]) { a.Ref = "a:b:C" }, `ref "a:b:C" is not of the form "module:Name"`},
		{"an alias that is none", func(a *Attack[textArgs]) { a.Aliases = []string{"x"} }, name + `alias "x" is not of the form "module:Name" or "module.Name"`},
		{"an alias twice", func(a *Attack[textArgs]) { a.Aliases = []string{"a:B", "a:B"} }, `"a:B" is offered twice`},
		{"no code", func(a *Attack[textArgs]) { a.Run = nil }, name + "the attack has no code: its Run or Plan is nil"},
		{"an effect that needs an undo", func(a *Attack[textArgs]) { a.Effect, a.Undo = Undoable, nil }, name + "its effect is said to be undoable, but it has no Undo"},
		{"an unknown effect", func(a *Attack[textArgs]) { a.Effect = "big" }, name + `unknown effect "big"`},
		{"a variable's name that is none", func(a *Attack[textArgs]) { a.Env = []string{"A*B"} }, name + `"A*B" is not the name of an environment variable, or a prefix and *`},
		{"a schema that is no JSON", func(a *Attack[textArgs]) { a.Schema = []byte(`{`) }, name + "the schema: unexpected end of JSON input"},
		{
			"a schema with a required property", func(a *Attack[textArgs]) { a.Schema = []byte(`{"properties":{"text":{"required":true}}}`) },
			name + `the schema: /properties/text/required must be a list of names, not True; name the property where it is listed instead: "required": ["text"] beside the "properties" around it`,
		},
		{"an example without what is required", func(a *Attack[textArgs]) { a.Example = struct{}{} }, name + "example 1: /args: 'text' is a required property"},
		{
			"an example with an unknown property", func(a *Attack[textArgs]) { a.Example = map[string]string{"text": "", "txt": ""} },
			name + "example 1: /args/txt: 'txt' is not a known property; did you mean 'text'?",
		},
		{"a second example of another type", func(a *Attack[textArgs]) { a.Examples = []any{map[string]int{"text": 5}} }, name + "example 2: /args/text: 5 is not of type 'string'"},
		{
			"an example that breaks a given schema", func(a *Attack[textArgs]) { a.Schema = []byte(`{"properties":{"text":{"minLength":2}}}`) },
			name + "example 1: /args/text: 'x' is too short; its length must be at least 2",
		},
		{
			"an example that can't be read", func(a *Attack[textArgs]) { a.Schema, a.Example = []byte(`{}`), map[string]int{"text": 5} },
			name + "example 1: it can't be read into sdk.textArgs: json: cannot unmarshal number into Go struct field textArgs.text of type string",
		},
		{"an example that is no JSON", func(a *Attack[textArgs]) { a.Example = func() {} }, name + "example 1: write the args as JSON: json: unsupported type: func()"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			offer := valid(c.change)
			var stdout, stderr bytes.Buffer
			if status := printDescription(newService(newFixed([]Offer{offer}), newLife(patience)), &stdout, &stderr); status != 1 || stdout.Len() != 0 {
				t.Errorf("status %d, printed %q", status, stdout.String())
			}
			if got := strings.TrimSpace(stderr.String()); got != program()+": "+c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			_, err := newHost(t, offer).client.Describe(t.Context(), &pluginv1.DescribeRequest{})
			if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != c.want {
				t.Errorf("the RPC says %v", err)
			}
		})
	}
}

func TestDescribeNamesAllThatIsWrong(t *testing.T) {
	first := valid(func(a *Attack[textArgs]) { a.Run = nil })
	second := valid(func(*Attack[textArgs]) {})
	_, err := describe(newFixed([]Offer{first, second}))
	if err == nil || strings.Count(err.Error(), "\n") != 3 || strings.Count(err.Error(), "is offered twice") != 3 {
		t.Errorf("error %v", err)
	}
	if _, err := describe(nil); err == nil || err.Error() != "the plugin offers nothing" {
		t.Errorf("no offers: %v", err)
	}
}

func TestEffectWithoutOneGiven(t *testing.T) {
	for _, c := range []struct {
		undo func(context.Context, textArgs, *UndoCall) (Outcome, error)
		want string
	}{{takeBack, "undoable"}, {nil, "irreversible"}} {
		d, err := describe([]*offer{valid(func(a *Attack[textArgs]) { a.Undo = c.undo }).offer()})
		if err != nil || d.Offers[0].Effect != c.want {
			t.Errorf("effect %q, %v; want %q", d.Offers[0].Effect, err, c.want)
		}
	}
}

// An attack can do only what it says: undo, dry run, list targets.
func TestAbilitiesAreNotAssumed(t *testing.T) {
	d, err := describe([]*offer{attack(nothing).offer()})
	if err != nil {
		t.Fatal(err)
	}
	if o := d.Offers[0]; o.CanUndo || o.CanDryRun || o.CanListTargets {
		t.Errorf("it is said to undo %t, dry-run %t, list targets %t", o.CanUndo, o.CanDryRun, o.CanListTargets)
	}
}

func TestAPlannerHasNoDryRun(t *testing.T) {
	planner := Planner[struct{}]{
		Info: Info{Ref: "p:P", DryRun: true},
		Plan: func(context.Context, *PlanRequest[struct{}]) ([]Execution, error) { return nil, nil },
	}
	const want = "p:P: a planner has no dry run: it does no harm"
	if _, err := describe([]*offer{planner.offer()}); err == nil || err.Error() != want {
		t.Errorf("described with error %v, want %s", err, want)
	}
}

// An attack whose args must be given has no example unless the author gives one.
func TestNoExample(t *testing.T) {
	d, err := describe([]*offer{valid(func(a *Attack[textArgs]) { a.Example, a.Examples = nil, nil }).offer()})
	if err != nil || d.Offers[0].Examples != nil {
		t.Errorf("examples %s, %v", d.Offers[0].Examples, err)
	}
}
