package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// diskSize is the size of the small disk, with room for the daemon's reserve.
const diskSize = "48m"

// onSmallDisk plays in a world whose store is on a small disk of its own, if
// this machine lets us mount one.
func onSmallDisk(play func(*player) error) func(*player) error {
	return func(p *player) (err error) {
		w, err := newWorld(filepath.Join(p.dir, "disk"), p.bin)
		if err != nil {
			return err
		}
		disk := filepath.Join(w.dir, "data")
		w.file = filepath.Join(disk, "cme.db")
		if err := os.Mkdir(disk, 0o700); err != nil {
			return fmt.Errorf("make a disk: %w", err)
		}
		if out, err := mount("-t", "tmpfs", "-o", "size="+diskSize, "tmpfs", disk); err != nil {
			p.notes[fmt.Sprintf("not played, since no tmpfs could be mounted (it takes root): %s", out)]++
			return os.RemoveAll(w.dir)
		}
		outer := p.world
		p.world = w
		defer func() {
			err = errors.Join(err, w.close(), unmount(disk))
			if err == nil && len(p.found) == 0 {
				err = os.RemoveAll(w.dir)
			}
			p.world = outer
		}()
		return play(p)
	}
}

func mount(args ...string) (string, error) {
	out, err := exec.Command("mount", args...).CombinedOutput() //nolint:gosec // our own folder
	return strings.TrimSpace(string(out)), err
}

func unmount(folder string) error {
	if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil { //nolint:gosec // our own folder
		return fmt.Errorf("unmount %s: %w: %s", folder, err, out)
	}
	return nil
}

// fill writes a file until the disk is full.
func fill(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is full
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = file.Write(block)
		}
	}
	return nil
}
