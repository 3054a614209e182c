// Package compute is how attacks reach machines, whoever runs them. A provider
// (EC2, Docker) is a package of its own beneath this one that has a Driver; an
// attack gets one by its name from Providers, lists the nodes that match
// Filters, has Rule.Choose pick among them, and acts on those.
//
// A driver talks to its provider and does what it is told; whom to hit is
// decided here, by code that has no provider, no clock and no chance of its own.
package compute

import (
	"slices"
	"strings"
	"time"
)

// Node is a machine: an instance, a container.
type Node struct {
	// ID is the provider's own, unique within what the driver sees.
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	State State  `json:"state"`
	// Private and Public are its addresses: IP addresses or names.
	Private []string          `json:"private,omitempty"`
	Public  []string          `json:"public,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"` // of a container: its labels
	// Zone is where it is within the region, empty where a provider has none.
	Zone string `json:"zone,omitempty"`
	// Started is when it was last started; zero if that isn't known.
	Started time.Time `json:"started,omitzero"`
	// Extra is what else the provider says of it that is worth a look: the
	// instance's type, the container's image.
	Extra map[string]string `json:"extra,omitempty"`
}

// State is what a node does.
type State string

// The states of all providers.
const (
	Pending     State = "pending" // on its way to running
	Running     State = "running"
	Paused      State = "paused" // frozen, with its memory
	Stopping    State = "stopping"
	Stopped     State = "stopped"     // can be started
	Terminating State = "terminating" // on its way to terminated
	Terminated  State = "terminated"  // gone for good
	Unknown     State = "unknown"
)

// SortByID orders nodes by their id, the order in which Rule.Choose sees them.
func SortByID(nodes []Node) {
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
}

// IDs returns the ids of nodes, in their order.
func IDs(nodes []Node) []string {
	ids := make([]string, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
	}
	return ids
}
