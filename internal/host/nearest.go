package host

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// suggestions is how many refs are suggested for an unknown one.
const suggestions = 3

// nearest returns the refs that look most like the one given, if they are like
// it at all: the same module or name, or a few letters apart.
func nearest(ref engine.Ref, offers []engine.Offer) []string {
	type near struct {
		ref      string
		distance int
	}
	wanted := strings.ToLower(string(ref))
	if len(wanted) > 200 {
		return nil
	}
	module, name, _ := strings.Cut(wanted, ":")
	var found []near
	for _, o := range offers {
		have := strings.ToLower(string(o.Ref))
		m, n, _ := strings.Cut(have, ":")
		d := distance(wanted, have)
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

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
