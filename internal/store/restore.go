package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// Restored is what a restoration did.
type Restored struct {
	// Backup is when the copy was made; Marked is false when it is not one that
	// cmed made, and this is when its file was last written to.
	Backup time.Time `json:"backup"`
	Marked bool      `json:"marked"`
	// Kept is where the file is now that was there before; "" when there was none.
	Kept string `json:"kept,omitempty"`
	// Report is what checking the copy found.
	Report *Report `json:"report"`
}

// ErrDamaged is returned for a backup that is not whole.
var ErrDamaged = errors.New("the backup is damaged")

// Restore makes the store at path one with the content of a backup, which may be
// of an older version, and with the lever engaged. The backup is only read, and
// checked first: ErrDamaged, with a Report. An error wraps fs.ErrExist when there
// is a store already, unless force is set: then that file is kept, beside the new
// one. Nothing is changed when anything fails. Neither file may be open in
// another process: ErrInUse.
func Restore(ctx context.Context, backup, path string, force bool, progress Progress) (r Restored, err error) {
	path = resolve(path)
	old, err := lockOld(path, force)
	if err != nil {
		return r, err
	}
	if old != nil {
		defer func() { err = errors.Join(err, old.Close()) }()
	}
	o := opening{}
	db, err := o.openToRead(backup)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := o.notSame(old); err != nil {
		return r, err
	}
	file, err := newCopy(path)
	if err != nil {
		return r, fmt.Errorf("restore the store %s: %w", path, err)
	}
	if err := r.make(ctx, o.file, file, progress); err != nil {
		return r, errors.Join(fmt.Errorf("restore the store %s, which is as it was: %w", path, err), file.Close(), os.Remove(file.Name()))
	}
	return r, r.replace(file, path, old != nil)
}

// lockOld returns the file that is there, locked until it is closed; nil when
// there is none.
func lockOld(path string, force bool) (*os.File, error) {
	fresh, err := inspect(path)
	if err != nil || fresh {
		return nil, err
	}
	if !force {
		return nil, &fs.PathError{Op: "restore", Path: path, Err: fs.ErrExist}
	}
	old, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(old.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("restore the store %s: %w; stop that one first", path, ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(err, old.Close())
	}
	return old, nil
}

// notSame refuses to restore a file from itself.
func (o *opening) notSame(old *os.File) error {
	if old == nil {
		return nil
	}
	here, err := o.file.Stat()
	if err != nil {
		return err
	}
	there, err := old.Stat()
	if err != nil {
		return err
	}
	if os.SameFile(here, there) {
		return fmt.Errorf("%s is the store itself, and no backup of it", old.Name())
	}
	return nil
}

// make copies the backup, checks the copy, and makes it the store to be.
func (r *Restored) make(ctx context.Context, backup, file *os.File, progress Progress) error {
	info, err := backup.Stat()
	if err != nil {
		return err
	}
	progress.tell("copying the backup")
	content := io.NewSectionReader(backup, 0, info.Size())
	if err := copyFile(ctx, file, content, info.Size(), progress); err != nil {
		return err
	}
	if r.Report, err = Check(ctx, file.Name(), progress); err != nil {
		return err
	}
	r.Report.Path = backup.Name()
	if !r.Report.Whole() {
		return ErrDamaged
	}
	r.Backup, r.Marked = r.Report.Backup, true
	if r.Backup.IsZero() {
		r.Backup, r.Marked = utc(info.ModTime()), false
	}
	progress.tell("engaging the lever")
	return alter(file.Name(), func(tx *bbolt.Tx) error {
		if err := migrateIn(tx, migrations); err != nil {
			return err
		}
		t := &txn{tx: tx}
		if err := t.remove(bucketMeta, metaBackup); err != nil {
			return err
		}
		if r.Marked {
			return nil // so is the lever, with what is to be said
		}
		return t.engageForRestore(r.Backup)
	})
}

// replace puts the new file in the place of the old one, if there is one, and
// keeps that.
func (r *Restored) replace(file *os.File, path string, old bool) error {
	kept := path + ".before-restore-" + time.Now().UTC().Format("20060102T150405Z")
	err := ownAs(file, path)
	if err == nil && old {
		err = keep(path, kept)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the old file of the store %s: %w", path, err), file.Close(), os.Remove(file.Name()))
	}
	if err := takePlace(file, path); err != nil {
		err = fmt.Errorf("restore the store %s: %w", path, err)
		if old {
			err = errors.Join(err, os.Rename(kept, path)) // the way back
		}
		return err
	}
	if old {
		r.Kept = kept
	}
	return nil
}

// keep gives the old file a second name, so that there is always one under its
// own; where links can't be made, only the second.
func keep(path, kept string) error {
	err := os.Link(path, kept)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return os.Rename(path, kept)
	}
	return err
}

// ownAs gives a new file to whoever owns what it takes the place of, or else the
// folder: who runs this as root must not lock the daemon's user out.
func ownAs(file *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}
