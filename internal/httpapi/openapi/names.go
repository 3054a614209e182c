package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// names gives out names of components, each once.
type names struct {
	given map[string]bool
	next  map[string]int // the number to try for a name that is taken
}

// namesBeside gives out names that none of the components has.
func namesBeside(components *Object) *names {
	n := &names{given: map[string]bool{}, next: map[string]int{}}
	for _, name := range components.Names() {
		n.given[name] = true
	}
	return n
}

// free is the name given, with a number behind it when it is taken.
func (n *names) free(name string) string {
	free := name
	for n.given[free] {
		n.next[name] = max(n.next[name], 1) + 1
		free = fmt.Sprintf("%s_%d", name, n.next[name])
	}
	n.given[free] = true
	return free
}

// wordOf is a text with only the characters that the name of a component may have.
func wordOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || slices.Contains([]rune("._-"), r) {
			return r
		}
		return '.'
	}, text)
}

// componentRef is where a component is.
func componentRef(name string) string { return "#/components/schemas/" + name }
