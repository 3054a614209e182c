package main

import (
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestWarningsOfAPluginAreShown(t *testing.T) {
	f := engine.PluginFile{
		Kind: engine.KindAttack, Path: "cme_python", State: engine.PluginReady, Warnings: []string{"old.py: no ref", "new.py:\x1b[2J"},
	}
	var out strings.Builder
	writeTrouble(&out, f)
	const want = "\ncme_python can't offer all it has:\n  warning: old.py: no ref\n  warning: new.py:\uFFFD[2J\n"
	if out.String() != want {
		t.Errorf("shown is %q, want %q", out.String(), want)
	}
	if isBroken(f) {
		t.Error("a plugin that warns is taken for broken")
	}
}
