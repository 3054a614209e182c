package engine

import (
	"context"
	"errors"
)

// Preview is what a plan would be, if it were made now.
type Preview struct {
	Plan      Plan
	Executors []Executor
	// Targets are whom the attack would hit now; nil when it can't tell.
	Targets []Target
	// TargetsError says why they could not be listed, when it can tell.
	TargetsError string
	Warnings     []string
}

// PreviewPlan validates and plans as CreatePlan does, and asks the attack whom
// it would hit if it can tell. Nothing is stored.
func (e *Engine) PreviewPlan(ctx context.Context, spec PlanSpec) (Preview, error) {
	if err := e.Ready(); err != nil {
		return Preview{}, err
	}
	d, executors, warnings, err := e.plan(ctx, spec)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Executors: executors, Warnings: warnings}
	if d.attack.CanListTargets {
		p.Targets, p.TargetsError = e.targetsOf(ctx, d, executors[0])
	}
	p.Plan = redactPlan(d.plan)
	p.Plan.Counts.Total = len(executors)
	for i := range p.Executors {
		ex := &p.Executors[i]
		ex.Args = nil // may hold secrets
		if quiet := e.quietAt(ex.Due); quiet != "" && ex.State == Scheduled {
			ex.State, ex.Reason = Blocked, quietWords(quiet)
		}
		if ex.State == Scheduled {
			p.Plan.Counts.Pending++
		}
	}
	return p, nil
}

// targetsOf asks the attack whom the executor would hit, or returns in words why
// that can't be told.
func (e *Engine) targetsOf(ctx context.Context, d *draft, ex Executor) ([]Target, string) {
	leave, err := e.planning.enter(ctx)
	if err != nil {
		return nil, err.Error()
	}
	defer leave()
	config, err := configOf(d.plan, ex)
	if err != nil {
		return nil, err.Error()
	}
	scrub := newScrubber(config, append(d.attack.Compiled.Secrets(config.Doc), d.plan.AttackSecrets...))
	ctx, cancel := context.WithTimeoutCause(ctx, e.settings.PlanTimeout, errors.New("it gave no answer in time"))
	defer cancel()
	targets, err := e.host.Targets(ctx, d.attack, TargetsCall{Config: config, Seed: ex.Seed, Zone: d.plan.Zone})
	if err != nil {
		return nil, scrub.text(err.Error())
	}
	list := make([]Target, len(targets)) // not nil: it can tell
	for i, t := range targets {
		list[i] = scrub.target(t)
	}
	return list, ""
}
