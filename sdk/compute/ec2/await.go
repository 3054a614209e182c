package ec2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const (
	await = "wait for instances"
	// longestWait is where Await gives up if its context has no end.
	longestWait = time.Hour
	// settled is how many looks find an instance stopped, that was started,
	// until it counts as one that didn't start. Right after the order EC2 may
	// still show the state from before.
	settled = 3
)

// Await blocks until all the instances are in the state: Running, Stopped or
// Terminated. It looks at once, then after about a second, then less often, every
// 15 s in the end.
func (d *driver) Await(ctx context.Context, state compute.State, ids ...string) error {
	if !slices.Contains([]compute.State{compute.Running, compute.Stopped, compute.Terminated}, state) {
		return &compute.Error{Kind: compute.ErrBadState, Operation: await, Message: fmt.Sprintf("an instance can't be awaited %s", state)}
	}
	for batch := range slices.Chunk(distinct(ids), maxValues) {
		w := &watch{state: state, ids: batch, stopped: map[string]int{}}
		if err := d.wait(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// wait has one of the SDK's waiters look again and again. The pacing is the
// waiter's, so it doesn't matter which of them it is; the judgement is ours,
// which can name the instance, and doesn't wait for one that isn't there.
func (d *driver) wait(ctx context.Context, w *watch) error {
	waiter := ec2.NewInstanceRunningWaiter(reader{d}, func(o *ec2.InstanceRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay, o.Retryable = d.bounds.minLook, d.bounds.maxLook, w.judge
	})
	err := waiter.Wait(ctx, &ec2.DescribeInstancesInput{Filters: byID(w.ids)}, longestWait)
	var known *compute.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && w.missing != nil:
		cause := context.Cause(ctx)
		return &compute.Error{
			Operation: await, Err: cause,
			Message: fmt.Sprintf("%s not yet %s when the wait ended: %s", w.lacking(), w.state, cause),
		}
	case errors.As(err, &known):
		return err
	}
	return &compute.Error{
		Operation: await, Err: err,
		Message: fmt.Sprintf("%s not %s after %s", w.lacking(), w.state, longestWait),
	}
}

// reader is the API as a waiter needs it: with all pages read, each call
// bounded, and its errors explained.
type reader struct{ d *driver }

// DescribeInstances returns all that match.
func (r reader) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	instances, err := r.d.describe(ctx, in.Filters)
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: instances}}}, nil
}

// watch is a wait for instances, and what the looks so far have found.
type watch struct {
	state   compute.State
	ids     []string
	stopped map[string]int  // how many looks have found one stopped
	missing map[string]bool // what the latest look found to be not there yet
}

// judge tells a waiter whether to look again, or that it is in vain.
func (w *watch) judge(_ context.Context, _ *ec2.DescribeInstancesInput, out *ec2.DescribeInstancesOutput, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	found := map[string]compute.State{}
	for _, n := range nodes(out.Reservations[0].Instances) {
		found[n.ID] = n.State
	}
	w.missing = map[string]bool{}
	for _, id := range w.ids {
		state, there := found[id]
		if state == compute.Stopped {
			w.stopped[id]++
		}
		switch {
		case state == w.state, !there && w.state == compute.Terminated:
		case !there:
			return false, &compute.Error{Kind: compute.ErrNotFound, Operation: await, Message: fmt.Sprintf("there is no instance %s", id)}
		case w.inVain(id, state):
			return false, &compute.Error{
				Kind: compute.ErrBadState, Operation: await,
				Message: fmt.Sprintf("%s is %s and won't be %s", id, state, w.state),
				Remedy:  "see the instance's state reason, and who else changes it",
			}
		default:
			w.missing[id] = true
		}
	}
	return len(w.missing) > 0, nil
}

// inVain tells whether a state doesn't lead to the one awaited.
func (w *watch) inVain(id string, state compute.State) bool {
	switch state {
	case compute.Terminating, compute.Terminated:
		return w.state != compute.Terminated
	case compute.Stopping:
		return w.state == compute.Running
	case compute.Stopped:
		return w.state == compute.Running && w.stopped[id] >= settled
	case compute.Pending:
		return w.state == compute.Stopped
	}
	return false
}

// lacking names those that aren't there yet.
func (w *watch) lacking() string {
	if len(w.missing) == 1 {
		for id := range w.missing {
			return id + " was"
		}
	}
	return fmt.Sprintf("%d instances were", len(w.missing))
}
