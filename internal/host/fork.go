package host

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
)

// launch is all that is ready for a fork.
type launch struct {
	spawnRequest
	pidfd func() int
	mark  string
	files []*os.File // to close when the child has them
}

// prepare readies the fork of a command. Close the launch after it.
func (h *Host) prepare(cmd command, streams []*os.File) (*launch, error) {
	attr, pidfd := processAttributes()
	attr.Dir, attr.Env, attr.Files = cmd.dir, cmd.env, streams
	l := &launch{
		spawnRequest: spawnRequest{path: cmd.path, args: append([]string{cmd.path}, cmd.args...), attr: attr},
		pidfd:        pidfd, mark: cmd.mark,
	}
	if h.sandboxed() {
		l.room = h.room(cmd)
	}
	err := l.runAs(cmd)
	switch {
	case err != nil:
	case cmd.cage.confined:
		l.rules, err = h.rules(cmd)
	case h.sandboxed():
		l.rules, err = sandboxRules(cmd)
		l.room.heldBy(l.rules)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// runAs has the command run as another user, if it is to. The folder of the
// process becomes the user's. The path to the copy is closed to it, so it is
// executed through a descriptor; the fourth, which a script's interpreter can
// read it by too.
func (l *launch) runAs(cmd command) error {
	user := cmd.cage.user
	if user == nil {
		return nil
	}
	if err := os.Chown(cmd.dir, int(user.UID), int(user.GID)); err != nil {
		return fmt.Errorf("give the run folder to %s: %w", user.User, err)
	}
	if err := os.Chmod(cmd.path, 0o555); err != nil { //nolint:gosec // executable by the user; only root reaches it by its path
		return fmt.Errorf("let %s execute the copy: %w", user.User, err)
	}
	f, err := openPath(cmd.path)
	if err != nil {
		return err
	}
	l.files = append(l.files, f)
	l.path = fmt.Sprintf("/proc/self/fd/%d", len(l.attr.Files))
	l.attr.Files = append(slices.Clip(l.attr.Files), f)
	l.attr.Sys.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID}
	return nil
}

func (l *launch) close() {
	for _, f := range l.files {
		_ = f.Close()
	}
	if l.rules != nil {
		_ = l.rules.Close()
	}
}

// fork starts the child, in a group of its own if there are groups. Where the
// kernel refuses that, it goes without.
func (h *Host) fork(c *child, l *launch) (*os.Process, error) {
	c.group = h.makeGroup(l.mark)
	joinGroup(l.attr, c.group)
	reply, err := h.spawner.start(l.spawnRequest)
	if c.group != nil {
		c.group.Started()
	}
	if err != nil && c.group != nil {
		_, _ = c.group.End() // it is empty
		c.group = nil
		if refusesGroup(err) {
			refusal := err
			joinGroup(l.attr, nil)
			if reply, err = h.spawner.start(l.spawnRequest); err == nil {
				h.log.Warn("a plugin runs without a cgroup", "run", l.mark, "error", refusal)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	c.release, c.sandbox = reply.release, reply.sandbox
	return reply.proc, nil
}

// refusesGroup says whether a fork may have failed because of the cgroup.
func refusesGroup(err error) bool {
	for _, errno := range []syscall.Errno{
		syscall.ENOSYS, syscall.EPERM, syscall.EACCES, syscall.EBUSY, syscall.EOPNOTSUPP, syscall.EINVAL, syscall.ENODEV,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// makeGroup returns nil when there are no groups, or this one can't be made.
func (h *Host) makeGroup(mark string) *cgroup.Group {
	if h.tree == nil {
		return nil
	}
	g, err := h.tree.New(groupName(mark))
	if err != nil {
		h.log.Warn("a plugin runs without a cgroup", "run", mark, "error", err)
		return nil
	}
	return g
}
