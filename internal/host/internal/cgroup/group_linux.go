package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Group is the cgroup of one process and all that descends from it.
type Group struct {
	dir string
	// path is the end of its path in the hierarchy.
	path string
	file *os.File
}

// New makes a group, bounded as the tree is, and opens it for a process to be
// born into.
func (t *Tree) New(name string) (*Group, error) {
	g := t.Group(name)
	if err := os.Mkdir(g.dir, 0o755); err != nil { //nolint:gosec // who is in it is no secret
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	err := g.limit(t.limits)
	if err == nil {
		g.file, err = os.Open(g.dir)
	}
	if err != nil {
		_ = os.Remove(g.dir)
		return nil, err
	}
	return g, nil
}

func (g *Group) limit(l Limits) error {
	if l.Processes > 0 {
		if err := write(g.dir, "pids.max", strconv.Itoa(l.Processes)); err != nil {
			return err
		}
	}
	if l.Memory <= 0 {
		return nil
	}
	if err := write(g.dir, "memory.max", strconv.FormatInt(l.Memory, 10)); err != nil {
		return err
	}
	// Where there is swap accounting, the bound is on both. And who is over it
	// ends as a whole rather than losing some process.
	_ = write(g.dir, "memory.swap.max", "0")
	_ = write(g.dir, "memory.oom.group", "1")
	return nil
}

// FD is what a process is cloned into, until Started.
func (g *Group) FD() int { return int(g.file.Fd()) }

// Started says that the process is there, or will not be.
func (g *Group) Started() { _ = g.file.Close() }

// End removes the group. While something still lives in it, or was beneath it, it
// sends SIGKILL to all of that and returns false.
func (g *Group) End() (gone bool, err error) {
	if gone, err = removed(unix.Rmdir(g.dir)); gone || err != nil {
		return gone, err
	}
	// First of all: what lives makes groups as fast as they are removed.
	if err := write(g.dir, "cgroup.kill", "1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	_, err = removed(remove(g.dir)) // with what it made beneath; the next call tells
	return false, err
}

// removed reads the error of removing a group: it is gone, or something lives in
// it.
func removed(err error) (gone bool, _ error) {
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return true, nil
	case errors.Is(err, unix.EBUSY):
		return false, nil
	}
	return false, fmt.Errorf("remove a cgroup: %w", err)
}

// remove removes a cgroup with those that its processes made beneath it.
func remove(dir string) error {
	err := unix.Rmdir(dir)
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	entries, listErr := os.ReadDir(dir)
	if listErr != nil {
		return listErr
	}
	for _, e := range entries {
		if e.IsDir() {
			err := remove(filepath.Join(dir, e.Name()))
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // somebody else has
				return err
			}
		}
	}
	return unix.Rmdir(dir)
}

// Processes returns who lives in the group. One that is gone has nobody.
func (g *Group) Processes() ([]int, error) {
	var pids []int
	err := filepath.WalkDir(g.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			var some []int
			some, err = processes(path)
			pids = append(pids, some...)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return nil
		}
		return err
	})
	return pids, err
}

// Holds says whether a process is in the group.
func (g *Group) Holds(pid int) bool {
	path, err := groupOf(strconv.Itoa(pid))
	return err == nil && strings.Contains(path+"/", g.path+"/")
}
