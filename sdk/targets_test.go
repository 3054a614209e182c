package sdk

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// choose draws two of the candidates, as an attack does in Run and Targets.
func choose(candidates []string, intN func(int) int) []Target {
	var chosen []Target
	for range 2 {
		chosen = append(chosen, Target{ID: candidates[intN(len(candidates))], State: "selected"})
	}
	return chosen
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		rule    string
		targets func(ctx context.Context, args textArgs, call *TargetsCall) ([]Target, error)
		ref     string
		args    any
		want    string // of the targets, as "id name state detail"
		message string // of the failure, its start
		pointer string
		stack   bool
	}{
		{
			rule: "the author gets all there is",
			targets: func(_ context.Context, args textArgs, call *TargetsCall) ([]Target, error) {
				if args.Text != "x" || call.Seed() != 7 || call.Location().String() != "Europe/Madrid" {
					return nil, errors.New("something is missing")
				}
				return []Target{{ID: "i-1", Name: "one", State: "selected", Detail: map[string]int{"n": 1}}, {ID: "i-2"}}, nil
			},
			want: `i-1 one selected {"n":1}, i-2   `,
		},
		{
			rule:    "nobody is no failure",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) { return nil, nil },
		},
		{
			rule: "a text that is none is mended",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) {
				return []Target{{ID: "a\xffb"}}, nil
			},
			want: "a\uFFFDb   ",
		},
		{
			rule: "an error about the args",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) {
				return []Target{{ID: "i-1"}}, Invalid("/text", "no such host")
			},
			message: "no such host", pointer: "/args/text",
		},
		{
			rule:    "a panic",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) { panic("ouch") },
			message: "panic: ouch", stack: true,
		},
		{
			rule: "a detail that is no JSON",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) {
				return []Target{{ID: "i-1", Detail: func() {}}}, nil
			},
			message: `write the detail of the target "i-1" as JSON: json: unsupported type: func()`,
		},
		{
			rule: "an answer that is too large",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) {
				return []Target{{ID: "i-1", Detail: strings.Repeat("x", pluginv1.MaxMessage)}}, nil
			},
			message: "the list of targets is larger than ",
		},
		{rule: "an attack that can't tell", message: "the attack t:A can't list its targets"},
		{rule: "an unknown ref", ref: "t:B", message: "this plugin has no attack t:B"},
		{
			rule:    "args that don't fit",
			targets: func(context.Context, textArgs, *TargetsCall) ([]Target, error) { panic("called") },
			args:    map[string]any{"text": 5}, message: "read the args: json: cannot unmarshal number", pointer: "/args/text",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil })
			a.Targets = c.targets
			request := &pluginv1.TargetsRequest{Ref: "t:A", Seed: 7, Zone: "Europe/Madrid", Config: config(t, "t:A", textArgs{"x"})}
			if c.ref != "" {
				request.Ref = c.ref
			}
			if c.args != nil {
				request.Config = config(t, "t:A", c.args)
			}
			response, err := newHost(t, a).client.Targets(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range response.GetTargets() {
				got = append(got, strings.Join([]string{target.GetId(), target.GetName(), target.GetState(), string(target.GetDetail())}, " "))
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("targets %q, want %q", text, c.want)
			}
			f := response.GetFailure()
			if (f == nil) != (c.message == "") || !strings.HasPrefix(f.GetMessage(), c.message) || f.GetPointer() != c.pointer || (f.GetStack() != "") != c.stack {
				t.Errorf("failure %v", f)
			}
		})
	}
}

// What Targets chooses with its Rand is what a run with that seed chooses.
func TestTargetsChoosesAsTheRunDoes(t *testing.T) {
	candidates := strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z")
	a := attack(func(_ context.Context, _ textArgs, run *Run) error {
		run.Targets(choose(candidates, run.Rand().IntN)...)
		return nil
	})
	a.Targets = func(_ context.Context, _ textArgs, call *TargetsCall) ([]Target, error) {
		return choose(candidates, call.Rand().IntN), nil
	}
	h := newHost(t, a)
	r := openRun(t, h.client)
	r.start("t:A", nil) // with seed 7
	all, failure := r.rest()
	if failure != nil || len(all) != 3 {
		t.Fatalf("messages %v", all)
	}
	hit := all[1].GetTargets().GetTargets()
	different := false
	for _, seed := range []int64{7, 8, -1} {
		response, err := h.client.Targets(t.Context(), &pluginv1.TargetsRequest{Ref: "t:A", Seed: seed, Config: config(t, "t:A", nil)})
		if err != nil {
			t.Fatal(err)
		}
		told := response.GetTargets()
		same := len(told) == len(hit) && told[0].GetId() == hit[0].GetId() && told[1].GetId() == hit[1].GetId()
		if seed == 7 && !same {
			t.Errorf("told %v, but hit %v", told, hit)
		}
		different = different || !same
	}
	if !different {
		t.Error("the seed doesn't matter")
	}
}

func TestTargetsEndsWithTheHostsCall(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	a := attack(nothing)
	a.Targets = func(ctx context.Context, _ textArgs, _ *TargetsCall) ([]Target, error) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	h := newHost(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-asked
		cancel()
	}()
	if _, err := h.client.Targets(ctx, &pluginv1.TargetsRequest{Ref: "t:A", Config: config(t, "t:A", nil)}); status.Code(err) != codes.Canceled {
		t.Errorf("error %v", err)
	}
	<-ended
}

func TestTargetsEndsWithTheProcess(t *testing.T) {
	asked := make(chan struct{})
	a := attack(nothing)
	a.Targets = func(ctx context.Context, _ textArgs, _ *TargetsCall) ([]Target, error) {
		close(asked)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h := newHost(t, a)
	go func() {
		<-asked
		h.life.end(&StopError{Cause: Terminated})
	}()
	request := &pluginv1.TargetsRequest{Ref: "t:A", Config: config(t, "t:A", nil)}
	response, err := h.client.Targets(t.Context(), request)
	if err != nil || response.GetFailure().GetMessage() != "stopped: terminated" {
		t.Errorf("response %v, %v", response, err)
	}
	h.leaves(t)
	if _, err := h.client.Targets(t.Context(), request); status.Code(err) != codes.Unavailable {
		t.Errorf("asked when the life is over: %v", err)
	}
}
