package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// diskFree is how many bytes the file system of a file has left for this user.
func diskFree(file *os.File) (int64, bool) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true //nolint:gosec // no disk is as large
}
