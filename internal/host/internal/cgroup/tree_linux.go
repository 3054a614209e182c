package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tree is a cgroup whose children are groups of one process each.
type Tree struct {
	parent, dir string
	limits      Limits // of those that can be enforced
	active      []string
}

// Open makes the cgroup name beneath parent, or takes it over from a daemon
// before. The error says what is missing.
func Open(parent, name string) (*Tree, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(parent, &st); err != nil {
		return nil, fmt.Errorf("look at %s: %w", parent, err)
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("%s is not a cgroup of version 2", parent)
	}
	t := &Tree{parent: parent, dir: filepath.Join(parent, name)}
	if err := os.Mkdir(t.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // who is in it is no secret
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	if _, err := os.Stat(filepath.Join(t.dir, "cgroup.kill")); err != nil {
		_ = os.Remove(t.dir)
		return nil, errors.New("its processes can't be killed together (since Linux 5.14)")
	}
	t.active = []string{"kill"}
	return t, nil
}

// Limit has each group made from now on bounded. What can't be enforced is left
// out; the error names it and says why.
func (t *Tree) Limit(l Limits) error {
	var missing error
	for _, c := range []struct {
		name   string
		wanted bool
		set    func()
	}{
		{"memory", l.Memory > 0, func() { t.limits.Memory = l.Memory }},
		{"pids", l.Processes > 0, func() { t.limits.Processes = l.Processes }},
	} {
		if !c.wanted {
			continue
		}
		if err := t.enable(c.name); err != nil {
			missing = errors.Join(missing, fmt.Errorf("no limit of %s: %w", c.name, err))
			continue
		}
		c.set()
		t.active = append(t.active, c.name)
	}
	return missing
}

// enable makes a controller available to the groups.
func (t *Tree) enable(controller string) error {
	if !lists(t.parent, "cgroup.controllers", controller) {
		return fmt.Errorf("%s has no such controller", t.parent)
	}
	if !lists(t.parent, "cgroup.subtree_control", controller) {
		if err := t.leave(); err != nil {
			return err
		}
		if err := write(t.parent, "cgroup.subtree_control", "+"+controller); err != nil {
			return err
		}
	}
	return write(t.dir, "cgroup.subtree_control", "+"+controller)
}

// leave moves this process out of the parent, if it is in there: a cgroup whose
// children have controllers can't have processes of its own. It must be alone
// there: others are not ours to move.
func (t *Tree) leave() error {
	pids, err := processes(t.parent)
	if err != nil || !slices.Contains(pids, os.Getpid()) {
		return err
	}
	if len(pids) > 1 {
		return fmt.Errorf("%s has other processes than this", t.parent)
	}
	dir := filepath.Join(t.parent, leaf)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as above
		return fmt.Errorf("make a cgroup: %w", err)
	}
	return write(dir, "cgroup.procs", strconv.Itoa(os.Getpid()))
}

// Groups returns the names of the groups there are.
func (t *Tree) Groups() ([]string, error) {
	entries, err := os.ReadDir(t.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list cgroups: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Group returns a group that may have been there before.
func (t *Tree) Group(name string) *Group {
	return &Group{dir: filepath.Join(t.dir, name), path: filepath.Join("/", filepath.Base(t.dir), name)}
}

// Active names what the tree does for its groups: "kill", "memory", "pids".
func (t *Tree) Active() []string { return slices.Clone(t.active) }

// Close removes the tree. The error tells when there still are groups.
func (t *Tree) Close() error {
	if err := os.Remove(t.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a cgroup: %w", err)
	}
	return nil
}

// lists says whether a file of words has this one.
func lists(dir, file, word string) bool {
	text, err := os.ReadFile(filepath.Join(dir, file)) //nolint:gosec // a file of the kernel's
	return err == nil && slices.Contains(strings.Fields(string(text)), word)
}

// write sets a file of a cgroup.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0) //nolint:gosec // a file of the kernel's
	if err != nil {
		return fmt.Errorf("set %s: %w", file, err)
	}
	_, err = f.WriteString(value)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("set %s: %w", file, err)
	}
	return nil
}

// processes returns who is in a cgroup, not in those beneath it.
func processes(dir string) ([]int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")) //nolint:gosec // a file of the kernel's
	if err != nil {
		return nil, fmt.Errorf("list the processes of a cgroup: %w", err)
	}
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		if n, err := strconv.Atoi(field); err == nil && n > 0 {
			pids = append(pids, n)
		}
	}
	return pids, nil
}
