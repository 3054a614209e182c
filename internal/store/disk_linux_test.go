package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// disk is a small file system that can be filled.
type disk struct {
	*testing.T
	path string
}

// smallDisk mounts one of so many MiB in memory.
func smallDisk(t *testing.T, mib int) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	d.mount("-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0700", mib), "tmpfs")
	return d
}

// smallExt4 is smallDisk with a file system as servers have it.
func smallExt4(t *testing.T, mib int) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	image := filepath.Join(t.TempDir(), "image")
	wantNoError(t, os.WriteFile(image, nil, 0o600))
	wantNoError(t, os.Truncate(image, int64(mib)<<20))
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-F", "-m", "0", image).CombinedOutput(); err != nil {
		t.Skipf("an ext4 can't be made (apt-get install e2fsprogs): %v %s", err, out)
	}
	d.mount("-o", "loop", image)
	return d
}

// mount runs mount(8), and umount(8) when the test ends.
func (d *disk) mount(args ...string) {
	d.Helper()
	if out, err := exec.CommandContext(d.Context(), "mount", append(args, d.path)...).CombinedOutput(); err != nil {
		d.Skipf("a full disk can't be tried: mounting one needs root and its capabilities: %v %s", err, out)
	}
	d.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "umount", d.path).CombinedOutput(); err != nil {
			d.Errorf("umount: %v %s", err, out)
		}
	})
}

func (d *disk) database() string { return filepath.Join(d.path, "cme.db") }

func (d *disk) filler() string { return filepath.Join(d.path, "filler") }

// fill leaves not a page free.
func (d *disk) fill() {
	d.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	wantNoError(d, err)
	page := make([]byte, os.Getpagesize())
	for written := 1; written > 0; { // a sync may show that a little is left
		written = 0
		for err = nil; err == nil; written++ {
			_, err = f.Write(page)
		}
		written--
		if !errors.Is(err, syscall.ENOSPC) {
			d.Fatal(err)
		}
		wantNoError(d, f.Sync())
	}
	wantNoError(d, f.Close())
}

func (d *disk) empty() {
	d.Helper()
	wantNoError(d, os.Remove(d.filler()))
}
