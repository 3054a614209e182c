package cmepython

import (
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	for _, c := range []struct {
		rule, text string
		want       []string
	}{
		{"each line is one", "a\nb\r\nc\n", []string{"a", "b", "c"}},
		{"empty ones are left out", "\n\na\n\n", []string{"a"}},
		{"the last needs no end", "a\nb", []string{"a", "b"}},
		{"a long one is broken", long + "yz\nb", []string{long, "yz", "b"}},
		{"one that just fits is not", long + "\nb", []string{long, "b"}},
		{"nothing", "", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var whole, pieces []string
			sayLines(strings.NewReader(c.text), func(line string) { whole = append(whole, line) })
			sayLines(iotest.OneByteReader(strings.NewReader(c.text)), func(line string) { pieces = append(pieces, line) })
			if !slices.Equal(whole, c.want) || !slices.Equal(pieces, c.want) {
				t.Errorf("%d lines at once and %d byte by byte, want %d", len(whole), len(pieces), len(c.want))
			}
		})
	}
}
