package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// plan asks a planner with the code given.
func plan(t *testing.T, code func(ctx context.Context, req *PlanRequest[textArgs]) ([]Execution, error)) *pluginv1.PlanResponse {
	t.Helper()
	h := newHost(t, Planner[textArgs]{Info: Info{Ref: "t:P", Aliases: []string{"t.P"}}, Plan: code})
	response, err := h.client.Plan(t.Context(), &pluginv1.PlanRequest{
		Ref: "t.P", PlanName: "the plan", Config: config(t, "t:P", textArgs{"x"}),
		Attack: config(t, "t:A", textArgs{"y"}), Seed: 7, Zone: "Europe/Madrid",
		Now: timestamppb.New(time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestPlan(t *testing.T) {
	response := plan(t, func(_ context.Context, req *PlanRequest[textArgs]) ([]Execution, error) {
		if req.Name != "the plan" || req.Args.Text != "x" || req.Attack.Ref != "t:A" || string(req.Attack.Args) != `{"text":"y"}` ||
			req.Seed != 7 || req.Rand().Uint64() != newRand(7).Uint64() || req.Now.Format(time.RFC3339) != "2026-07-01T12:00:00+02:00" {
			return nil, fmt.Errorf("wrong request %+v", req)
		}
		at, err := req.ParseDate("2026-07-02T12:00")
		req.Warn("take %s", "care")
		return []Execution{{At: at, Name: "first"}, {At: req.Now, Args: textArgs{"<z>"}}}, err
	})
	if response.GetFailure() != nil {
		t.Fatal(response.GetFailure())
	}
	list := response.GetExecutions()
	if len(list) != 2 || list[0].GetName() != "first" || list[0].GetArgs() != nil || string(list[1].GetArgs()) != `{"text":"<z>"}` {
		t.Errorf("executions %v", list)
	}
	if at := list[0].GetAt().AsTime().Format(time.RFC3339); at != "2026-07-02T10:00:00Z" {
		t.Errorf("at %s", at)
	}
	if w := response.GetWarnings(); len(w) != 1 || w[0] != "take care" {
		t.Errorf("warnings %q", w)
	}
}

func TestPlanRemembersTheZone(t *testing.T) {
	for rule, c := range map[string]struct {
		use  func(req *PlanRequest[textArgs]) error
		want bool
	}{
		"a date without an offset": {func(r *PlanRequest[textArgs]) error { _, err := r.ParseDate("2026-07-02T12:00"); return err }, true},
		"a date with an offset":    {func(r *PlanRequest[textArgs]) error { _, err := r.ParseDate("2026-07-02T12:00Z"); return err }, false},
		"both": {func(r *PlanRequest[textArgs]) error {
			_, err := r.ParseDate("2026-07-02")
			_, _ = r.ParseDate("0")
			return err
		}, true},
		"the zone itself": {func(r *PlanRequest[textArgs]) error { r.Location(); return nil }, true},
		"nothing":         {func(*PlanRequest[textArgs]) error { return nil }, false},
	} {
		t.Run(rule, func(t *testing.T) {
			response := plan(t, func(_ context.Context, req *PlanRequest[textArgs]) ([]Execution, error) { return nil, c.use(req) })
			if response.GetFailure() != nil || response.GetZoneUsed() != c.want {
				t.Errorf("zone used: %t, failure %v", response.GetZoneUsed(), response.GetFailure())
			}
		})
	}
}

func TestPlanWarnsOfATimeThatTheClocksSkipOrShowTwice(t *testing.T) {
	response := plan(t, func(_ context.Context, req *PlanRequest[textArgs]) ([]Execution, error) {
		for _, date := range []string{"2026-03-29T02:30", "2026-03-29T02:30+01:00", "2026-10-25T02:30", "2026-07-01"} {
			if _, err := req.ParseDate(date); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	w := response.GetWarnings()
	if response.GetFailure() != nil || len(w) != 2 || !strings.Contains(w[0], "skip 2026-03-29T02:30;") || !strings.Contains(w[1], "show 2026-10-25T02:30 twice") {
		t.Errorf("warnings %q, failure %v", w, response.GetFailure())
	}
}

func TestPlanFailures(t *testing.T) {
	for _, c := range []struct {
		rule             string
		code             func(ctx context.Context, req *PlanRequest[textArgs]) ([]Execution, error)
		message, pointer string
		stack            bool
	}{
		{
			rule: "a refusal of the config",
			code: func(_ context.Context, req *PlanRequest[textArgs]) ([]Execution, error) {
				_, err := req.ParseDate("noon")
				if !errors.Is(err, dates.ErrFormat) {
					return nil, fmt.Errorf("not the right error: %w", err)
				}
				return nil, Invalid("/text", "no date")
			},
			message: "no date", pointer: "/args/text",
		},
		{
			rule: "a panic", stack: true, message: "panic: ouch",
			code: func(context.Context, *PlanRequest[textArgs]) ([]Execution, error) { panic("ouch") },
		},
		{
			rule: "too many executions", message: "the planner answered 10001 executions; at most 10000 are allowed",
			code: func(_ context.Context, r *PlanRequest[textArgs]) ([]Execution, error) {
				list := make([]Execution, 10_001)
				for i := range list {
					list[i].At = r.Now
				}
				return list, nil
			},
		},
		{
			rule: "an execution without a time", message: "execution 1 of the planner's answer has no time",
			code: func(context.Context, *PlanRequest[textArgs]) ([]Execution, error) { return make([]Execution, 1), nil },
		},
		{
			rule: "args that are no JSON", message: "execution 1 of the planner's answer: write the args as JSON: json: unsupported type: func()",
			code: func(_ context.Context, r *PlanRequest[textArgs]) ([]Execution, error) {
				return []Execution{{At: r.Now, Args: func() {}}}, nil
			},
		},
		{
			rule: "an answer that is too large", message: "the planner's answer is larger than 16777216 bytes",
			code: func(_ context.Context, r *PlanRequest[textArgs]) ([]Execution, error) {
				return []Execution{{At: r.Now, Args: strings.Repeat("x", pluginv1.MaxMessage)}}, nil
			},
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := plan(t, c.code).GetFailure()
			if f.GetMessage() != c.message || f.GetPointer() != c.pointer || (f.GetStack() != "") != c.stack {
				t.Errorf("failure %v", f)
			}
		})
	}
}

func TestPlanOfTheMostExecutionsFits(t *testing.T) {
	response := plan(t, func(_ context.Context, r *PlanRequest[textArgs]) ([]Execution, error) {
		list := make([]Execution, maxExecutions)
		for i := range list {
			list[i] = Execution{At: r.Now, Name: "n", Args: textArgs{strings.Repeat("x", 1000)}}
		}
		return list, nil
	})
	if response.GetFailure() != nil || len(response.GetExecutions()) != maxExecutions {
		t.Errorf("%d executions, failure %v", len(response.GetExecutions()), response.GetFailure())
	}
}
