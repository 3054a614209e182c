package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Backup copies the store at path, which no daemon may have open, to a new file:
// the same that Store.Snapshot makes of one that is at work. It returns the
// instant of the copy. The store is only read, and may be of an older version.
// An error wraps fs.ErrExist when there is a file already; nothing is left then,
// nor when anything else fails.
func Backup(ctx context.Context, path, to string, progress Progress) (at time.Time, err error) {
	o := opening{}
	db, err := o.openToRead(path)
	if err != nil {
		return at, err
	}
	at = utc(time.Now())
	err = newFile(to, func(file *os.File) error {
		err := unlessDamaged(func() error {
			if err := wantWhole(db, o.file); err != nil {
				return err
			}
			return db.View(func(tx *bbolt.Tx) error { return writeCopy(ctx, tx, file, progress) })
		})
		if err != nil {
			return err
		}
		return markCopy(file.Name(), at)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return at, fmt.Errorf("back up the store %s to %s: %w", path, to, err)
	}
	return at, nil
}

// SaveBackup has write put a backup that comes from elsewhere into a new file, as
// Backup does: for its owner only, durable, and with its name only when it is
// complete. An error wraps fs.ErrExist when there is a file already.
func SaveBackup(path string, write func(io.Writer) error) error {
	err := newFile(path, func(file *os.File) error { return write(file) })
	if err != nil {
		return fmt.Errorf("write the backup %s: %w", path, err)
	}
	return nil
}

// newFile has fn write a file that then gets its name, durably. It has none
// before it is complete, and it takes no other file's.
func newFile(path string, fn func(*os.File) error) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	file, err := newCopy(path)
	if err != nil {
		return err
	}
	if err = fn(file); err == nil {
		err = giveName(file, path)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file.Close()
}
