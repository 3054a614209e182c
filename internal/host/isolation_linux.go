package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
)

// canChangeUser says whether plugins can run as other users.
func canChangeUser() bool { return os.Geteuid() == 0 }

// openPath opens a file only to execute it.
func openPath(path string) (*os.File, error) {
	f, err := os.OpenFile(path, unix.O_PATH, 0) //nolint:gosec // a copy of our own
	if err != nil {
		return nil, fmt.Errorf("open the copy: %w", err)
	}
	return f, nil
}

// isolationOf names what confines a live child. All that the kernel shows of it
// is read back (proc_pid_status(5), proc_pid_limits(5)); of the rest the fork
// would have failed without it.
func (h *Host) isolationOf(c *child, dir string, k cage) []string {
	proc := "/proc/" + strconv.Itoa(c.pid) + "/"
	text, _ := os.ReadFile(proc + "status") //nolint:gosec // it is empty of a process that has died
	status := statusFields(string(text))
	var names []string
	note := func(holds bool, name string) {
		if holds {
			names = append(names, name)
		}
	}
	_, group := processState(c.pid)
	note(group == c.pid, "process_group")
	note(true, "parent_death_signal")
	note(status["NoNewPrivs"] == "1", "no_new_privs")
	note(dumpsNoCore(proc+"limits"), "no_core_dumps")
	info, err := os.Lstat(dir)
	note(err == nil && info.Mode().Perm() == 0o700, "private_folder")
	note(isTight(status["Umask"]), "umask_077")
	if c.group != nil && c.group.Holds(c.pid) {
		names = append(names, "cgroup:"+strings.Join(h.tree.Active(), ","))
	}
	if k.confined {
		abi, err := landlock.Version()
		note(err == nil, fmt.Sprintf("landlock:abi%d", abi))
	}
	note(h.sandboxed() && status["Seccomp"] == "2", "seccomp")
	if u := k.user; u != nil {
		ids := strings.Fields(status["Uid"])
		id := strconv.FormatUint(uint64(u.UID), 10)
		note(len(ids) == 4 && ids[0] == id && ids[1] == id && ids[2] == id && ids[3] == id, "user:"+u.User)
	}
	return names
}

// isTight reports whether a umask as the kernel shows it keeps files from all
// but their owner.
func isTight(umask string) bool {
	mask, err := strconv.ParseUint(umask, 8, 32)
	return err == nil && mask&0o077 == 0o077
}

// statusFields reads what stands behind the names in a status file.
func statusFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "NoNewPrivs", "Umask", "Uid", "Seccomp", "Seccomp_filters":
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// dumpsNoCore says whether both limits on core files are 0.
func dumpsNoCore(limits string) bool {
	text, err := os.ReadFile(limits) //nolint:gosec // of a child of ours
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), "Max core file size")
	values := strings.Fields(rest)
	return len(values) > 1 && values[0] == "0" && values[1] == "0"
}
