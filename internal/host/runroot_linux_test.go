//go:build linux

package host

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestTheFoldersOfRunsCanNotBeGivenAway: a run that may write to the temporary
// folder must not reach what other runs have there.
func TestTheFoldersOfRunsCanNotBeGivenAway(t *testing.T) {
	asRoot(t)
	cfg := newConfig(t)
	short, err := os.MkdirTemp("/tmp", "t")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	change(t, short, 0o755, 0, 0)
	t.Setenv("TMPDIR", short)
	cfg.RunAs = []Identity{{Ref: "odd:*", User: "12345", UID: 12345, GID: 12345}}
	cfg.Confine = []Confinement{{Ref: "odd:*", Paths: []string{os.TempDir()}}}
	h, err := New(cfg)
	if err == nil {
		_ = os.RemoveAll(h.runRoot)
		_ = h.Close()
		t.Error("the folder with the sockets of all runs is given to one plugin")
	}
}

// TestASocketElsewhereBehindALinkIsRefused: the daemon, which may be root, must
// not be led to connect to what the plugin could not.
func TestASocketElsewhereBehindALinkIsRefused(t *testing.T) {
	elsewhere, own := t.TempDir(), t.TempDir()
	l, err := net.Listen("unix", filepath.Join(elsewhere, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	link := filepath.Join(own, "s")
	if err := os.Symlink(l.Addr().String(), link); err != nil {
		t.Fatal(err)
	}
	r := &runner{dir: own}
	if _, address, err := r.PluginToHost("unix", link); err == nil {
		t.Errorf("it connects to %s, which is %s", address, l.Addr())
	}
}
