package host

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// suggestions is how many refs are suggested for an unknown one.
const suggestions = 3

// nearestRefs returns the refs that look most like the one given, if they are like
// it at all: the same module or name, or a few letters apart.
func nearestRefs(ref engine.Ref, offers []engine.Offer) []string {
	type near struct {
		ref      string
		distance int
	}
	wanted := strings.ToLower(string(ref))
	module, name, _ := strings.Cut(wanted, ":")
	var found []near
	for _, o := range offers {
		have := strings.ToLower(string(o.Ref))
		m, n, _ := strings.Cut(have, ":")
		d := nearest.Distance(wanted, have)
		if d <= max(2, len(wanted)/3) || m == module || n == name {
			found = append(found, near{string(o.Ref), d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
	var refs []string
	for _, n := range found[:min(len(found), suggestions)] {
		refs = append(refs, n.ref)
	}
	return refs
}
