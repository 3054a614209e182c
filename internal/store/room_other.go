//go:build !linux

package store

import "os"

// allocate gives the file at least the length of the second offset: how to have
// it placed on the disk, too, differs from system to system.
func allocate(file *os.File, _, to int64) error { return lengthen(file, to) }

// promise does nothing, for the same reason.
func promise(*os.File, int64) error { return nil }
