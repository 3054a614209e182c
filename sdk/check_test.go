package sdk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestCheck(t *testing.T) {
	warn := func(words ...string) func(context.Context, textArgs, *CheckCall) error {
		return func(_ context.Context, _ textArgs, call *CheckCall) error {
			for _, w := range words {
				call.Warn("%s", w)
			}
			return nil
		}
	}
	for _, c := range []struct {
		rule    string
		check   func(ctx context.Context, args textArgs, call *CheckCall) error
		ref     string
		args    any
		want    []string
		message string // of the failure, its start
		pointer string
		stack   bool
	}{
		{rule: "nothing to say", check: warn()},
		{
			rule: "the author gets the args",
			check: func(_ context.Context, args textArgs, call *CheckCall) error {
				call.Warn("%s is %d", args.Text, 7)
				return nil
			},
			want: []string{"x is 7"},
		},
		{rule: "a text that is none is mended", check: warn("a\xffb"), want: []string{"a\uFFFDb"}},
		{rule: "a long text is cut", check: warn(strings.Repeat("w", 70_000)), want: []string{strings.Repeat("w", 65_536) + "…"}},
		{rule: "the first hundred count", check: warn(numbers(300)...), want: numbers(100)},
		{
			rule: "an error about the args; what was warned of is not heard",
			check: func(_ context.Context, _ textArgs, call *CheckCall) error {
				call.Warn("unheard")
				return fmt.Errorf("the script: %w", Invalid("/text", "can't be executed"))
			},
			message: "the script: can't be executed", pointer: "/args/text",
		},
		{
			rule:    "an error about nothing single",
			check:   func(context.Context, textArgs, *CheckCall) error { return errors.New("no") },
			message: "no",
		},
		{
			rule:    "a panic",
			check:   func(context.Context, textArgs, *CheckCall) error { panic("ouch") },
			message: "panic: ouch", stack: true,
		},
		{rule: "an attack that has none", message: "the attack t:A has nothing to check"},
		{rule: "an unknown ref", ref: "t:B", message: "this plugin has no attack t:B"},
		{
			rule:  "args that don't fit",
			check: func(context.Context, textArgs, *CheckCall) error { panic("called") },
			args:  map[string]any{"text": 5}, message: "read the args: json: cannot unmarshal number", pointer: "/args/text",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil })
			a.Check = c.check
			request := &pluginv1.CheckRequest{Ref: "t:A", Config: config(t, "t:A", textArgs{"x"})}
			if c.ref != "" {
				request.Ref = c.ref
			}
			if c.args != nil {
				request.Config = config(t, "t:A", c.args)
			}
			response, err := newHost(t, a).client.Check(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if got := response.GetWarnings(); !slices.Equal(got, c.want) {
				t.Errorf("warnings %.200q, want %.200q", got, c.want)
			}
			f := response.GetFailure()
			if (f == nil) != (c.message == "") || !strings.HasPrefix(f.GetMessage(), c.message) || f.GetPointer() != c.pointer || (f.GetStack() != "") != c.stack {
				t.Errorf("failure %v", f)
			}
		})
	}
}

func numbers(n int) []string {
	var words []string
	for i := range n {
		words = append(words, fmt.Sprint("warning ", i))
	}
	return words
}

func TestCheckEndsWithTheHostsCall(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	a := attack(nothing)
	a.Check = func(ctx context.Context, _ textArgs, _ *CheckCall) error {
		close(asked)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	h := newHost(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-asked
		cancel()
	}()
	if _, err := h.client.Check(ctx, &pluginv1.CheckRequest{Ref: "t:A", Config: config(t, "t:A", nil)}); status.Code(err) != codes.Canceled {
		t.Errorf("error %v", err)
	}
	<-ended
}

func TestADescriptionSaysWhetherThereIsACheck(t *testing.T) {
	with, without := attack(nothing), attack(nothing)
	with.Check = func(context.Context, textArgs, *CheckCall) error { return nil }
	without.Ref = "t:B"
	d, err := describe([]*offer{with.offer(), without.offer()})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Offers[0].CanCheck || d.Offers[1].CanCheck {
		t.Errorf("%+v", d.Offers)
	}
}

func TestScriptsFolder(t *testing.T) {
	t.Setenv(pluginv1.EnvScripts, "")
	if got := ScriptsFolder(); got != "" {
		t.Errorf("%q though there is none", got)
	}
	t.Setenv(pluginv1.EnvScripts, "/opt/scripts")
	if got := ScriptsFolder(); got != "/opt/scripts" {
		t.Errorf("%q", got)
	}
}
