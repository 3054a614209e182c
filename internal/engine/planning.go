package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxExecutions bounds what one planner may plan.
const maxExecutions = 10_000

// The instants an executor may have.
var (
	firstInstant = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant  = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC)
)

// PlanSpec is what a caller asks for. Zero values mean the engine's defaults.
type PlanSpec struct {
	Name            string
	Attack, Planner Config
	Zone            string
	Timeout         time.Duration
	MisfireGrace    time.Duration
	UndoPolicy      UndoPolicy
	Seed            *int64
	Labels          map[string]string
	DryRun          bool
	// AllowIrreversible is asked of plans with an irreversible attack under
	// IrreversibleAsk.
	AllowIrreversible bool
	// IdempotencyKey, if set, makes a repeated call return the first answer. Where
	// callers are to have keys of their own, it says whose it is.
	// Fingerprint then identifies the body: another one is CodeReused.
	IdempotencyKey string
	Fingerprint    string
}

// Created is the answer to CreatePlan.
type Created struct {
	Plan     Plan
	Warnings []string
	// Replayed is set when the answer is that of an earlier call with the key.
	Replayed bool
}

// CreatePlan validates, plans and stores. Nothing is stored when it fails.
// Problems' pointers point into the request body (/attack/args/…). CodeBusy is
// returned when too many plans are being made, CodeReused when the idempotency
// key came with another body.
func (e *Engine) CreatePlan(ctx context.Context, spec PlanSpec) (Created, error) {
	if err := e.Ready(); err != nil {
		return Created{}, err
	}
	if spec.IdempotencyKey != "" {
		if !e.inFlight.add(spec.IdempotencyKey) {
			return Created{}, Errorf(CodeConflict, "a request with this Idempotency-Key is being answered; try again in a moment")
		}
		defer e.inFlight.remove(spec.IdempotencyKey)
		if answer, found, err := e.replay(ctx, spec); found || err != nil {
			return answer, err
		}
	}
	draft, executors, warnings, err := e.plan(ctx, spec)
	if err != nil {
		return Created{}, err
	}
	if err := e.store.CreatePlan(ctx, draft.plan, executors, receiptOf(spec, draft.plan, warnings)); err != nil {
		return Created{}, fmt.Errorf("store the plan: %w", err)
	}
	poke(e.wake)
	plan, err := e.Plan(context.WithoutCancel(ctx), draft.plan.ID) // it is there, whoever has hung up
	if err != nil {
		return Created{}, err
	}
	e.log.Info("plan created", "plan", plan.ID, "ref", plan.Attack.Ref, "planner", plan.Planner.Ref,
		"executors", plan.Counts.Total, "pending", plan.Counts.Pending, "next", instant(plan.NextExecution))
	return Created{Plan: plan, Warnings: warnings}, nil
}

// plan validates what is asked for and has the planner plan it.
func (e *Engine) plan(ctx context.Context, spec PlanSpec) (*draft, []Executor, []string, error) {
	draft, err := e.draft(spec)
	if err != nil {
		return nil, nil, nil, err
	}
	planned, err := e.ask(ctx, draft)
	if err != nil {
		return nil, nil, nil, err
	}
	executors, err := draft.executors(planned.Executions)
	if err != nil {
		return nil, nil, nil, err
	}
	return draft, executors, append(planned.Warnings, e.warnings(draft, planned, executors)...), nil
}

// replay finds the answer to an earlier call with the same key.
func (e *Engine) replay(ctx context.Context, spec PlanSpec) (Created, bool, error) {
	receipt, err := e.store.Receipt(ctx, spec.IdempotencyKey)
	if CodeOf(err) == CodeNotFound {
		return Created{}, false, nil
	}
	if err != nil {
		return Created{}, false, err
	}
	if receipt.Fingerprint != spec.Fingerprint {
		return Created{}, true, Errorf(CodeReused,
			"this Idempotency-Key was used with another body, for plan %s; use a new key for a new plan", receipt.Plan)
	}
	plan, err := e.Plan(ctx, receipt.Plan)
	if CodeOf(err) == CodeNotFound {
		return Created{}, true, Errorf(CodeConflict,
			"plan %s, made with this Idempotency-Key, was deleted since; use a new key to make it again", receipt.Plan)
	}
	return Created{Plan: plan, Warnings: receipt.Warnings, Replayed: true}, true, err
}

func receiptOf(spec PlanSpec, p Plan, warnings []string) *Receipt {
	if spec.IdempotencyKey == "" {
		return nil
	}
	return &Receipt{
		Key: spec.IdempotencyKey, Fingerprint: spec.Fingerprint, Plan: p.ID, Warnings: warnings, Created: p.Created,
	}
}

// draft is a plan whose configs are valid and that has no executors yet.
type draft struct {
	plan            Plan
	attack, planner Offer
	hidden          *placeholders
	forPlanner      Config // the attack's config as the planner sees it
}

