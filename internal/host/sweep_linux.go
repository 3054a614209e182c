package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Harden sets what the daemon's process needs and its threads share: it can't
// be traced or dumped by others of its user (its memory holds secrets), neither
// it nor its plugins leave core files (theirs may hold secrets too), and what
// plugins orphan becomes its own child, so that it can be ended. Call it once,
// before the first Host.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core files: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of orphans: %w", err)
	}
	adopting.Store(true)
	return nil
}

// execBound is how long an exec may take before what is in it is taken for
// somebody else's.
const execBound = 50 * time.Millisecond

// adopting is set when orphans become children of this process. It is a
// property of the process, so it is not a Host's.
var adopting atomic.Bool

// sweep ends what a reaped child left: its process group, which has been sent
// SIGKILL, all in its cgroup, and processes elsewhere that carry its mark. It
// returns when they are gone; an error when some still are after the bound.
func (t *tracker) sweep(c *child, bound time.Duration) error {
	deadline := time.Now().Add(bound)
	settled := time.Now().Add(execBound)
	killed := map[int]bool{}
	for wait := 200 * time.Microsecond; ; wait = min(2*wait, 20*time.Millisecond) {
		empty, err := c.endGroup() // first: it makes orphans for strays to reap
		strays, strayErr := t.strays(c.mark, killed, time.Now().Before(settled))
		// An error, of too many open files for one, may pass.
		err = errors.Join(err, strayErr)
		if err == nil && empty && strays == 0 && errors.Is(unix.Kill(-c.pid, 0), unix.ESRCH) {
			return nil
		}
		if time.Now().After(deadline) {
			if err != nil {
				return err
			}
			return fmt.Errorf("%s: %d of its processes outlive SIGKILL", c.mark, max(strays, 1))
		}
		time.Sleep(wait)
	}
}

// strays kills processes with the mark and reaps orphans that have ended. It
// returns how many with the mark are left. killed keeps, between calls, those
// it has killed: one that is dying has no environment to read any more. Neither
// has one in the middle of an exec; with patience it counts as one that is left.
//
// A process that left its group is found among our own children: when its
// parent dies, the kernel gives it to the nearest subreaper, and there to the
// main thread. That is one small file to read. Without being a subreaper all of
// /proc is searched, which costs about 20 us a process; orphans then are init's
// to reap.
func (t *tracker) strays(mark string, killed map[int]bool, patience bool) (int, error) {
	t.forking.Lock()
	defer t.forking.Unlock()
	adopted := adopting.Load()
	list := processes
	if adopted {
		list = orphans
	}
	pids, err := list()
	if err != nil {
		return 0, err
	}
	left := 0
	for _, pid := range pids {
		if t.leads(pid) {
			continue
		}
		if marked(pid, mark) {
			killed[pid] = true
			_ = unix.Kill(pid, unix.SIGKILL) // it may be gone
		}
		// The children of one that is reaped here have just become ours, and are
		// not on the list: there must be another look.
		ended := adopted && reapOrphan(pid)
		if ended || killed[pid] || patience && adopted && execing(pid) {
			left++
		}
	}
	return left, nil
}

// orphans returns the children of the main thread.
func orphans() ([]int, error) {
	pid := strconv.Itoa(os.Getpid())
	list, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children") //nolint:gosec // our own
	if err != nil {
		return nil, fmt.Errorf("list orphans: %w", err)
	}
	var pids []int
	for field := range strings.FieldsSeq(string(list)) {
		if n, err := strconv.Atoi(field); err == nil {
			pids = append(pids, n)
		}
	}
	return pids, nil
}

// processes returns all processes but this one.
func processes() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close() //nolint:errcheck // only read from
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && n != os.Getpid() {
			pids = append(pids, n)
		}
	}
	return pids, nil
}

// reapOrphan reaps a child of ours that has ended, if it came to us: one that
// we forked ourselves is in our own group, or tracked. It says whether it did.
func reapOrphan(pid int) bool {
	state, group := processState(pid)
	if state != 'Z' || group == unix.Getpgrp() {
		return false
	}
	var ws unix.WaitStatus
	got, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil)
	return err == nil && got == pid
}

// processState reads a process's state letter and group; 0 when it is gone.
func processState(pid int) (state byte, group int) {
	fields := processStat(pid)
	if len(fields) < 3 {
		return 0, 0
	}
	group, _ = strconv.Atoi(string(fields[2]))
	return fields[0][0], group
}

// execing says whether a process is alive and has no place for an environment,
// not even an empty one. That is so in the middle of an exec, when whoever
// forked it knows already that it will succeed.
func execing(pid int) bool {
	const envEnd = 51 - 3 // numbered as in the manual
	fields := processStat(pid)
	return len(fields) > envEnd && fields[0][0] != 'Z' && string(fields[envEnd]) == "0"
}

// processStat returns the fields of a process's stat file, from the third on: its
// state (proc_pid_stat(5)).
func processStat(pid int) [][]byte {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	// The second field, the name in parentheses, may contain anything.
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// marked says whether a process carries exactly this mark.
func marked(pid int, mark string) bool {
	b, ok := brandOf(pid)
	return ok && b.mark == mark
}

// brandOf reads what a process's environment says of it. A process that has
// ended, or is another user's, has none.
func brandOf(pid int) (brand, bool) {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return brand{}, false
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, []byte(pluginv1.EnvRun+"=")); ok {
			return parseBrand(string(value)), true
		}
	}
	return brand{}, false
}

// peakMemory reads a process's high-water mark of resident memory in bytes; 0
// when it can't be read.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}
