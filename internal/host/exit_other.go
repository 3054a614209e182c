//go:build unix && !linux

package host

import "os"

// exitWatch tells when a process has ended. Here it is reaped for that.
type exitWatch struct {
	proc  *os.Process
	state *os.ProcessState
	err   error
}

func watchExit(proc *os.Process, _ int) *exitWatch { return &exitWatch{proc: proc} }

// wait returns when the process has ended.
func (w *exitWatch) wait() { w.state, w.err = w.proc.Wait() }

// reap returns the end of a process that has ended.
func (w *exitWatch) reap() (*os.ProcessState, error) { return w.state, w.err }
