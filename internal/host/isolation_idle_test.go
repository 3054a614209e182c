//go:build linux

package host

import (
	"strings"
	"testing"
)

// TestAPatternThatConfinesNothingIsToldOf: a misspelt ref, or an alias, leaves the
// plugin unconfined.
func TestAPatternThatConfinesNothingIsToldOf(t *testing.T) {
	needsLandlock(t)
	cfg := newConfig(t)
	cfg.Confine = []Confinement{{Ref: "od:*"}}
	log := &logged{}
	cfg.Logger = log.logger()
	install(t, cfg.AttacksDir, "odd", "")
	open(t, cfg)
	if !strings.Contains(log.String(), "od:*") {
		t.Errorf("odd:Odd runs unconfined and nothing says so: %s", log)
	}
}
