//go:build linux

package host

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
)

// TestAStateFolderThatOthersCanWriteIsRefusedByRoot: what root executes is not the
// plugin file but its copy in there, whose content nobody checks again.
func TestAStateFolderThatOthersCanWriteIsRefusedByRoot(t *testing.T) {
	asRoot(t)
	for name, spoil := range map[string]func(state string){
		"all can write to it": func(state string) { change(t, state, 0o777, 0, 0) },
		"it is another's":     func(state string) { change(t, state, 0o755, 12345, 12345) },
		"another made the folder of copies": func(state string) {
			if err := os.Mkdir(filepath.Join(state, "plugins"), 0o755); err != nil {
				t.Fatal(err)
			}
			change(t, filepath.Join(state, "plugins"), 0o755, 12345, 12345)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t)
			cfg.StateDir = t.TempDir()
			spoil(cfg.StateDir)
			h, err := New(cfg)
			if err == nil {
				_ = h.Close()
				t.Error("it is used: another user decides what root executes")
			}
		})
	}
}

// Root is told whose it is, and how to go on.
func TestRootIsToldWhoseTheStateFolderIs(t *testing.T) {
	asRoot(t)
	other, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no user nobody here")
	}
	uid, err := strconv.Atoi(other.Uid)
	if err != nil {
		t.Fatal(err)
	}
	cfg := newConfig(t)
	cfg.StateDir = t.TempDir()
	change(t, cfg.StateDir, 0o700, uid, 0)
	_, err = New(cfg)
	want := "host: root does not use the state folder " + cfg.StateDir +
		": it belongs to nobody; run it as that user: runuser -u nobody -- cmed …"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
