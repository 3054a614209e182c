package docker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// The pauses between two looks at containers that are awaited: each is twice the
// one before.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// Await blocks until all the containers are in the state. compute.ErrNotFound is
// returned when one is gone, unless compute.Terminated is awaited, and
// compute.ErrBadState when one can't come to the state by itself any more, such
// as one that exited while it was to run.
func (d *driver) Await(ctx context.Context, state compute.State, ids ...string) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		var pending []string
		for _, id := range ids {
			reached, err := d.reached(ctx, state, id)
			if err != nil {
				return err
			}
			if !reached {
				pending = append(pending, id)
			}
		}
		if len(pending) == 0 {
			return nil
		}
		ids = pending
		select {
		case <-ctx.Done():
			cause := context.Cause(ctx)
			return &compute.Error{
				Operation: "ContainerInspect " + short(ids[0]),
				Message:   "waited for the container to be " + string(state) + " until: " + cause.Error(), Err: cause,
			}
		case <-time.After(pause):
		}
	}
}

// reached reports whether a container is in the state, and fails where it won't
// come to it.
func (d *driver) reached(ctx context.Context, want compute.State, id string) (bool, error) {
	c, err := d.inspect(ctx, id)
	if errors.Is(err, compute.ErrNotFound) && want == compute.Terminated {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	is := stateOf(c.State.Status)
	if is == want {
		return true, nil
	}
	if canBecome(is, want) {
		return false, nil
	}
	return false, &compute.Error{
		Kind: compute.ErrBadState, Operation: "ContainerInspect " + short(id),
		Message: "the container is to be " + string(want) + " and is " + inWords(c),
	}
}

// canBecome reports whether a container comes from one state to another without
// being told to again.
func canBecome(is, want compute.State) bool {
	switch is {
	case compute.Terminated:
		return false
	case compute.Terminating:
		return want == compute.Terminated
	case compute.Stopped:
		return want == compute.Terminated || want == compute.Terminating
	default:
		return true
	}
}

// inWords says what a container does, with its exit status where it ended.
func inWords(c container.InspectResponse) string {
	text := string(c.State.Status)
	if c.State.Status == container.StateExited {
		text += " with status " + strconv.Itoa(c.State.ExitCode)
	}
	return text
}
