//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kill lets processes signal each other and themselves. Signal 0 only asks
// whether a process is there.
func (r *request) kill() verdict {
	target, signal := r.number(0), unix.Signal(r.number(1))
	switch {
	case signal == 0 || target == 0:
		return goOn()
	case target == -1:
		return refuse(unix.EPERM, Signal, signalName(signal)+" to every process")
	case target < 0:
		return r.signalling(signal, -target, "the group of ")
	}
	return r.signalling(signal, target, "")
}

func (r *request) killByDescriptor() verdict {
	text, err := os.ReadFile(r.proc("fdinfo/" + strconv.Itoa(r.number(0))))
	if errors.Is(err, os.ErrPermission) {
		return refuse(unix.EPERM, Signal, "a process "+unreadable)
	}
	target, _ := strconv.Atoi(field(string(text), "Pid:"))
	if err != nil || target <= 0 {
		return goOn() // it is no process, or gone
	}
	signal := unix.Signal(r.number(1))
	if signal == 0 {
		return goOn()
	}
	return r.signalling(signal, target, "")
}

func (r *request) signalling(signal unix.Signal, target int, of string) verdict {
	return r.reaching(Signal, signalName(signal)+" to "+of, target)
}

// changes judges a call that changes a process in other ways than by a signal. Its
// number is an argument; 0 is the caller.
func changes(name string, arg int) func(*request) verdict {
	return func(r *request) verdict {
		if target := r.number(arg); target > 0 {
			return r.reaching(System, name+" on ", target)
		}
		return goOn()
	}
}

// ptrace lets a process ask to be traced.
func (r *request) ptrace() verdict {
	if r.number(0) == unix.PTRACE_TRACEME {
		return goOn()
	}
	return changes("ptrace", 1)(r)
}

// prlimit lets limits be read.
func (r *request) prlimit() verdict {
	if r.args[2] == 0 {
		return goOn()
	}
	return changes("prlimit64", 0)(r)
}

// reaching refuses what is done to a process of somebody else's.
func (r *request) reaching(k Kind, what string, target int) verdict {
	proc := "/proc/" + strconv.Itoa(target)
	if target == r.process() || r.policy.Mine(target) || !exists(proc) {
		return goOn()
	}
	name, _ := os.ReadFile(proc + "/comm") //nolint:gosec // for people
	return refuse(unix.EPERM, k, fmt.Sprintf("%s%s (%d)", what, strings.TrimSpace(string(name)), target))
}

func signalName(s unix.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprint("signal ", int(s))
}
