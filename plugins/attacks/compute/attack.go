package main

import (
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// attack does a harm to the nodes that its args choose.
type attack struct {
	targeting.Targeting
	harm harm
}

// newAttack offers an attack whose args are a T.
func newAttack[T configured](info sdk.Info, t targeting.Targeting, h harm) sdk.Attack[T] {
	info.Version, info.DryRun = sdk.Version, true
	if h.back != nil { // what doesn't run can't be hit and brought back
		t.Only = compute.Running
	}
	a := attack{Targeting: t, harm: h}
	offered := sdk.Attack[T]{
		Info:  info,
		Run:   func(ctx context.Context, args T, run *sdk.Run) error { return a.run(ctx, args.common(), run) },
		Check: func(ctx context.Context, args T, call *sdk.CheckCall) error { return a.check(ctx, args.common(), call) },
		Targets: func(ctx context.Context, args T, call *sdk.TargetsCall) ([]sdk.Target, error) {
			return a.targets(ctx, args.common(), call)
		},
	}
	if h.back != nil {
		offered.Undo = func(ctx context.Context, _ T, call *sdk.UndoCall) (sdk.Outcome, error) { return a.undo(ctx, call) }
	}
	return offered
}

// check refuses args that contradict themselves, and warns when the environment
// lacks what the provider needs.
func (a attack) check(ctx context.Context, args nodeArgs, call *sdk.CheckCall) error {
	if err := args.check(); err != nil {
		return err
	}
	if err := a.Check(args.Args); err != nil {
		return err
	}
	warnings, err := a.Warnings(ctx, args.Args)
	for _, warning := range warnings {
		call.Warn("%s", warning)
	}
	return err
}

// targets chooses as a run does, and refuses whom a run refuses.
func (a attack) targets(ctx context.Context, args nodeArgs, call *sdk.TargetsCall) ([]sdk.Target, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	picked, err := a.Pick(ctx, args.Args, call.Seed(), call.Rand())
	if err != nil {
		return nil, err
	}
	if a.harm.ending && len(picked.Chosen) > 0 {
		found, err := picked.Driver.Find(ctx, compute.IDs(picked.Chosen)...)
		if err != nil {
			return nil, fmt.Errorf("look at the chosen once more: %w", err)
		}
		if _, err := a.harm.removals(found, args.AllowRemoval); err != nil {
			return nil, err
		}
	}
	return picked.Targets("selected"), nil
}
