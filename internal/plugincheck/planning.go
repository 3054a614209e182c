package plugincheck

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// What plans are asked for with.
const (
	planSeed  = 1
	otherSeed = 2
)

// longestName is how long the name of an execution may be, in bytes.
const longestName = 1024

// planned is what the checks of a planner share.
type planned struct {
	config engine.Config
	now    time.Time
	plan   *engine.Planned // of the example, nil if there is none
	took   time.Duration
	seen   []host.Sighting
}

// plannerChecks ask a planner for plans.
var plannerChecks = []check{
	{
		id:      "plan-example",
		title:   "it plans its example",
		hint:    "an example must work whenever it is tried; dates in it may be past",
		applies: canPlan,
		run:     plansExample,
	},
	{
		id:      "plan-quick",
		title:   "it plans within " + quick.String(),
		hint:    "compute only; whoever posts a plan waits for the answer",
		applies: hasPlanned,
		run: func(_ context.Context, s *subject) verdict {
			if s.planned.took > quick {
				return failed("it takes %s", s.planned.took.Round(10*time.Millisecond))
			}
			return passed()
		},
	},
	{
		id:      "plan-sane",
		title:   "each execution it plans has an instant and a name that can be stored",
		hint:    "plan instants of the years 1970 to 2200, names of at most 1024 bytes, and args that are objects",
		applies: hasPlanned,
		run:     plansSanely,
	},
	{
		id:      "plan-same-seed",
		title:   "with the same seed it plans the same",
		hint:    "draw from the generator of the request (Rand) only, and take the time from the request (Now)",
		applies: hasPlanned,
		run:     plansAgain,
	},
	{
		id:      "plan-other-seed",
		title:   "it plans with another seed too",
		hint:    "every seed must do: the daemon draws one for each plan",
		applies: hasPlanned,
		run:     plansOtherwise,
	},
	{
		id:      "plan-unknown-arg",
		title:   "given an argument that it does not know, it plans or says what is wrong",
		hint:    "answer with a failure that names the argument; a crash tells nobody anything",
		applies: canPlan,
		run: func(ctx context.Context, s *subject) verdict {
			return s.plansStrange(ctx, unknownName, `"x"`)
		},
	},
	{
		id:      "plan-huge-arg",
		title:   "given an argument of 4 MiB, it plans or says what is wrong",
		hint:    "bound what it reads, and answer with a failure",
		applies: canPlan,
		run: func(ctx context.Context, s *subject) verdict {
			return s.plansStrange(ctx, unknownName, hugeText())
		},
	},
	{
		id:      "plan-wrong-type",
		title:   "given args of the wrong type, it plans or says what is wrong",
		hint:    "answer with a failure that says what was expected",
		applies: canPlan,
		run:     plansWrongType,
	},
	{
		id:      "plan-harmless",
		title:   "planning changes no file and uses no network",
		hint:    "a planner only answers when; what it needs to know belongs into its args",
		applies: canPlanInSandbox,
		run:     func(_ context.Context, s *subject) verdict { return untouched(s.planned.seen) },
	},
	{
		id:      "plan-stdout",
		title:   "while it plans it prints nothing to standard output",
		hint:    "standard output belongs to the protocol; print to standard error",
		applies: canPlan,
		run:     func(_ context.Context, s *subject) verdict { return silent(s.planned.seen) },
	},
	{
		id:      "plan-leftovers",
		title:   "no process is left when it has planned",
		hint:    "wait for each process that it starts, or better start none",
		applies: canPlan,
		run:     func(_ context.Context, s *subject) verdict { return alone(s.planned.seen) },
	},
}

// canPlan says why the planner can't be asked.
func canPlan(s *subject) string {
	if s.serves == nil {
		return s.unserved()
	}
	_, reason := s.plannerConfig()
	return reason
}

func canPlanInSandbox(s *subject) string {
	if reason := needsSandbox(s); reason != "" {
		return reason
	}
	return canPlan(s)
}

func hasPlanned(s *subject) string {
	if reason := canPlan(s); reason != "" {
		return reason
	}
	if s.planned.plan == nil {
		return "it does not plan its example"
	}
	return ""
}

