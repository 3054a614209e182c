//go:build unix && !linux

package host

import (
	"os"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
)

// processAttributes puts a child in its own group. There is no parent-death
// signal and no pidfd here.
func processAttributes() (*os.ProcAttr, func() int) {
	attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{Setpgid: true}}
	return attr, func() int { return -1 }
}

// joinGroup has nothing to join.
func joinGroup(*os.ProcAttr, *cgroup.Group) {}
