package nearest_test

import (
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

func TestZone(t *testing.T) {
	for name, want := range map[string]string{
		"New York": "America/New_York", "new_york": "America/New_York", "europe/madrid": "Europe/Madrid", " Madrid ": "Europe/Madrid",
		"utc": "UTC", "Buenos Aires": "America/Buenos_Aires", "TOKYO": "Asia/Tokyo",
		"": "", " ": "", "Local": "", "local": "", "Atlantis": "", "../../etc/passwd": "", "/etc/localtime": "", "\xff": "",
		strings.Repeat("Madrid", 100): "",
	} {
		if got := nearest.Zone(name); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}
