package httpapi

import (
	"fmt"
	"slices"
	"strings"
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
		if near := nearest(name, known); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		warnings = append(warnings, text)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest returns the known name that a typing error makes of name, or "".
func nearest(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", len(name)/3+2 // the edits that still count as one name
	if len(name) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to make b of a
// (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
