package host

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endEscaped ends processes that left a sandbox's call behind and can't be told by
// their group, cgroup or mark any more. Only what was adopted is looked at: they are
// children of ours that nobody waits for, have a filter that we have not, and belong
// to no other call. It returns how they were called, and whether none is left.
func (t *tracker) endEscaped(bound time.Duration) (ended []string, gone bool) {
	if !adopting.Load() {
		return nil, false
	}
	deadline := time.Now().Add(bound)
	h := hunt{tracker: t, since: map[int]time.Time{}, killed: map[int]string{}}
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		left, err := h.look()
		if err == nil && left == 0 || time.Now().After(deadline) {
			for _, command := range h.killed {
				ended = append(ended, command)
			}
			return ended, err == nil && left == 0
		}
		time.Sleep(wait)
	}
}

// hunt is one search for processes that have escaped.
type hunt struct {
	*tracker
	since  map[int]time.Time // when a process was first taken for one that escaped
	killed map[int]string    // how they were called
}

// look kills those that have been without a mark for longer than an exec takes, and
// returns how many are left. When one has ended its children become ours, so that
// counts too.
func (h *hunt) look() (left int, err error) {
	h.forking.Lock()
	defer h.forking.Unlock()
	pids, err := orphans()
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if h.leads(pid) {
			continue
		}
		_, killed := h.killed[pid]
		if reapOrphan(pid) || killed {
			left++
			continue
		}
		if !escaped(pid) {
			delete(h.since, pid)
			continue
		}
		left++
		if h.since[pid].IsZero() {
			h.since[pid] = time.Now()
		} else if time.Since(h.since[pid]) > execBound {
			h.killed[pid] = commandLine(pid)
			_ = unix.Kill(pid, unix.SIGKILL) // it may be gone
		}
	}
	return left, nil
}

// escaped says whether a process is alive, in a sandbox, and has no mark at all. In
// the middle of an exec none has.
func escaped(pid int) bool {
	state, _ := processState(pid)
	if state == 0 || state == 'Z' || state == 'X' || !filtered(pid) {
		return false
	}
	_, ok := brandOf(pid)
	return !ok
}

// filtered says whether a process has a filter of system calls that this one has not:
// in a container both may have one. Before Linux 5.9 they can't be counted.
func filtered(pid int) bool {
	theirs, ours := filters(strconv.Itoa(pid)), filters("self")
	return theirs > ours
}

func filters(process string) int {
	text, _ := os.ReadFile("/proc/" + process + "/status") //nolint:gosec // it is empty of a process that has ended
	status := statusFields(string(text))
	n, err := strconv.Atoi(status["Seccomp_filters"])
	if err != nil && status["Seccomp"] == "2" {
		return 1
	}
	return n
}
