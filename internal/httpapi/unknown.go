package httpapi

import (
	"fmt"
	"slices"

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
