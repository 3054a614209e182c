package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameAnew renames a file unless there is one of the new name; where the file
// system can't do that in one step, after a look.
func renameAnew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return renameAfterLook(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
