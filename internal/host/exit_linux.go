package host

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exitWatch tells when a process has ended, without reaping it: until it is
// reaped its number, and that of its group, can't be given to another.
type exitWatch struct {
	proc  *os.Process
	pidfd int
}

func watchExit(proc *os.Process, pidfd int) *exitWatch { return &exitWatch{proc: proc, pidfd: pidfd} }

// reap returns the end of a process that has ended.
func (w *exitWatch) reap() (*os.ProcessState, error) { return w.proc.Wait() }

// wait returns when the process has ended. A pidfd lets the runtime's poller do
// the waiting (pidfd_open(2), since Linux 5.3); without one a thread does.
func (w *exitWatch) wait() {
	if w.pidfd < 0 || unix.SetNonblock(w.pidfd, true) != nil {
		w.block()
		return
	}
	f := os.NewFile(uintptr(w.pidfd), "pidfd")
	defer f.Close() //nolint:errcheck // nothing is written to it
	conn, err := f.SyscallConn()
	if err != nil || conn.Read(func(uintptr) bool { return w.ended(unix.WNOHANG) }) != nil {
		w.block()
	}
}

func (w *exitWatch) block() {
	for !w.ended(0) {
		continue
	}
}

// ended asks the kernel, which waits unless told not to.
func (w *exitWatch) ended(options int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, w.proc.Pid, &info, unix.WEXITED|unix.WNOWAIT|options, nil)
	if errors.Is(err, unix.EINTR) {
		return false
	}
	return err != nil || info.Signo != 0
}
