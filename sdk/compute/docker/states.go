package docker

import (
	"maps"
	"slices"

	"github.com/moby/moby/api/types/container"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// states are the engine's states as compute's. A container that is dead could
// not be removed and can't be started either: it is gone for good but for the
// name.
var states = map[container.ContainerState]compute.State{
	container.StateCreated:    compute.Stopped,
	container.StateRunning:    compute.Running,
	container.StatePaused:     compute.Paused,
	container.StateRestarting: compute.Pending,
	container.StateRemoving:   compute.Terminating,
	container.StateExited:     compute.Stopped,
	container.StateDead:       compute.Terminated,
}

func stateOf(s container.ContainerState) compute.State {
	if state, ok := states[s]; ok {
		return state
	}
	return compute.Unknown
}

// stateWords are the words by which a filter may mean a state: compute's, the
// engine's, EC2's.
func stateWords(s container.ContainerState) []string {
	state := stateOf(s)
	words := []string{string(s), string(state)}
	if state == compute.Terminating {
		words = append(words, "shutting-down")
	}
	return words
}

// allStateWords are all those words, sorted, and with compute.Stopping the one
// in which no container ever is.
func allStateWords() []string {
	words := []string{string(compute.Stopping)}
	for s := range maps.Keys(states) {
		words = append(words, stateWords(s)...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}
