package wording_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// The right-hand sides are what Python 3 prints.
func TestShow(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "None"},
		{true, "True"},
		{false, "False"},
		{"a", "'a'"},
		{"it's", `"it's"`},
		{`both ' and "`, `'both \' and "'`},
		{"tab\tline\nback\\slash\x00\x1b", `'tab\tline\nback\\slash\x00\x1b'`},
		{"ünïcode", "'ünïcode'"},
		{"http://ann:s3cret@host/x", "'http:…@host/x'"},
		{"http://ann:s3/cr@et@host", "'http:…@host'"},
		{"http://t0ken@host", "'http:…@host'"},
		{"ann:s3cret@host", "'ann:…@host'"},
		{"http://ann:" + strings.Repeat("s3cret", 20) + "@host", "'http:…@host'"},
		{"ann@example.org", "'ann@example.org'"},
		{"12:30", "'12:30'"},
		{json.Number("5"), "5"},
		{json.Number("-0"), "-0"},
		{json.Number("1.50"), "1.5"},
		{json.Number("2.0"), "2.0"},
		{json.Number("1e3"), "1000.0"},
		{json.Number("1E16"), "1e+16"},
		{json.Number("1e15"), "1000000000000000.0"},
		{json.Number("0.00001"), "1e-05"},
		{json.Number("0.0001"), "0.0001"},
		{0.0, "0.0"},
		{[]any{}, "[]"},
		{map[string]any{}, "{}"},
		{[]any{1}, "[…]"},
		{map[string]any{"a": 1}, "{…}"},
		{strings.Repeat("é", 61), "'" + strings.Repeat("é", 60) + "…'"},
		{json.Number(strings.Repeat("1", 61)), strings.Repeat("1", 60) + "…"},
	} {
		if got := wording.Show(c.value); got != c.want {
			t.Errorf("Show(%#v) = %s, want %s", c.value, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"endpoint", "method", "payload", "headers", "url"}
	for name, want := range map[string]string{
		"endpont": "endpoint", "Method": "method", "pay_load": "payload", "header": "headers", "uri": "url",
		"colour": "", "x": "", strings.Repeat("x", 100): "",
	} {
		if got := wording.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestListsAreCut(t *testing.T) {
	allowed := make([]any, 30)
	for i := range allowed {
		allowed[i] = true
	}
	got := wording.Keyword("enum", map[string]any{"enum": allowed}, "5")
	if want := "5 is not one of " + strings.Repeat("True, ", 20) + "…"; got != want {
		t.Errorf("got %s", got)
	}
}
