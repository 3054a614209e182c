package plugincheck

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// A check works in a folder of its own, below that for temporary files. As long as
// it does, it holds a lock in there.
const (
	folderPrefix = "cmed-check-"
	lockName     = "lock"
)

// beginning is how long a folder may be there before its lock is held, forgotten
// how long one without a lock may be somebody's.
const (
	beginning = time.Minute
	forgotten = 24 * time.Hour
)

// makeFolder makes the folder of a check. It is in use until the file is closed, or
// this process ends.
func makeFolder() (path string, lock *os.File, err error) {
	if path, err = os.MkdirTemp("", folderPrefix+"*"); err != nil {
		return "", nil, fmt.Errorf("make a folder for the check: %w", err)
	}
	lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // just made
	if err == nil {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return path, lock, nil
		}
		err = errors.Join(err, lock.Close())
	}
	return "", nil, errors.Join(fmt.Errorf("lock the folder of the check: %w", err), os.RemoveAll(path))
}

// removeAbandoned removes the folders of this user's checks that were killed. One
// that can't be removed is of no concern to the check that is about to be made.
func removeAbandoned(log hclog.Logger) {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), folderPrefix) {
			continue
		}
		path := filepath.Join(os.TempDir(), e.Name())
		if !abandoned(path) {
			continue
		}
		log.Debug("removing the folder of a check that was killed", "folder", path, "error", os.RemoveAll(path))
	}
}

// abandoned says whether a folder is one of this user's checks, and its check is
// gone.
func abandoned(path string) bool {
	folder, err := os.Lstat(path)
	if err != nil || !folder.IsDir() || !own(folder) || time.Since(folder.ModTime()) < beginning {
		return false
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|unix.O_NOFOLLOW, 0) //nolint:gosec // of a folder of one's own
	if err != nil {
		return errors.Is(err, os.ErrNotExist) && time.Since(folder.ModTime()) > forgotten
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	return unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// own says whether a file belongs to the user of this process.
func own(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Geteuid())
}
