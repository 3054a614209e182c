package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// The script fills the disk on which the home and the path are.
func TestADiskThatIsFullIsFreedByTheUndo(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	server := sshtest.Start(t, sshtest.Options{Env: []string{"HOME=" + disk, "PATH=" + os.Getenv("PATH")}})
	w := newWorld(t, server.Access)
	w.remote = disk + "/script"
	w.script("main.sh", "dd if=/dev/zero of="+disk+"/harm bs=4096 2>/dev/null; true")
	w.script("undo.sh", "rm "+disk+"/harm")
	args := w.args(`{"undo_script": "undo.sh"}`)
	d := newFakeDaemon()
	err := w.attack.run(t.Context(), args, d)
	outcome, undoErr := w.undo(d, args)
	if _, statErr := os.Stat(disk + "/harm"); !os.IsNotExist(statErr) || outcome != sdk.Undone || undoErr != nil {
		t.Errorf("the run ended with %v, the undo with %q, %v; the harm: %v", err, outcome, undoErr, statErr)
	}
}
