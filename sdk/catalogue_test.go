package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// shelf is a catalogue of what is given.
func shelf(warnings []string, offers ...Offer) Catalogue {
	return Catalogue{
		List: func(context.Context) ([]Offer, []string, error) { return offers, warnings, nil },
		Find: func(_ context.Context, ref string) (Offer, error) {
			for _, o := range offers {
				if o.offer().answersTo(ref) {
					return o, nil
				}
			}
			return nil, nil
		},
		Watch: func() []string { return []string{"modules", "/etc/x.yml"} },
	}
}

// described returns what a stock says of itself by the argument, having checked
// that it says the same by the RPC.
func described(t *testing.T, s stock) pluginv1.Description {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := printDescription(newService(s, newLife(patience)), &stdout, &stderr); status != 0 || stderr.Len() != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	var printed pluginv1.Description
	if err := json.Unmarshal(stdout.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	response, err := newHostOf(t, s).client.Describe(t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if asked := response.Describe(); !reflect.DeepEqual(compact(t, asked), compact(t, printed)) {
		t.Errorf("asked\n%+v\nprinted\n%+v", asked, printed)
	}
	return printed
}

func refsOf(d pluginv1.Description) []string {
	var refs []string
	for _, o := range d.Offers {
		refs = append(refs, o.Ref)
	}
	return refs
}

func TestACatalogueIsDescribed(t *testing.T) {
	d := described(t, shelf([]string{"bad.py: it is bad", "x\xffy"}, attack(nothing), valid(func(*Attack[textArgs]) {})))
	if refs := refsOf(d); !slices.Equal(refs, []string{"t:A", "terminate_ec2_instance:TerminateEC2Instance"}) {
		t.Errorf("refs %q", refs)
	}
	if want := []string{"modules", "/etc/x.yml"}; !slices.Equal(d.Watch, want) {
		t.Errorf("watch %q", d.Watch)
	}
	if want := []string{"bad.py: it is bad", "x\uFFFDy"}; !slices.Equal(d.Warnings, want) {
		t.Errorf("warnings %q", d.Warnings)
	}
}

// What the host would refuse the whole file for is left out here.
func TestACatalogueKeepsToWhatTheHostTakes(t *testing.T) {
	long := strings.Repeat("m", 101)
	offers := []Offer{
		valid(func(a *Attack[textArgs]) { a.Ref = long + ":A" }),
		valid(func(a *Attack[textArgs]) { a.Ref, a.Aliases = "x:A", []string{strings.Repeat(long, 2) + ".A"} }),
		valid(func(a *Attack[textArgs]) { a.Ref, a.Env = "x:B", []string{"CMED_TOKEN"} }),
	}
	for i := range pluginv1.MaxOffers + 1 {
		offers = append(offers, valid(func(a *Attack[textArgs]) { a.Ref, a.Aliases = fmt.Sprintf("many:A%d", i), nil }))
	}
	d := described(t, shelf(nil, offers...))
	if len(d.Offers) != pluginv1.MaxOffers {
		t.Errorf("%d offers", len(d.Offers))
	}
	if want := []string{
		long + ":A is not offered: ref \"" + long + ":A\" is too long: at most 100 characters on each side of the colon are allowed",
		"x:A is not offered: x:A: alias \"" + strings.Repeat(long, 2) + ".A\" is too long: at most 200 characters are allowed",
		"x:B is not offered: CMED_TOKEN can't be asked for: the host sets it itself",
		"many:A256 is not offered: a file offers at most 256 refs",
	}; !slices.Equal(d.Warnings, want) {
		t.Errorf("warnings %q", d.Warnings)
	}
}

func TestACatalogueWatchesWhatTheHostTakes(t *testing.T) {
	watching := func(n int) Attack[textArgs] {
		return valid(func(a *Attack[textArgs]) { a.Ref, a.Aliases, a.Watch = fmt.Sprintf("w:A%d", n), nil, numbers(n) })
	}
	c := shelf(nil, watching(998), watching(1), watching(0)) // besides two
	d := described(t, c)
	if want := []string{
		"w:A1 is not offered: a file watches at most 1000 files and folders; watch the folder they are in",
	}; !slices.Equal(d.Warnings, want) || d.Watched() != pluginv1.MaxWatched || len(d.Offers) != 2 {
		t.Errorf("%d are watched, warnings %q", d.Watched(), d.Warnings)
	}
	c.Watch = func() []string { return numbers(1001) }
	d = described(t, c)
	if len(d.Watch) != 1000 || len(d.Offers) != 1 || !strings.HasPrefix(d.Warnings[0], "of 1001 files and folders only the first are watched: ") {
		t.Errorf("%d are watched, warnings %q", len(d.Watch), d.Warnings)
	}
}

func TestWhatTheHostWouldRefuseIsNotDescribed(t *testing.T) {
	var many []Offer
	for i := range pluginv1.MaxOffers + 1 {
		many = append(many, valid(func(a *Attack[textArgs]) {
			a.Ref, a.Aliases, a.Watch = fmt.Sprintf("many:A%d", i), nil, numbers(4)
		}))
	}
	_, err := newFixed(many).describe(t.Context())
	if want := "a file offers at most 256 refs\na file watches at most 1000 files and folders; watch the folder they are in"; err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	if _, err := newFixed(many[:250]).describe(t.Context()); err != nil {
		t.Error(err)
	}
}

// One thing that is wrong doesn't spoil the rest.
func TestACatalogueLeavesOutWhatIsWrong(t *testing.T) {
	named := func(change func(a *Attack[textArgs])) Attack[textArgs] {
		a := attack(nothing)
		change(&a)
		return a
	}
	d := described(t, shelf([]string{"first"},
		named(func(a *Attack[textArgs]) { a.Ref, a.Schema = "x:A", []byte(`{"type":"strange"}`) }),
		named(func(a *Attack[textArgs]) { a.Ref = "x:A" }), // the name was not taken
		named(func(a *Attack[textArgs]) { a.Ref, a.Aliases = "x:B", []string{"x:A"} }),
		named(func(a *Attack[textArgs]) { a.Ref = "nonsense" }),
		nil,
		named(func(a *Attack[textArgs]) { a.Ref = "x:C" }),
	))
	if refs := refsOf(d); !slices.Equal(refs, []string{"x:A", "x:C"}) {
		t.Errorf("refs %q", refs)
	}
	want := []string{
		"first",
		"x:A is not offered: the schema: /type: 'strange' is not a type; types are array, boolean, integer, null, number, object, string",
		`x:B is not offered: "x:A" is offered twice`,
		`nonsense is not offered: ref "nonsense" is not of the form "module:Name"`,
	}
	if !slices.Equal(d.Warnings, want) {
		t.Errorf("warnings\n%s\nwant\n%s", strings.Join(d.Warnings, "\n"), strings.Join(want, "\n"))
	}
}

// What is found has the names that others gave it, such as those of files.
func TestACatalogueTakesTheNamesThatAHostTakes(t *testing.T) {
	found := attack(nothing)
	found.Ref, found.Aliases = "my-hyphen:H", []string{"my-hyphen.H", "9lives:Cat"}
	if d := described(t, shelf(nil, found)); !slices.Equal(refsOf(d), []string{"my-hyphen:H"}) || len(d.Warnings) > 0 {
		t.Errorf("refs %q, warnings %q", refsOf(d), d.Warnings)
	}
}

func TestACatalogueMayBeEmptyForNow(t *testing.T) {
	if d := described(t, shelf([]string{"there are no modules"})); len(d.Offers) != 0 || len(d.Warnings) != 1 || len(d.Watch) != 2 {
		t.Errorf("%+v", d)
	}
}

func TestTheWarningsOfACatalogueAreBounded(t *testing.T) {
	long := numbers(150)
	long[0] = strings.Repeat("w", 1<<20)
	d := described(t, shelf(long))
	if len(d.Warnings) != 101 || d.Warnings[100] != "there are 50 more warnings" || d.Warnings[0] != strings.Repeat("w", 2048)+"…" {
		t.Errorf("%d warnings, the last %q", len(d.Warnings), d.Warnings[len(d.Warnings)-1])
	}
}

func TestACatalogueThatCannotBeDescribed(t *testing.T) {
	broken := shelf(nil)
	for _, c := range []struct {
		rule   string
		change func(c *Catalogue)
		want   string
	}{
		{"an error", func(c *Catalogue) {
			c.List = func(context.Context) ([]Offer, []string, error) {
				return nil, []string{"unheard"}, errors.New("no python3")
			}
		}, "list what there is to offer: no python3"},
		{"a panic", func(c *Catalogue) {
			c.List = func(context.Context) ([]Offer, []string, error) { panic("ouch") }
		}, "list what there is to offer: panic: ouch"},
		{"a panic of Watch", func(c *Catalogue) { c.Watch = func() []string { panic("ouch") } }, "name what is watched: panic: ouch"},
		{"nothing to offer and to wait for", func(c *Catalogue) { c.Watch = nil }, "the plugin offers nothing"},
		{"why there is nothing to offer is said", func(c *Catalogue) {
			*c = shelf([]string{"bad.py: it is bad"})
			c.Watch = nil
		}, "the plugin offers nothing\nbad.py: it is bad"},
		{"no List", func(c *Catalogue) { c.List = nil }, "the catalogue has no code: its List or Find is nil"},
		{"no Find", func(c *Catalogue) { c.Find = nil }, "the catalogue has no code: its List or Find is nil"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			catalogue := broken
			c.change(&catalogue)
			var stdout, stderr bytes.Buffer
			if status := printDescription(newService(catalogue, newLife(patience)), &stdout, &stderr); status != 1 || stdout.Len() != 0 {
				t.Errorf("status %d, printed %q", status, stdout.String())
			}
			want := program() + ": " + strings.ReplaceAll(c.want, "\n", "\n"+program()+": ")
			if got := strings.TrimSpace(stderr.String()); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			_, err := newHostOf(t, catalogue).client.Describe(t.Context(), &pluginv1.DescribeRequest{})
			if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != c.want {
				t.Errorf("the RPC says %v", err)
			}
		})
	}
}

// Every call asks Find, and none asks List, which may take long.
func TestACatalogueFindsOnTheWayToACall(t *testing.T) {
	a := valid(func(a *Attack[textArgs]) {
		a.Ref, a.Aliases = "t:A", []string{"t.A"}
		a.Check = func(context.Context, textArgs, *CheckCall) error { return nil }
	})
	p := Planner[struct{}]{Info: Info{Ref: "t:P"}, Plan: func(context.Context, *PlanRequest[struct{}]) ([]Execution, error) { return nil, nil }}
	c := shelf(nil, a, p)
	c.List = func(context.Context) ([]Offer, []string, error) { t.Error("it was listed"); return nil, nil, nil }
	var found []string
	find := c.Find
	c.Find = func(ctx context.Context, ref string) (Offer, error) {
		found = append(found, ref)
		return find(ctx, ref)
	}
	h := newHostOf(t, c)
	r := openRun(t, h.client)
	r.start("t.A", textArgs{"x"})
	if _, failure := r.rest(); failure != nil {
		t.Error(failure)
	}
	if _, answer := undo(t, h, &pluginv1.UndoRequest{Ref: "t:A", Config: config(t, "t:A", textArgs{})}); answer.GetOutcome() != pluginv1.Outcome_OUTCOME_UNDONE {
		t.Error(answer)
	}
	check, err := h.client.Check(t.Context(), &pluginv1.CheckRequest{Ref: "t:A", Config: config(t, "t:A", textArgs{})})
	if err != nil || check.GetFailure() != nil {
		t.Error(check, err)
	}
	targets, err := h.client.Targets(t.Context(), &pluginv1.TargetsRequest{Ref: "t:A", Config: config(t, "t:A", textArgs{})})
	if err != nil || targets.GetFailure() != nil {
		t.Error(targets, err)
	}
	plan, err := h.client.Plan(t.Context(), &pluginv1.PlanRequest{Ref: "t:P", Config: config(t, "t:P", nil), Attack: config(t, "t:A", nil)})
	if err != nil || plan.GetFailure() != nil {
		t.Error(plan, err)
	}
	if want := []string{"t.A", "t:A", "t:A", "t:A", "t:P"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

func TestWhatACatalogueDoesNotFind(t *testing.T) {
	planner := Planner[struct{}]{Info: Info{Ref: "t:P"}, Plan: func(context.Context, *PlanRequest[struct{}]) ([]Execution, error) { return nil, nil }}
	for _, c := range []struct {
		rule  string
		found Offer
		err   error
		want  string
		stack bool
	}{
		{rule: "nothing", want: "this plugin has no attack t:A"},
		{rule: "an error", err: errors.New("no such file"), want: "find t:A: no such file"},
		{rule: "another", found: valid(func(*Attack[textArgs]) {}), want: "the plugin looked for the attack t:A and found terminate_ec2_instance:TerminateEC2Instance"},
		{rule: "another kind", found: planner, want: "this plugin has no attack t:A"},
		{rule: "one without code", found: Attack[textArgs]{Info: Info{Ref: "t:A"}}, want: "the attack t:A has no code"},
		{rule: "a panic", err: nil, found: panicking{}, want: "panic: ouch", stack: true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := Catalogue{Find: func(context.Context, string) (Offer, error) {
				if _, ok := c.found.(panicking); ok {
					panic("ouch")
				}
				return c.found, c.err
			}}
			r := openRun(t, newHostOf(t, s).client)
			r.start("t:A", nil)
			all, failure := r.rest()
			if len(all) != 1 || !strings.HasSuffix(failure.GetMessage(), c.want) || (failure.GetStack() != "") != c.stack {
				t.Errorf("failure %v", failure)
			}
		})
	}
}

// panicking is no offer at all.
type panicking struct{}

func (panicking) offer() *offer { return nil }

// A run that is stopped while the offer is looked for ends.
func TestFindEndsWithTheRun(t *testing.T) {
	asked := make(chan struct{})
	h := newHostOf(t, Catalogue{Find: func(ctx context.Context, _ string) (Offer, error) {
		close(asked)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	r := openRun(t, h.client)
	r.start("t:A", nil)
	<-asked
	r.stop(pluginv1.StopCause_STOP_CAUSE_HALTED, "enough")
	if _, failure := r.rest(); failure.GetMessage() != "stopped: halted: enough" {
		t.Errorf("failure %v", failure)
	}
}

func TestACatalogueExplainsItself(t *testing.T) {
	for _, c := range []struct {
		rule      string
		catalogue Catalogue
		want      string
	}{
		{
			"with its warnings", shelf([]string{"bad.py: it is bad"}, attack(nothing)),
			"It offers\n  attack  t:A  \nWarning: bad.py: it is bad\nPut this file into cmed's attacks folder",
		},
		{"empty", shelf(nil), "It offers nothing for now.\n"},
		{"broken", Catalogue{}, "It offers nothing for now.\nWarning: the catalogue has no code"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var stdout bytes.Buffer
			explain(newService(c.catalogue, newLife(patience)), &stdout)
			if want := fmt.Sprintf("%s is a plugin of cmed, the Chaos Monkey Engine. %s", program(), c.want); !strings.HasPrefix(stdout.String(), want) {
				t.Errorf("got\n%s\nwant\n%s", stdout.String(), want)
			}
		})
	}
}
