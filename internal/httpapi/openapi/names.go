package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// freeName is the name given, with a number behind it when it is taken.
func freeName(name string, taken func(string) bool) string {
	free := name
	for n := 2; taken(free); n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
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
