package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// leaf is the group the daemon moves itself into when it has to: processes and
// controllers for children exclude each other.
const leaf = "daemon"

// Find returns the path of the cgroup that was delegated to this process: its
// own, or the one above if it is in a group that it made for itself, or in that
// of a unit's helper commands. The error says why there is none.
func Find() (string, error) {
	own, err := ownGroup()
	if err != nil {
		return "", err
	}
	dir := own
	if base := filepath.Base(own); base == leaf || base == ".control" {
		dir = filepath.Dir(own) // systemd puts ExecStopPost= into .control
	}
	if !delegated(dir) {
		return "", fmt.Errorf("%s is not delegated (systemd: Delegate=yes)", dir)
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return "", fmt.Errorf("%s can't be written to: %w", dir, err)
	}
	return dir, nil
}

// delegated says whether whoever manages the cgroup has marked it as ours to
// use, as systemd does (its CGROUP_DELEGATION.md).
func delegated(dir string) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		n, err := unix.Getxattr(dir, name, value[:])
		if err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// ownGroup returns the folder of this process's cgroup.
func ownGroup() (string, error) {
	path, err := groupOf("self")
	if err != nil {
		return "", err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("find cgroup2: %w", err)
	}
	for line := range strings.Lines(string(mounts)) {
		root, point, ok := readMount(line)
		if !ok {
			continue
		}
		rel, err := filepath.Rel(root, path)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.Join(point, rel), nil
		}
	}
	return "", errors.New("no cgroup2 is mounted")
}

// readMount reads from a line of mountinfo what is mounted where, if it is a
// cgroup2 (proc_pid_mountinfo(5)).
func readMount(line string) (root, point string, ok bool) {
	fields, rest, found := strings.Cut(line, " - ")
	columns := strings.Fields(fields)
	if !found || !strings.HasPrefix(rest, "cgroup2 ") || len(columns) < 5 {
		return "", "", false
	}
	return octal.Replace(columns[3]), octal.Replace(columns[4]), true
}

// octal undoes the kernel's escapes in paths.
var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// groupOf returns the path of a process's cgroup within the hierarchy.
func groupOf(pid string) (string, error) {
	list, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup")) //nolint:gosec // a file of the kernel's
	if err != nil {
		return "", fmt.Errorf("find the cgroup: %w", err)
	}
	for line := range strings.Lines(string(list)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), nil
		}
	}
	return "", errors.New("this system has no cgroup2")
}
