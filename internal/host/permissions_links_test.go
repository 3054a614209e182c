//go:build linux

package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// TestALinkOnTheWayIsJudgedByWhereItIs: a link in another's folder decides what
// root executes.
func TestALinkOnTheWayIsJudgedByWhereItIs(t *testing.T) {
	asRoot(t)
	const other = 12345
	for _, test := range []string{"a file", "the folder"} {
		t.Run(test, func(t *testing.T) {
			cfg := newConfig(t)
			theirs, good := t.TempDir(), t.TempDir()
			install(t, good, "odd", "")
			hop := filepath.Join(theirs, "hop")
			switch test {
			case "a file":
				link(t, filepath.Join(good, "odd"), hop)
				link(t, hop, filepath.Join(cfg.AttacksDir, "odd"))
			default:
				link(t, good, hop)
				if err := os.RemoveAll(cfg.AttacksDir); err != nil {
					t.Fatal(err)
				}
				link(t, hop, cfg.AttacksDir)
			}
			change(t, theirs, 0o755, other, other)
			b := open(t, cfg)
			f, _ := b.plugin(engine.KindAttack, "odd")
			if f.State != engine.PluginBroken || f.Error.Stage != "permissions" {
				t.Errorf("user %d can make %s lead to any program of root's, which then is executed: %+v, %+v", other, hop, f, f.Error)
			}
		})
	}
}
