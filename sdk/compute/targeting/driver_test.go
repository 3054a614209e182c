package targeting

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a Driver of some nodes, which filters on "zone", "state" and tags.
// It keeps a list of what it was asked; anything but looking panics.
type scripted struct {
	compute.Driver
	nodes []compute.Node
	asked []string
	fail  map[string]error // by what was asked
}

func (d *scripted) List(_ context.Context, filters compute.Filters) ([]compute.Node, error) {
	return d.look("list", filters, func(n compute.Node) bool { return filters["state"] != nil || n.State == compute.Running })
}

func (d *scripted) Matching(_ context.Context, filters compute.Filters) ([]compute.Node, error) {
	return d.look("matching", filters, func(compute.Node) bool { return true })
}

func (d *scripted) look(what string, filters compute.Filters, wanted func(compute.Node) bool) ([]compute.Node, error) {
	asked := fmt.Sprintf("%s %v", what, filters)
	d.asked = append(d.asked, asked)
	if err := d.fail[asked]; err != nil {
		return nil, err
	}
	var found []compute.Node
	for _, n := range d.nodes {
		matches, err := filters.Match(func(name string) ([]string, bool) {
			switch {
			case name == "zone":
				return []string{n.Zone}, true
			case name == "state":
				return []string{string(n.State)}, true
			case strings.HasPrefix(name, "tag:"):
				value, ok := n.Tags[name[len("tag:"):]]
				return slices.Repeat([]string{value}, map[bool]int{true: 1}[ok]), true
			}
			return nil, false
		})
		if err != nil {
			return nil, err
		}
		if matches && wanted(n) {
			found = append(found, n)
		}
	}
	return found, nil
}

// fleet returns running nodes of two zones, in no order, with one that is
// stopped.
func fleet() []compute.Node {
	return []compute.Node{
		{ID: "i-5", Name: "e", State: compute.Running, Zone: "b", Tags: map[string]string{"domain": "pay"}},
		{ID: "i-1", Name: "a", State: compute.Running, Zone: "a"},
		{ID: "i-3", Name: "c", State: compute.Running, Zone: "a", Tags: map[string]string{"domain": "shop"}},
		{ID: "i-2", Name: "b", State: compute.Running, Zone: "b", Private: []string{"10.0.0.2"}},
		{ID: "i-4", Name: "d", State: compute.Stopped, Zone: "b"},
	}
}

// of returns a targeting with one provider, "cloud", whose driver it is, and one
// that can't be opened, "bare".
func of(d compute.Driver) Targeting {
	return Targeting{
		Default:    "cloud",
		Regionless: []string{"bare"},
		Providers: compute.Providers{
			"cloud": func(context.Context, compute.Options) (compute.Driver, error) { return d, nil },
			"bare": func(context.Context, compute.Options) (compute.Driver, error) {
				return nil, &compute.Error{Kind: compute.ErrUnconfigured, Operation: "bare", Message: "nothing is set", Remedy: "set BARE"}
			},
		},
	}
}