// ask asks for a plan and keeps what is seen meanwhile.
func (s *subject) ask(ctx context.Context, config engine.Config, now time.Time, seed int64) (engine.Planned, error) {
	mark := s.saw.mark()
	defer func() { s.planned.seen = append(s.planned.seen, s.saw.since(mark)...) }()
	return s.host.Plan(ctx, *s.serves, engine.PlanCall{
		Name: "check", Config: config, Now: now, Zone: "UTC", Seed: seed,
		Attack: engine.Config{Ref: "check:Nothing", Doc: []byte(`{"ref":"check:Nothing","args":{}}`)},
	})
}

// plansExample tries the example now; where it is refused or nothing of it is
// still to come, at the beginning of the day and before the dates in it too: the
// example of a planner may well be of the past.
func plansExample(ctx context.Context, s *subject) verdict {
	config, reason := s.plannerConfig()
	if reason != "" {
		return notRun("%s", reason)
	}
	var first verdict
	for _, now := range momentsFor(config, time.Now().UTC().Truncate(time.Second)) {
		began := time.Now()
		p, err := s.ask(ctx, config, now, planSeed)
		took := time.Since(began)
		v := judgePlan(p, err, now)
		if v.outcome == Passed {
			s.planned.config, s.planned.now, s.planned.plan, s.planned.took = config, now, &p, took
			return v
		}
		if first.outcome == "" {
			first = v
		}
		if failure := (*engine.Failure)(nil); err != nil && !errors.As(err, &failure) {
			return v // another moment helps no planner that breaks
		}
	}
	return first
}

// judgePlan judges a plan for an example.
func judgePlan(p engine.Planned, err error, now time.Time) verdict {
	failure := (*engine.Failure)(nil)
	switch {
	case errors.As(err, &failure):
		return failed("it refuses its own example: %s", wordsOf(failure))
	case err != nil:
		return failed("%s", err)
	case len(p.Executions) == 0:
		return failed("it plans nothing")
	case !slices.ContainsFunc(p.Executions, func(x engine.Execution) bool { return !x.At.Before(now) }):
		return failed("everything it plans is past")
	}
	return passed()
}

// wordsOf are those of a failure, with the place it is about.
func wordsOf(f *engine.Failure) string {
	words := place(f.Pointer) + f.Message
	if f.Stack != "" {
		return words + " (it panicked)"
	}
	return words
}

func plansSanely(_ context.Context, s *subject) verdict {
	for i, x := range s.planned.plan.Executions {
		switch year := x.At.UTC().Year(); {
		case year < 1970 || year > 2200:
			return failed("execution %d is at %s", i+1, x.At.UTC().Format(time.RFC3339))
		case len(x.Name) >= longestName:
			return failed("the name of execution %d has %d bytes or more", i+1, longestName)
		case x.Args != nil && !isObject(x.Args):
			return failed("the args of execution %d are %s, not an object", i+1, cut(string(x.Args), 60))
		}
	}
	return passed()
}

func isObject(doc []byte) bool {
	_, err := decodeObject(doc)
	return err == nil
}

func plansAgain(ctx context.Context, s *subject) verdict {
	again, err := s.ask(ctx, s.planned.config, s.planned.now, planSeed)
	if err != nil {
		return failed("asked a second time: %s", err)
	}
	before, now := s.planned.plan.Executions, again.Executions
	if len(before) != len(now) {
		return failed("it plans %d executions, and %d when asked again", len(before), len(now))
	}
	for i := range before {
		if a, b := before[i], now[i]; !a.At.Equal(b.At) || a.Name != b.Name || !reflect.DeepEqual(a.Args, b.Args) {
			return failed("execution %d is %s, and %s when asked again", i+1, executionWords(a), executionWords(b))
		}
	}
	return passed()
}

func executionWords(x engine.Execution) string {
	words := fmt.Sprintf("%s %q", x.At.UTC().Format(time.RFC3339Nano), x.Name)
	if x.Args != nil {
		words += " " + cut(string(x.Args), 60)
	}
	return words
}

func plansOtherwise(ctx context.Context, s *subject) verdict {
	p, err := s.ask(ctx, s.planned.config, s.planned.now, otherSeed)
	return judgePlan(p, err, s.planned.now)
}
