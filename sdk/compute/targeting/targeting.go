// Package targeting is the part that all attacks on nodes have in common: the
// args that say whom to hit, and what becomes of them: a driver, a list of
// candidates, a choice, and the record of it all. An attack embeds Args in its
// own args, asks Check when a plan is made, and calls Pick in both its Run and
// its Targets, so that a dry run lists whom the run will hit.
package targeting

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Targeting is what an attack is built with.
type Targeting struct {
	Providers compute.Providers
	// Default is the provider of args that name none.
	Default string
	// Regionless are the names of those providers that have no regions.
	Regionless []string
	// Only, if it isn't empty, is the state that candidates must be in, whatever
	// the filters say.
	Only compute.State
	// Log is handed to the driver; nil: nothing is logged.
	Log *slog.Logger
}

// Picked is a choice, with all that led to it.
type Picked struct {
	Driver     compute.Driver
	Provider   string
	Region     string // that the driver sees; empty where there are no regions
	Seed       int64
	Candidates []compute.Node // that matched the filters and are not excluded; nil: never listed
	Excluded   []compute.Node // that matched the filters and are excluded
	Chosen     []compute.Node // ordered by id; empty only with AllowEmpty
	// Empty says why nobody is chosen, where that is allowed.
	Empty string
}

// Open makes a driver of the provider that the args name.
func (t Targeting) Open(ctx context.Context, args Args) (compute.Driver, error) {
	return t.Providers.Open(ctx, t.provider(args), compute.Options{Region: args.Region, Log: t.Log})
}

func (t Targeting) provider(args Args) string { return cmp.Or(args.Provider, t.Default) }

// Pick lists, excludes and chooses, drawing from r, which was made with the seed
// on record and from which nothing was drawn before. An empty choice is
// compute.ErrWouldBeEmpty, with the filters in its text, unless AllowEmpty. What
// was found comes back also with an error about the choice, so that a failed run
// records its candidates.
func (t Targeting) Pick(ctx context.Context, args Args, seed int64, r *rand.Rand) (Picked, error) {
	picked := Picked{Provider: t.provider(args), Region: args.Region, Seed: seed}
	if err := t.Check(args); err != nil {
		return picked, err
	}
	var err error
	if picked.Driver, err = t.Open(ctx, args); err != nil {
		return picked, err
	}
	if regional, ok := picked.Driver.(compute.Regional); ok {
		picked.Region = regional.Region()
	}
	found, err := picked.Driver.List(ctx, args.Filters)
	if err != nil {
		return picked, fmt.Errorf("list the candidates: %w", err)
	}
	if t.Only != "" {
		found = slices.DeleteFunc(found, func(n compute.Node) bool { return n.State != t.Only })
	}
	// The excluded are read after the candidates: what has come to be excluded
	// meanwhile is spared.
	excluded, err := t.excludedBy(ctx, picked.Driver, args.Excluded)
	if err != nil {
		return picked, err
	}
	picked.Candidates = []compute.Node{}
	compute.SortByID(found)
	for _, node := range found {
		if excluded[node.ID] {
			picked.Excluded = append(picked.Excluded, node)
		} else {
			picked.Candidates = append(picked.Candidates, node)
		}
	}
	picked.Chosen, err = args.rule().Choose(found, excluded, r)
	if err != nil {
		return t.refused(picked, args, err)
	}
	return picked, nil
}

// excludedBy returns the ids of the nodes that match any one of the filters,
// each asked for alone. A filter that no node matches is warned of: it may be
// misspelt, and spares nobody.
func (t Targeting) excludedBy(ctx context.Context, driver compute.Driver, filters compute.Filters) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		nodes, err := driver.Matching(ctx, compute.Filters{name: filters[name]})
		if err != nil {
			return nil, fmt.Errorf("list the nodes excluded by %q: %w", name, err)
		}
		if len(nodes) == 0 && t.Log != nil {
			t.Log.Warn("a filter in excluded matches no node at all, so it spares nobody", "filter", name, "values", filters[name])
		}
		for _, node := range nodes {
			ids[node.ID] = true
		}
	}
	return ids, nil
}

// maxFiltersShown bounds the filters in the text of an error, in bytes.
const maxFiltersShown = 1 << 10

// refused says more about a choice that could not be made, and lets an empty one
// pass where that is allowed.
func (t Targeting) refused(p Picked, args Args, err error) (Picked, error) {
	if !errors.Is(err, compute.ErrWouldBeEmpty) {
		return p, err
	}
	filters := "no filters"
	if len(args.Filters) > 0 {
		doc, failed := json.Marshal(args.Filters)
		if failed != nil {
			return p, errors.Join(err, failed)
		}
		filters = "the filters " + shortened(string(doc), maxFiltersShown)
	}
	where := p.Provider
	if p.Region != "" {
		where += " in " + p.Region
	}
	states := "only running ones, unless these say otherwise"
	if t.Only != "" {
		states = "only " + string(t.Only) + " ones"
	}
	err = fmt.Errorf("%w; %d nodes of %s match %s (%s), and %d of them are excluded",
		err, len(p.Candidates)+len(p.Excluded), where, filters, states, len(p.Excluded))
	if args.AllowEmpty {
		p.Empty = err.Error()
		return p, nil
	}
	return p, fmt.Errorf("%w; with allow_empty that is a success", err)
}
