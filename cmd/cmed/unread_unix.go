//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// isUnread says whether what is written to a file has no reader: the other end of a
// pipe or a socket is closed (poll(2): POLLERR and POLLHUP are always told).
func isUnread(file *os.File) bool {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	unread := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}} //nolint:gosec // a descriptor is small
		n, err := unix.Poll(fds, 0)
		unread = err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	})
	return err == nil && unread
}
