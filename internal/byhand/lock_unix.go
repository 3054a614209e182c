//go:build unix

package byhand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrInUse is returned for a folder that another process has: a run goes on in it,
// or it is being undone.
var ErrInUse = errors.New("belongs to another cmed that still runs")

// lock keeps other processes out of a folder until the file is closed or this
// process ends.
func lock(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // one of our own
	if err != nil {
		return nil, fmt.Errorf("lock the folder: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return file, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = fmt.Errorf("%s %w", folder, ErrInUse)
	default:
		err = fmt.Errorf("lock %s: %w", folder, err)
	}
	return nil, errors.Join(err, file.Close())
}
