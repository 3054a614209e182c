package docker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// How long an engine gets for what takes its time.
const (
	// working covers what an engine waits for a killed process to be gone (10 s
	// and more), the removal of a large container's files, and a start.
	working = 50 * time.Second
	// defaultStop is the stop timeout of a container that has none of its own.
	defaultStop = 10 * time.Second
	// maxStop bounds the stop timeout that is waited for, also where a container
	// has one without end.
	maxStop = 10 * time.Minute
)

// action is something that is done to a container.
type action struct {
	operation string                     // as the engine calls it
	from      []container.ContainerState // the states that allow it
	done      []container.ContainerState // those of them in which nothing is left to do
	to        compute.State              // what it ends in
	ends      bool                       // the container's process ends, and with --rm the container
	// patience is how long it may take beyond what any call may.
	patience func(c container.InspectResponse) time.Duration
	do       func(ctx context.Context, engine *client.Client, id string) error
}

// alive are the states in which a container has a process, or will have again.
var alive = []container.ContainerState{container.StateRunning, container.StatePaused, container.StateRestarting}

var start = action{
	operation: "ContainerStart",
	from: []container.ContainerState{
		container.StateCreated, container.StateExited, container.StateRunning, container.StateRestarting,
	},
	done: []container.ContainerState{container.StateRunning, container.StateRestarting},
	to:   compute.Running, patience: toWork,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerStart(ctx, id, client.ContainerStartOptions{})
		return err
	},
}

var stop = action{
	operation: "ContainerStop",
	from:      append(slices.Clone(alive), container.StateCreated, container.StateExited),
	done:      []container.ContainerState{container.StateCreated, container.StateExited},
	to:        compute.Stopped, ends: true, patience: toStop,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerStop(ctx, id, client.ContainerStopOptions{})
		return err
	},
}

var reboot = action{
	operation: "ContainerRestart", from: alive, to: compute.Running, patience: toStop,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerRestart(ctx, id, client.ContainerRestartOptions{})
		return err
	},
}

var terminate = action{
	operation: "ContainerDelete",
	from: append(slices.Clone(alive), container.StateCreated, container.StateExited,
		container.StateDead, container.StateRemoving),
	to: compute.Terminated, patience: toWork,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		return err
	},
}

var kill = action{
	operation: "ContainerKill", from: alive, to: compute.Stopped, ends: true, patience: toWork,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"})
		return err
	},
}

var pause = action{
	operation: "ContainerPause", from: []container.ContainerState{container.StateRunning},
	to: compute.Paused, patience: none,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	},
}

var unpause = action{
	operation: "ContainerUnpause", from: []container.ContainerState{container.StatePaused},
	to: compute.Running, patience: none,
	do: func(ctx context.Context, engine *client.Client, id string) error {
		_, err := engine.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	},
}

// allowed refuses a container whose state doesn't allow the action.
func (a action) allowed(c container.InspectResponse) error {
	if slices.Contains(a.from, c.State.Status) {
		return nil
	}
	words := make([]string, len(a.from))
	for i, s := range a.from {
		words[i] = string(s)
	}
	return &compute.Error{
		Kind: compute.ErrBadState, Operation: a.operation + " " + short(c.ID),
		Message: "the container " + quoted(strings.TrimPrefix(c.Name, "/")) + " is " + string(c.State.Status) +
			", and must be " + strings.Join(words, " or "),
	}
}

func none(container.InspectResponse) time.Duration { return 0 }

func toWork(container.InspectResponse) time.Duration { return working }

// toStop is the container's own stop timeout, and then what a kill takes.
func toStop(c container.InspectResponse) time.Duration { return stopTimeout(c) + working }

// stopTimeout is how long a container has to end when it is told to.
func stopTimeout(c container.InspectResponse) time.Duration {
	timeout := defaultStop
	if own := c.Config.StopTimeout; own != nil {
		timeout = time.Duration(*own) * time.Second
	}
	if timeout < 0 {
		timeout = maxStop
	}
	return min(timeout, maxStop)
}
