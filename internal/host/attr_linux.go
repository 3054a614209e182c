package host

import (
	"os"
	"syscall"
)

// processAttributes puts a child in its own group and has the kernel send it
// SIGTERM, never SIGKILL, when the host dies: it may still undo. The function
// returned gives the child's pidfd after the start, -1 when there is none.
func processAttributes() (*os.ProcAttr, func() int) {
	pidfd := -1
	attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{
		Setpgid:   true,
		Pdeathsig: syscall.SIGTERM,
		PidFD:     &pidfd,
	}}
	return attr, func() int { return pidfd }
}
