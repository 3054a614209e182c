package schema

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// The limits of a schema. Finding its parts costs the library the square of their
// number, and of their depth: here some tenths of a second at worst, where a
// descriptor's mebibyte could cost it a minute.
const (
	maxParts = 5000 // objects and lists, at any depth
	maxDepth = 100
)

// checkExtent refuses a schema that takes too long to compile.
func checkExtent(tree any) error {
	parts := 0
	var walk func(part any, depth int) error
	walk = func(part any, depth int) error {
		var inner iter.Seq[any]
		switch p := part.(type) {
		case map[string]any:
			inner = maps.Values(p)
		case []any:
			inner = slices.Values(p)
		default:
			return nil
		}
		if parts++; parts > maxParts {
			return fmt.Errorf("it has more than %d objects and lists", maxParts)
		}
		if depth > maxDepth {
			return fmt.Errorf("it is nested more than %d deep", maxDepth)
		}
		for p := range inner {
			if err := walk(p, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(tree, 1)
}
