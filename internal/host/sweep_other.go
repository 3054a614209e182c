//go:build unix && !linux

package host

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Harden does nothing on this system.
func Harden() error { return nil }

// sweep waits until nothing is left of a reaped child's group, which has been
// sent SIGKILL. Processes that left the group can't be found here.
func (t *tracker) sweep(c *child, bound time.Duration) error {
	deadline := time.Now().Add(bound)
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		if err := syscall.Kill(-c.pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: its process group outlives SIGKILL", c.mark)
		}
		time.Sleep(wait)
	}
}

// peakMemory can't be told of a live process here.
func peakMemory(int) int64 { return 0 }
