package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// batch is how many nodes one order is about. Their undo record stays well below
// the 64 KiB that the host takes.
const batch = 100

// strike is one run of an attack.
type strike struct {
	attack
	args   nodeArgs
	call   *sdk.Run
	picked targeting.Picked
	report targeting.Report
	// removed are the ids of those that will be gone once they have ended.
	removed map[string]bool
	// whose the nodes are; empty if that can't be told.
	whose string
}

// run chooses, puts the choice on record also where it fails for it, and acts.
func (a attack) run(ctx context.Context, args nodeArgs, run *sdk.Run) error {
	if err := args.check(); err != nil {
		return err
	}
	a.Log = run.Log()
	picked, err := a.Pick(ctx, args.Args, run.Seed(), run.Rand())
	if picked.Candidates == nil { // never listed: there is nothing to record
		return err
	}
	s := &strike{attack: a, args: args, call: run, picked: picked, report: picked.Report()}
	s.report.DryRun = args.DryRun || run.DryRun()
	s.tell(compute.IDs(picked.Chosen), "selected")
	if recordErr := run.Result(s.report); err != nil || recordErr != nil {
		return errors.Join(err, recordErr)
	}
	if len(picked.Chosen) == 0 {
		run.Log().Info("nobody is hit", "reason", picked.Empty)
		return nil
	}
	return s.act(ctx)
}

// tell says what has become of some of the chosen.
func (s *strike) tell(ids []string, state string) {
	if targets := s.picked.TargetsOf(ids, state); len(targets) > 0 {
		s.call.Targets(targets...)
	}
}

// act does the harm, batch by batch, and waits for it to be complete.
func (s *strike) act(ctx context.Context) error {
	do, err := s.harm.order(s.picked.Driver)
	if err != nil {
		return err
	}
	victims := s.picked.Chosen
	if s.harm.back != nil {
		if victims, err = s.standing(ctx); err != nil {
			return err
		}
	}
	if s.report.DryRun {
		return s.rehearse(ctx, do, victims)
	}
	if s.harm.back != nil {
		s.whose = identity(ctx, s.picked.Driver, s.call.Log())
	}
	var hit []compute.Node
	for some := range slices.Chunk(victims, batch) {
		if s.harm.back != nil && len(hit) > 0 { // the orders before may have taken minutes
			if some, err = s.stillRunning(ctx, some); err != nil {
				return err
			}
		}
		if len(some) == 0 {
			continue
		}
		if err := s.hit(ctx, do, some); err != nil {
			return err
		}
		hit = append(hit, some...)
	}
	return s.await(ctx, hit)
}

// standing looks at the chosen once more, right before the harm, and returns
// those that can be hit and brought back.
func (s *strike) standing(ctx context.Context) ([]compute.Node, error) {
	running, err := s.stillRunning(ctx, s.picked.Chosen)
	if err != nil {
		return nil, err
	}
	if s.removed, err = s.harm.removals(running, s.args.AllowRemoval); err != nil {
		return nil, err
	}
	if len(running) == 0 {
		return nil, fmt.Errorf("%w: none of the chosen nodes runs any more, so there is nothing to %s", compute.ErrBadState, s.harm.verb)
	}
	return running, nil
}

// stillRunning returns those of the nodes that run now, as they are now. One that
// doesn't is left out: were it on record, an undo would start what somebody else
// had stopped.
func (s *strike) stillRunning(ctx context.Context, nodes []compute.Node) ([]compute.Node, error) {
	found, err := s.picked.Driver.Find(ctx, compute.IDs(nodes)...)
	if err != nil {
		return nil, fmt.Errorf("look at the chosen once more: %w", err)
	}
	running := map[string]bool{}
	for _, n := range found {
		running[n.ID] = n.State == compute.Running
	}
	skipped := slices.DeleteFunc(slices.Clone(nodes), func(n compute.Node) bool { return running[n.ID] })
	if len(skipped) > 0 {
		s.call.Log().Warn("some of the chosen nodes don't run any more and are left alone", "nodes", labels(skipped))
		s.tell(compute.IDs(skipped), "skipped")
	}
	return slices.DeleteFunc(found, func(n compute.Node) bool { return !running[n.ID] }), nil
}

// rehearse asks the provider whether it would do it.
func (s *strike) rehearse(ctx context.Context, do order, victims []compute.Node) error {
	for some := range slices.Chunk(victims, batch) {
		if _, err := do(ctx, compute.Order{IDs: compute.IDs(some), DryRun: true}); err != nil {
			return fmt.Errorf("the order to %s would fail: %w", s.harm.verb, err)
		}
	}
	s.call.Log().Info("dry run: nobody is hit", "order", s.harm.verb, "nodes", labels(victims))
	return nil
}

// await waits until all that were hit are in their final state.
func (s *strike) await(ctx context.Context, hit []compute.Node) error {
	limit := s.args.wait()
	if limit == 0 || s.harm.ends == "" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the wait of %s is over", limit))
	defer cancel()
	staying := slices.DeleteFunc(compute.IDs(hit), func(id string) bool { return s.removed[id] })
	if err := s.awaitState(ctx, s.harm.ends, staying); err != nil {
		return err
	}
	removed := slices.DeleteFunc(slices.Sorted(maps.Keys(s.removed)), func(id string) bool {
		return !slices.ContainsFunc(hit, func(n compute.Node) bool { return n.ID == id })
	})
	if err := s.awaitState(ctx, compute.Terminated, removed); err != nil {
		return err
	}
	s.call.Log().Info("all are in their final state", "stayed", len(staying), "removed", len(removed), "state", s.harm.ends)
	return nil
}

func (s *strike) awaitState(ctx context.Context, state compute.State, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := s.picked.Driver.Await(ctx, state, ids...); err != nil {
		return fmt.Errorf("the provider took the order, but not all nodes became %s: %w", state, err)
	}
	return nil
}
