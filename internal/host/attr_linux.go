package host

import (
	"os"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
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

// joinGroup has a process born into a group (clone3(2), CLONE_INTO_CGROUP);
// into the host's own with nil.
func joinGroup(attr *os.ProcAttr, g *cgroup.Group) {
	attr.Sys.UseCgroupFD = g != nil
	if g != nil {
		attr.Sys.CgroupFD = g.FD()
	}
}
