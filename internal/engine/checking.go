package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// longestWarning bounds a plugin's warning as it is shown and kept, in bytes.
const longestWarning = 1 << 10

// ask has the plugins make the plan: the attack looks at its config, then the
// planner plans. One place in the planning room covers both.
func (e *Engine) ask(ctx context.Context, d *draft) (Planned, error) {
	leave, err := e.planning.enter(ctx)
	if err != nil {
		return Planned{}, err
	}
	defer leave()
	warnings, err := e.checkAttack(ctx, d)
	if err != nil {
		return Planned{}, err
	}
	planned, err := e.callPlanner(ctx, d)
	planned.Warnings = append(warnings, planned.Warnings...)
	return planned, err
}

// checkAttack has the attack look at the plan's config, if it can, and returns
// its warnings. Its refusal is a problem of the request. That it could not be
// asked is a warning too: a plan does not fail for want of a check. Args that a
// planner gives single executions are not checked, only validated.
func (e *Engine) checkAttack(ctx context.Context, d *draft) ([]string, error) {
	if !d.attack.CanCheck {
		return nil, nil
	}
	bound, cancel := context.WithTimeoutCause(ctx, e.settings.PlanTimeout,
		fmt.Errorf("it gave no answer within %s", e.settings.PlanTimeout))
	defer cancel()
	warnings, err := e.host.Check(bound, d.attack, d.plan.Attack)
	scrub := newScrubber(d.plan.Attack, d.plan.AttackSecrets)
	var failure *Failure
	switch {
	case errors.As(err, &failure) && failure.Stack == "":
		return nil, refusal("/attack", failure, scrub)
	case err == nil:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx) // nobody waits for the plan any more
	default:
		warnings = []string{fmt.Sprintf("the attack could not %s", err)}
	}
	if failure != nil {
		e.log.Warn("attack panicked in its check", "ref", d.attack.Ref, "plugin", d.attack.Plugin,
			"stack", scrub.text(failure.Stack))
	}
	return presentable(warnings, scrub), nil
}

// refusal makes a problem of a plugin's refusal of a config that stands at base.
func refusal(base string, f *Failure, scrub scrubber) error {
	pointer := scrub.text(f.Pointer)
	if !strings.HasPrefix(pointer, "/") {
		pointer = "" // no JSON pointer: the whole config
	}
	return problemAt(base+pointer, "%s", scrub.text(f.Message))
}

// presentable returns a plugin's warnings without secrets, at most as long as
// people read. They are cut last: of a secret that was cut nothing could be
// found any more.
func presentable(warnings []string, scrub scrubber) []string {
	var out []string
	for _, w := range warnings {
		w = strings.TrimSpace(scrub.text(w))
		if len(w) > longestWarning {
			end := longestWarning
			for !utf8.RuneStart(w[end]) {
				end--
			}
			w = w[:end] + "…"
		}
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
