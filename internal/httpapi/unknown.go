package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// unknownMembers warns of each member that is not among the known ones, with
// the nearest known name where one is near. In alphabetical order.
func unknownMembers[V any](members map[string]V, known []string, where string) []string {
	var warnings []string
	for name := range members {
		if slices.Contains(known, name) {
			continue
		}
		text := fmt.Sprintf("unknown member %q%s is ignored", name, where)
		if near := nearest.Name(name, known); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		warnings = append(warnings, text)
	}
	slices.Sort(warnings)
	return warnings
}

// refuseMisspelt refuses a member that is another way to write the one that is
// meant to keep harm from being done: to ignore it would do the harm.
func refuseMisspelt[V any](members map[string]V, meant string) error {
	name := misspelt(members, meant)
	if name == "" {
		return nil
	}
	msg := fmt.Sprintf("unknown member %q; %q is what is meant, and nothing was stored", name, meant)
	return invalid("/"+name, msg, msg)
}

// misspelt is the first name, in alphabetical order, that is another way to
// write the one that is meant; "" when there is none.
func misspelt[V any](members map[string]V, meant string) string {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name != meant && strings.EqualFold(bare(name), bare(meant)) {
			return name
		}
	}
	return ""
}

// bare is a name without what only separates its words.
func bare(name string) string { return strings.NewReplacer("_", "", "-", "", " ", "").Replace(name) }
