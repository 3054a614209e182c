package nearest_test

import (
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

func TestName(t *testing.T) {
	known := []string{"timeout", "timezone", "port"}
	for name, want := range map[string]string{
		"timout": "timeout", "TimeZone": "timezone", "prot": "port", "something": "",
		"": "", strings.Repeat("timeout", 100): "",
	} {
		if got := nearest.Name(name, known); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"kitten", "Sitting", 3}, {"ab", "ba", 2}} {
		if got := nearest.Distance(c.a, c.b); got != c.want || nearest.Distance(c.b, c.a) != got {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
