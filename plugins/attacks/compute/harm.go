package main

import (
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// harm is something that can be done to nodes.
type harm struct {
	verb  string // "stop"
	order ordering
	// ends is the state that the nodes end in; empty: that can't be told.
	ends compute.State
	// ending is set for what ends the process of a container, and with --rm the
	// container.
	ending bool
	// asking is set for what gives a container its own time to end.
	asking bool
	back   *remedy // nil: there is none
}

// remedy takes a harm back.
type remedy struct {
	verb  string // "start"
	says  string // what it does, around the nodes: "starts %s again"
	order ordering
}

// order has a driver do something to nodes.
type order func(context.Context, compute.Order) ([]compute.Change, error)

// ordering returns how a driver does it. Some can't.
type ordering func(compute.Driver) (order, error)

// What can be done.
var (
	terminate = harm{
		verb: "terminate", ends: compute.Terminated,
		order: func(d compute.Driver) (order, error) { return d.Terminate, nil },
	}
	reboot = harm{
		verb:  "reboot",
		order: func(d compute.Driver) (order, error) { return d.Reboot, nil },
	}
	stop = harm{
		verb: "stop", ends: compute.Stopped, ending: true, asking: true, back: &start,
		order: func(d compute.Driver) (order, error) { return d.Stop, nil },
	}
	kill = harm{
		verb: "kill", ends: compute.Stopped, ending: true, back: &start,
		order: func(d compute.Driver) (order, error) {
			killer, ok := d.(compute.Killer)
			if !ok {
				return nil, unable("kill")
			}
			return killer.Kill, nil
		},
	}
	pause = harm{
		verb: "pause", ends: compute.Paused, back: &unpause,
		order: func(d compute.Driver) (order, error) {
			pauser, ok := d.(compute.Pauser)
			if !ok {
				return nil, unable("pause")
			}
			return pauser.Pause, nil
		},
	}
)

// How it is taken back.
var (
	start = remedy{
		verb: "start", says: "starts %s again",
		order: func(d compute.Driver) (order, error) { return d.Start, nil },
	}
	unpause = remedy{
		verb: "unpause", says: "unpauses %s",
		order: func(d compute.Driver) (order, error) {
			pauser, ok := d.(compute.Pauser)
			if !ok {
				return nil, unable("unpause")
			}
			return pauser.Unpause, nil
		},
	}
)

// removals returns the ids of the containers that the harm ends for good, and
// refuses them unless that is allowed.
func (h harm) removals(nodes []compute.Node, allowed bool) (map[string]bool, error) {
	removed := map[string]bool{}
	for _, n := range nodes {
		if !h.ending || n.Extra["auto_remove"] != "true" {
			continue
		}
		if !allowed {
			return nil, fmt.Errorf("%w: the container %s is removed as soon as it ends (docker run --rm), so it can't be started again; "+
				"exclude it, or allow that with allow_removal", compute.ErrBadState, label(n.ID, n.Name))
		}
		removed[n.ID] = true
	}
	return removed, nil
}

func unable(verb string) error { return fmt.Errorf("this provider can't %s nodes", verb) }
