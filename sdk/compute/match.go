package compute

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Match reports whether a node matches, for providers that don't filter by
// themselves. The function returns the values that the node has under a name,
// none if it has none, and whether the provider knows filters of that name. It
// is asked about every name, so a filter that isn't known is ErrBadFilter even
// where another one has already not matched; ask once with no node at all to
// have the names checked when there are no nodes.
//
// No filters match every node. Upper and lower case differ.
func (f Filters) Match(of func(name string) (values []string, known bool)) (bool, error) {
	matches := true
	for _, name := range slices.Sorted(maps.Keys(f)) {
		values, known := of(name)
		if !known {
			return false, fmt.Errorf("%w: there is no filter %q", ErrBadFilter, name)
		}
		matches = matches && slices.ContainsFunc(values, f[name].Match)
	}
	return matches, nil
}

// Match reports whether a text matches at least one of the values.
func (v Values) Match(text string) bool {
	return slices.ContainsFunc(v, func(pattern string) bool { return matches(pattern, text) })
}

// matches reports whether a pattern describes the whole of a text. After a *
// the rest of the pattern is tried at each place of the text in turn, and only
// ever for the last * met: an earlier one could give nothing that the last can't.
// So it takes no more steps than the pattern is long times the text.
func matches(pattern, text string) bool {
	p, t := 0, 0
	star, tried := 0, 0 // where the pattern goes on after the last *, and where in the text that was tried
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, tried = p, t
			continue
		}
		if used, eaten := matchOne(pattern[p:], text[t:]); used > 0 {
			p, t = p+used, t+eaten
			continue
		}
		if star == 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(text[tried:])
		tried += size
		p, t = star, tried
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches the first character of a text with the start of a pattern,
// which is no *. It returns how many bytes of each that took; none if it doesn't
// match.
func matchOne(pattern, text string) (used, eaten int) {
	if pattern == "" {
		return 0, 0
	}
	_, eaten = utf8.DecodeRuneInString(text)
	if pattern[0] == '?' {
		return 1, eaten
	}
	if pattern[0] == '\\' && len(pattern) > 1 {
		pattern, used = pattern[1:], 1
	}
	if !strings.HasPrefix(pattern, text[:eaten]) {
		return 0, 0
	}
	return used + eaten, eaten
}
