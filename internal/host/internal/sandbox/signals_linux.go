//go:build amd64 || arm64

package sandbox

import (
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
	proc := "/proc/" + strconv.Itoa(target)
	if target == r.process() || r.policy.Mine(target) || !exists(proc) {
		return goOn()
	}
	name, _ := os.ReadFile(proc + "/comm") //nolint:gosec // for people
	return refuse(unix.EPERM, Signal, fmt.Sprintf("%s to %s%s (%d)", signalName(signal), of, strings.TrimSpace(string(name)), target))
}

func signalName(s unix.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprint("signal ", int(s))
}
