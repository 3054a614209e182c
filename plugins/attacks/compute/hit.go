package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// hit gives one order. Of those that can be brought back, how is on record
// before.
func (s *strike) hit(ctx context.Context, do order, victims []compute.Node) error {
	mendable := slices.DeleteFunc(slices.Clone(victims), func(n compute.Node) bool { return s.removed[n.ID] })
	hit := func(ctx context.Context) error {
		changes, err := do(ctx, compute.Order{IDs: compute.IDs(victims)})
		if err != nil {
			return errors.Join(err, s.failed(ctx, victims, changes, err))
		}
		s.call.Log().Info("ordered", "order", s.harm.verb, "nodes", labels(victims))
		return s.answered(compute.IDs(victims), changes)
	}
	if s.harm.back == nil || len(mendable) == 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return hit(ctx)
	}
	options := []sdk.UndoOption{sdk.Describe(fmt.Sprintf(s.harm.back.says, named(labels(mendable))))}
	if after := s.args.undoAfter(); after > 0 {
		options = append(options, sdk.UndoAt(time.Now().Add(after)))
	}
	return s.call.Do(ctx, s.record(mendable), hit, options...)
}

// answered puts on record who was hit, and the provider's answer.
func (s *strike) answered(ids []string, changes []compute.Change) error {
	s.tell(ids, "hit")
	s.report.Answered(changes)
	return s.call.Result(s.report)
}

// failed puts on record whom an order has hit that failed: EC2 terminates zone by
// zone, an engine container by container, and an answer may be lost.
func (s *strike) failed(ctx context.Context, victims []compute.Node, changes []compute.Change, err error) error {
	changes = append(changes, s.changedAllTheSame(ctx, victims, changes)...)
	hit := make([]string, len(changes))
	for i, c := range changes {
		hit[i] = c.ID
	}
	s.call.Log().Error("the order failed", "order", s.harm.verb, "nodes", labels(victims), "hit_all_the_same", len(hit), "error", err)
	return s.answered(hit, changes)
}

// lastLook bounds the look at what a failed order has done. The run may be over by
// then, and its process about to be ended.
const lastLook = 3 * time.Second

// changedAllTheSame looks which of the nodes are no longer as they were, besides
// those whose change is known.
func (s *strike) changedAllTheSame(ctx context.Context, victims []compute.Node, known []compute.Change) []compute.Change {
	if s.harm.ends == "" { // that can't be seen
		return nil
	}
	before := make(map[string]compute.State, len(victims))
	for _, n := range victims {
		before[n.ID] = n.State
	}
	for _, c := range known {
		delete(before, c.ID)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	found, err := s.picked.Driver.Find(ctx, compute.IDs(victims)...)
	if err != nil {
		s.call.Log().Warn("who was hit all the same can't be told", "error", err)
		return nil
	}
	var changes []compute.Change
	for _, n := range found {
		if was, unknown := before[n.ID]; unknown && n.State != was {
			changes = append(changes, compute.Change{ID: n.ID, From: was, To: n.State})
		}
	}
	return changes
}
