//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mostConnections bounds the connections of each listener.
const mostConnections = 4096

// maxConnections is that, or a third of the files the process may have open: the
// rest is for plugins and the store.
func maxConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return mostConnections
	}
	return int(max(16, min(mostConnections, limit.Cur/3)))
}

// mayWriteIn returns why this user can make nothing in a folder.
func mayWriteIn(folder string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	return nil
}
