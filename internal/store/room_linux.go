package store

import (
	"errors"
	"os"
	"syscall"
)

// allocate gives the file its place on the disk between two offsets, and at
// least the length of the second. What is there already stays.
func allocate(file *os.File, from, to int64) error {
	err := fallocate(file, 0, from, to-from)
	if errors.Is(err, errors.ErrUnsupported) {
		return lengthen(file, to)
	}
	return err
}

// promise gives the file a place on the disk for its first bytes, and leaves its
// length as it is.
func promise(file *os.File, length int64) error {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE, see fallocate(2)
	err := fallocate(file, keepSize, 0, length)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func fallocate(file *os.File, mode uint32, offset, length int64) error {
	for {
		err := syscall.Fallocate(int(file.Fd()), mode, offset, length)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
