//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stateLock keeps other daemons out of a state folder, which belongs to one:
// until it is closed, or the process ends.
type stateLock struct{ *os.File }

// lockState makes the state folder if it is not there, and locks it. The file
// stays behind: removing it would let two daemons lock two files of that name.
func lockState(folder string) (*stateLock, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder (--state-folder): %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, fmt.Errorf("lock the state folder (--state-folder): %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return &stateLock{file}, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = &exitError{exitInUse, fmt.Errorf("the state folder %s belongs to another cmed that runs: "+
			"stop that one, or take another folder with --state-folder", folder)}
	} else {
		err = fmt.Errorf("lock the state folder %s: %w", folder, err)
	}
	return nil, errors.Join(err, file.Close())
}
