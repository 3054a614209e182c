package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// undoRecord is what an undo works from: who was hit, with one order.
type undoRecord struct {
	Provider string `json:"provider"`
	Region   string `json:"region,omitempty"`
	// Whose the nodes are: see compute.Identified. Empty if that can't be told.
	Whose string   `json:"whose,omitempty"`
	Nodes []victim `json:"nodes"`
	// At is right before the order.
	At time.Time `json:"at"`
}

// victim is a node that ran when it was hit.
type victim struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // for people; the start of it
	// Started is since when. A node that has been started since then is
	// somebody else's.
	Started time.Time `json:"started,omitzero"`
}

func idsOf(victims []victim) []string {
	ids := make([]string, len(victims))
	for i, v := range victims {
		ids[i] = v.ID
	}
	return ids
}

func labelsOf(victims []victim) []string {
	texts := make([]string, len(victims))
	for i, v := range victims {
		texts[i] = label(v.ID, v.Name)
	}
	return texts
}

// restarted reports whether the node was started since.
func (v victim) restarted(n compute.Node) bool {
	return !v.Started.IsZero() && !n.Started.IsZero() && !n.Started.Equal(v.Started)
}

// maxName is how much of a name is on record, in bytes: a hundred of them have to
// fit, in whatever script.
const maxName = 64

func (s *strike) record(nodes []compute.Node) undoRecord {
	r := undoRecord{
		Provider: s.picked.Provider, Region: s.picked.Region, Whose: s.whose,
		Nodes: make([]victim, len(nodes)), At: time.Now().UTC(),
	}
	for i, n := range nodes {
		name := strings.ToValidUTF8(n.Name[:min(len(n.Name), maxName)], "")
		r.Nodes[i] = victim{ID: n.ID, Name: name, Started: n.Started}
	}
	return r
}

// undo brings back what the run has hit and what is still as it left it.
// Whatever keeps it from finding out or from doing so may pass, so it asks to be
// called again.
func (a attack) undo(ctx context.Context, call *sdk.UndoCall) (sdk.Outcome, error) {
	var r undoRecord
	if err := call.Record(&r); err != nil {
		return sdk.Failed, err
	}
	a.Log = call.Log()
	ctx, cancel := withMargin(ctx)
	defer cancel()
	driver, err := a.Open(ctx, targeting.Args{Provider: r.Provider, Region: r.Region})
	if err != nil {
		return sdk.Retry, err
	}
	left, err := a.survey(ctx, driver, r)
	if err != nil {
		return sdk.Retry, err
	}
	if !left.found {
		switch err := r.confirm(ctx, driver); {
		case errors.Is(err, errElsewhere):
			return sdk.Failed, err
		case err != nil:
			return sdk.Retry, err
		}
	}
	if len(left.mine) > 0 {
		call.Log().Info("these are brought back", "order", a.harm.back.verb, "nodes", labelsOf(left.mine))
	}
	if err := a.bringBack(ctx, driver, left.mine); err != nil {
		return sdk.Retry, fmt.Errorf("%s what was hit: %w", a.harm.back.verb, err)
	}
	left.tell(call)
	return left.outcome(call.Attempt())
}

// margin is what is kept of an undo's time to give an answer.
const margin = 5 * time.Second

// withMargin ends a context a little early.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	early := min(margin, time.Until(deadline)/10)
	return context.WithDeadlineCause(ctx, deadline.Add(-early), errors.New("the time for this undo is over"))
}

// lookAgain is between two looks at nodes that may yet end.
const lookAgain = time.Second

// survey looks how the nodes are. One that runs it looks at once more when the
// provider must know of the order, and those still on their way it waits for.
func (a attack) survey(ctx context.Context, driver compute.Driver, r undoRecord) (remains, error) {
	left, err := a.look(ctx, driver, r)
	// Nobody knows when the order got there, if it did: whoever gave it may have
	// been ended while it waited for the answer.
	for began := time.Now(); err == nil && time.Since(began) < left.patience; {
		select {
		case <-time.After(min(lookAgain, left.patience-time.Since(began))):
			left, err = a.look(ctx, driver, r)
		case <-ctx.Done():
			return left, fmt.Errorf("some still run, and may yet %s: %w", a.harm.verb, context.Cause(ctx))
		}
	}
	if err != nil || len(left.moving) == 0 {
		return left, err
	}
	// One of them may end elsewhere; what matters is how they are then.
	awaitErr := driver.Await(ctx, a.harm.ends, idsOf(left.moving)...)
	if left, err = a.look(ctx, driver, r); err != nil {
		return left, errors.Join(awaitErr, err)
	}
	return left, nil
}

func (a attack) look(ctx context.Context, driver compute.Driver, r undoRecord) (remains, error) {
	found, err := driver.Find(ctx, idsOf(r.Nodes)...)
	if err != nil {
		return remains{}, fmt.Errorf("look at what was hit: %w", err)
	}
	return a.sort(r.Provider, r.Nodes, found), nil
}

// bringBack gives the order, and waits until the nodes run. Where the provider
// refuses it for some, the others get one of their own each.
func (a attack) bringBack(ctx context.Context, driver compute.Driver, mine []victim) error {
	if len(mine) == 0 {
		return nil
	}
	ids := idsOf(mine)
	do, err := a.harm.back.order(driver)
	if err != nil {
		return err
	}
	_, err = do(ctx, compute.Order{IDs: ids})
	if err != nil && len(ids) > 1 && !hopeless(err) {
		err = nil
		for _, id := range ids {
			_, one := do(ctx, compute.Order{IDs: []string{id}})
			err = errors.Join(err, one)
		}
	}
	if err != nil {
		return err
	}
	return driver.Await(ctx, compute.Running, ids...)
}

// hopeless reports whether an order would fail for a single node just as for
// many.
func hopeless(err error) bool {
	return slices.ContainsFunc([]error{compute.ErrThrottled, compute.ErrUnreachable, compute.ErrNotAllowed, compute.ErrUnconfigured},
		func(kind error) bool { return errors.Is(err, kind) })
}
