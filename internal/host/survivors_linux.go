package host

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
)

// survivors returns the command lines of processes that live on in the child's
// group, unless that was killed, or in its cgroup, or with its mark.
func (c *child) survivors() []string {
	pids, err := processes()
	if err != nil {
		return nil
	}
	var inGroup []int
	if c.group != nil {
		inGroup, _ = c.group.Processes() // those of the group that can be told are enough
	}
	var left []string
	for _, pid := range pids {
		state, group := processState(pid)
		member := group == c.pid
		if pid == c.pid || state == 0 || state == 'Z' || state == 'X' || member && c.killed.Load() {
			continue
		}
		if member || slices.Contains(inGroup, pid) || marked(pid, c.mark) {
			left = append(left, commandLine(pid))
		}
	}
	return left
}

// commandLine is how a process was called, for people.
func commandLine(pid int) string {
	proc := "/proc/" + strconv.Itoa(pid) + "/"
	line, err := os.ReadFile(proc + "cmdline") //nolint:gosec // of a process that was found
	if err != nil || len(line) == 0 {
		line, _ = os.ReadFile(proc + "comm") //nolint:gosec // it may be gone
	}
	line = bytes.ReplaceAll(bytes.TrimRight(line, "\x00\n"), []byte{0}, []byte{' '})
	return cut(strings.TrimSpace(string(line)), maxShort)
}
