package compute

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Driver acts on the nodes of one provider. Its methods block until the provider
// has answered, bound each call of its API by themselves, and return an *Error
// that says what to do. They are safe for concurrent use.
type Driver interface {
	// List returns the nodes that match all filters, ordered by id. Where the
	// filters say nothing of the state, only running nodes are listed. A filter
	// that the provider doesn't know is ErrBadFilter, never ignored.
	List(ctx context.Context, filters Filters) ([]Node, error)
	// Matching is List whatever the state: for nodes that must not be hit.
	Matching(ctx context.Context, filters Filters) ([]Node, error)
	// Find returns those of the nodes that exist, ordered by id, in any state.
	// One that doesn't is left out.
	Find(ctx context.Context, ids ...string) ([]Node, error)

	// Start, Stop, Reboot and Terminate order that of all the nodes, in one call
	// where the provider can, and return its answer: one Change a node. They
	// don't wait for the change; Await does. A node that isn't there is
	// ErrNotFound, one in a state that doesn't allow it ErrBadState.
	Start(ctx context.Context, o Order) ([]Change, error)
	Stop(ctx context.Context, o Order) ([]Change, error)
	Reboot(ctx context.Context, o Order) ([]Change, error)
	Terminate(ctx context.Context, o Order) ([]Change, error)

	// Await blocks until all the nodes are in the state. A node that ends in
	// another state for good, or isn't there (unless it is to be Terminated), is
	// an error; when ctx ends its cause is.
	Await(ctx context.Context, state State, ids ...string) error
}

// Order is what to do something to.
type Order struct {
	IDs []string
	// DryRun has the provider say whether it would do it, as far as it can tell,
	// and changes nothing. No Changes come back then.
	DryRun bool
}

// Change is a provider's answer about one node.
type Change struct {
	ID   string `json:"id"`
	From State  `json:"from"`
	To   State  `json:"to"`
}

// Killer is a Driver whose nodes can be ended at once, without being asked, and
// started again.
type Killer interface {
	Kill(ctx context.Context, o Order) ([]Change, error)
}

// Pauser is a Driver whose nodes can be frozen.
type Pauser interface {
	Pause(ctx context.Context, o Order) ([]Change, error)
	Unpause(ctx context.Context, o Order) ([]Change, error)
}

// Regional is a Driver whose nodes are in one region.
type Regional interface {
	// Region is the one that Options name, or else that of the environment.
	Region() string
}

// Identified is a Driver that can say whose its nodes are. Whoever looks for nodes
// later, and finds none, tells by it whether they are gone or the environment has
// come to lead elsewhere.
type Identified interface {
	// Identity is the same for as long as the driver leads to the same place: the
	// number of an account, the id of an engine. It may have to be asked for.
	Identity(ctx context.Context) (string, error)
}

// FilterChecker is a Driver that can tell of some filters, without asking anybody,
// that no List would take them.
type FilterChecker interface {
	// CheckFilters returns ErrBadFilter for what List would certainly refuse.
	CheckFilters(filters Filters) error
}

// Options say which of a provider's nodes a driver sees. Credentials and
// addresses are none of them: they come from the environment, never from a plan.
type Options struct {
	// Region is the provider's; empty means the environment's. A provider
	// without regions refuses one.
	Region string
	// Log takes what a person may want to know of the driver's work, such as
	// calls that are tried again. Nil: nothing is logged.
	Log *slog.Logger
}

// Opener makes a driver. It doesn't talk to the provider, but reads what it needs
// from the environment; what is missing is ErrUnconfigured.
type Opener func(ctx context.Context, o Options) (Driver, error)

// Providers are those an attack was built with, by name.
type Providers map[string]Opener

// Open makes a driver of the provider named.
func (p Providers) Open(ctx context.Context, name string, o Options) (Driver, error) {
	open, ok := p[name]
	if !ok {
		return nil, fmt.Errorf("unknown provider %q; known are %s", name, strings.Join(p.Names(), ", "))
	}
	return open(ctx, o)
}

// Names returns the names of the providers, sorted.
func (p Providers) Names() []string { return slices.Sorted(maps.Keys(p)) }
