//go:build unix && !linux

package host

import (
	"os"
	"syscall"
)

// processAttributes puts a child in its own group. There is no parent-death
// signal and no pidfd here.
func processAttributes() (*os.ProcAttr, func() int) {
	attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{Setpgid: true}}
	return attr, func() int { return -1 }
}