func (e *Engine) draft(spec PlanSpec) (*draft, error) {
	if err := checkName(spec.Name); err != nil {
		return nil, err
	}
	attack, attackConfig, err := e.resolve(KindAttack, spec.Attack, "attack")
	if err != nil {
		return nil, err
	}
	planner, plannerConfig, err := e.resolve(KindPlanner, spec.Planner, "planner")
	if err != nil {
		return nil, err
	}
	plan := Plan{
		ID: NewPlanID(), Name: spec.Name, Created: time.Now().UTC(), Attack: attackConfig, Planner: plannerConfig,
		AttackSecrets:  attack.Compiled.Secrets(attackConfig.Doc),
		PlannerSecrets: planner.Compiled.Secrets(plannerConfig.Doc),
		Zone:           cmp.Or(spec.Zone, e.settings.Zone.String()),
		Timeout:        spec.Timeout,
		Labels:         spec.Labels,
		MisfireGrace:   cmp.Or(spec.MisfireGrace, e.settings.MisfireGrace),
		UndoPolicy:     cmp.Or(spec.UndoPolicy, UndoAuto),
		DryRun:         spec.DryRun, AllowIrreversible: spec.AllowIrreversible,
	}
	if err := e.permit(plan, attack); err != nil {
		return nil, err
	}
	if plan.Timeout, err = timeoutOf(plan, e.settings.RunTimeout); err != nil {
		return nil, err
	}
	if err := checkOptions(plan, spec.Seed); err != nil {
		return nil, err
	}
	if plan.Seed, err = seedOr(spec.Seed); err != nil {
		return nil, err
	}
	d := &draft{plan: plan, attack: attack, planner: planner}
	d.forPlanner, d.hidden, err = hide(attackConfig, plan.AttackSecrets)
	return d, err
}

// permit refuses what the operator's rules or the attack itself do not allow.
func (e *Engine) permit(p Plan, attack Offer) error {
	if p.DryRun && !attack.CanDryRun {
		return problemAt("/dry_run", "%s does not offer dry runs; nothing was stored", attack.Ref)
	}
	limits := e.settings.Limits
	why := limits.forbids(attack.Descriptor, p.DryRun, p.AllowIrreversible)
	switch {
	case why == "":
		return nil
	case limits.forbids(attack.Descriptor, p.DryRun, true) == "":
		return problemAt("/allow_irreversible", "%s", why)
	default:
		return Errorf(CodeDenied, "%s", why)
	}
}

// callPlanner runs the planner in its own process.
func (e *Engine) callPlanner(ctx context.Context, d *draft) (Planned, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.settings.PlanTimeout,
		fmt.Errorf("it gave no answer within %s", e.settings.PlanTimeout))
	defer cancel()
	planned, err := e.host.Plan(ctx, d.planner, PlanCall{
		Name: d.plan.Name, Config: d.plan.Planner, Attack: d.forPlanner,
		Now: d.plan.Created, Zone: d.plan.Zone, Seed: d.plan.Seed,
	})
	scrub := newScrubber(d.plan.Planner, d.plan.PlannerSecrets)
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		if failure.Stack != "" {
			e.log.Warn("planner panicked", "ref", d.planner.Ref, "plugin", d.planner.Plugin, "stack", scrub.text(failure.Stack))
		}
		return Planned{}, refusal("/planner", failure, scrub)
	}
	if err != nil {
		return Planned{}, problemAt("/planner/ref", "planner %s did not answer: %s", d.planner.Ref, scrub.text(err.Error()))
	}
	planned.Warnings = presentable(planned.Warnings, scrub)
	if len(planned.Executions) == 0 {
		return Planned{}, problemAt("/planner", "planner %s planned nothing for these args", d.planner.Ref)
	}
	return planned, nil
}

// executors makes executors of what the planner answered, in the order of time.
func (d *draft) executors(executions []Execution) ([]Executor, error) {
	if len(executions) > maxExecutions {
		return nil, problemAt("/planner", "planner %s planned %d executions, the limit is %d",
			d.planner.Ref, len(executions), maxExecutions)
	}
	slices.SortStableFunc(executions, func(a, b Execution) int { return a.At.Compare(b.At) })
	list := make([]Executor, len(executions))
	for i, x := range executions {
		if x.At.Before(firstInstant) || !x.At.Before(lastInstant) {
			return nil, problemAt("/planner", "planner %s planned an execution outside the years 1970 to 2200", d.planner.Ref)
		}
		if len(x.Name) > maxName {
			return nil, problemAt("/planner", "planner %s gave an execution a name of %d bytes, the limit is %d",
				d.planner.Ref, len(x.Name), maxName)
		}
		ex := Executor{
			ID: NewExecutorID(), PlanID: d.plan.ID, Name: x.Name, AttackRef: d.attack.Ref,
			Due: x.At.UTC().Truncate(time.Microsecond), State: Scheduled, Lag: -1, Undo: UndoNone,
			MisfireGrace: d.plan.MisfireGrace, Seed: seedOf(d.plan.Seed, i), DryRun: d.plan.DryRun,
		}
		if x.Args != nil {
			ex.Args = d.hidden.restore(x.Args)
			if d.hidden.left(ex.Args) {
				return nil, problemAt("/planner", "planner %s built a value from a secret of the attack; "+
					"a secret can only be handed on whole", d.planner.Ref)
			}
			if err := d.checkOverride(ex); err != nil {
				return nil, err
			}
		}
		if d.plan.Created.After(ex.Due.Add(ex.MisfireGrace)) {
			markMissed(&ex, d.plan.Created, "it had passed when the plan was made")
		}
		list[i] = ex
	}
	return list, nil
}

func (d *draft) checkOverride(ex Executor) error {
	config, err := configOf(d.plan, ex)
	if err != nil {
		return problemAt("/planner", "planner %s answered args that are not JSON", d.planner.Ref)
	}
	if problems := problemsOf(d.attack, config, ""); len(problems) > 0 {
		return problemAt("/planner", "planner %s answered args that do not fit %s: %s: %s",
			d.planner.Ref, d.attack.Ref, problems[0].Pointer, problems[0].Message)
	}
	return nil
}
