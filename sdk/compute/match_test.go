package compute

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"**", "", true},
		{"web-*", "web-", true},
		{"web-*", "web-1", true},
		{"web-*", "aweb-1", false},
		{"*-web", "a-web", true},
		{"*-web", "a-web-", false},
		{"*a*b", "aab", true},
		{"*a*b", "ba", false},
		{"*ab", "aaab", true},
		{"a*b*c", "a-b-b-c", true},
		{"?", "", false},
		{"?", "é", true},
		{"??", "é", false},
		{"?", "\xff", true},
		{"eu-west-1?", "eu-west-1a", true},
		{"eu-west-1?", "eu-west-1", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\?`, "?", true},
		{`\?`, "a", false},
		{`\\`, `\`, true},
		{`\\*`, `\anything`, true},
		{`\`, `\`, true},
		{`a\`, `a\`, true},
		{`a\`, "a", false},
		{`a\b`, "ab", true},
		{`*\*`, "a*", true},
		{`*\*`, "a", false},
		{"[a]", "a", false},
		{"[a]", "[a]", true},
		{"é*", "étoile", true},
		{"*é", "café", true},
	} {
		if got := (Values{c.pattern}).Match(c.text); got != c.want {
			t.Errorf("%q matches %q: %t", c.pattern, c.text, got)
		}
	}
}

func TestAPatternCanNotBurnTime(t *testing.T) {
	pattern, text := strings.Repeat("a*", 200)+"b", strings.Repeat("a", 20_000)
	if (Values{pattern}).Match(text) { // at worst 400 times 20,000 steps; with backtracking more than there are atoms
		t.Error("it matches")
	}
}

func TestFiltersMatch(t *testing.T) {
	node := map[string][]string{"name": {"web-1"}, "label:app": {"shop"}, "address": {"10.0.0.1", "10.0.0.2"}, "label:none": nil}
	of := func(name string) ([]string, bool) {
		values, known := node[name]
		return values, known
	}
	for _, c := range []struct {
		name    string
		filters Filters
		want    bool
	}{
		{"no filters match every node", nil, true},
		{"one value of several is enough", Filters{"name": {"db-*", "web-*"}}, true},
		{"one of the node's values is enough", Filters{"address": {"10.0.0.2"}}, true},
		{"every name must match", Filters{"name": {"web-*"}, "label:app": {"bank"}}, false},
		{"all names do", Filters{"name": {"web-*"}, "label:app": {"s??p"}}, true},
		{"a node without the value doesn't match even anything", Filters{"label:none": {"*"}}, false},
		{"no value at all matches nothing", Filters{"name": nil}, false},
	} {
		if got, err := c.filters.Match(of); got != c.want || err != nil {
			t.Errorf("%s: %t, %v", c.name, got, err)
		}
	}
}

func TestAnUnknownFilterIsRefusedEvenWhenAnotherDoesNotMatch(t *testing.T) {
	_, err := Filters{"a": {"1"}, "z": {"1"}}.Match(func(name string) ([]string, bool) { return nil, name == "a" })
	if !errors.Is(err, ErrBadFilter) || err.Error() != `bad filter: there is no filter "z"` {
		t.Error(err)
	}
}

// FuzzPattern compares with what regexp makes of the same pattern.
func FuzzPattern(f *testing.F) {
	for _, c := range [][2]string{{"a*b?", "a--bc"}, {`\*\\*`, `*\x`}, {"*é?", "éé"}, {"**a", "a"}, {`\`, `\`}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) || len(pattern)+len(text) > 300 {
			return
		}
		if got, want := matches(pattern, text), asRegexp(pattern).MatchString(text); got != want {
			t.Errorf("%q matches %q: %t", pattern, text, got)
		}
	})
}

func asRegexp(pattern string) *regexp.Regexp {
	var b strings.Builder
	escaped := false
	for i, r := range pattern {
		switch {
		case !escaped && r == '\\' && i+1 < len(pattern):
			escaped = true
			continue
		case !escaped && r == '*':
			b.WriteString(`.*`)
		case !escaped && r == '?':
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		escaped = false
	}
	return regexp.MustCompile(`(?s)\A` + b.String() + `\z`)
}
