package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// Restoration is what Restore is to do.
type Restoration struct {
	Backup string // the file, which is only read
	Path   string // of the store
	// Force allows that there is a store already, which is kept under another name.
	Force bool
	// Damaged allows a backup that is not whole, if it can be written to at all.
	Damaged bool
	By      string // who does it, for the audit
}

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

// ErrDamaged is returned for a backup that is not whole, unless that is allowed.
var ErrDamaged = errors.New("the backup is damaged")

// restoring is a call of Restore.
type restoring struct {
	Restoration
	progress Progress
	old      *os.File // the store that is there, locked until it is closed; nil: none
	file     *os.File // the one to be
	done     Restored
}

// Restore makes a store one with the content of a backup, which may be of an older
// version, with the lever engaged, and with an entry in its audit. The backup is
// checked first: ErrDamaged, with a Report. An error wraps fs.ErrExist when there
// is a store already that is not to be replaced, or one that was made meanwhile.
// Nothing is changed when anything fails. Neither file may be open in another
// process: ErrInUse.
func Restore(ctx context.Context, what Restoration, progress Progress) (_ Restored, err error) {
	what.Path = resolve(what.Path)
	r := restoring{Restoration: what, progress: progress}
	if err := r.lockOld(); err != nil {
		return r.done, err
	}
	if r.old != nil {
		defer func() { err = errors.Join(err, r.old.Close()) }()
	}
	if err := r.notSame(); err != nil {
		return r.done, err
	}
	o := opening{}
	db, err := o.openToRead(r.Backup)
	if err != nil {
		return r.done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if r.file, err = newCopy(r.Path); err != nil {
		return r.done, fmt.Errorf("restore the store %s: %w", r.Path, err)
	}
	err = r.make(ctx, o.file)
	if err == nil {
		err = ownAs(r.file, r.Path)
	}
	if err != nil {
		return r.done, errors.Join(fmt.Errorf("restore the store %s, which is as it was: %w", r.Path, err), r.drop())
	}
	if err := r.place(ctx); err != nil {
		return r.done, fmt.Errorf("restore the store %s: %w", r.Path, err)
	}
	return r.done, nil
}

// drop gives up the file that was to be the store.
func (r *restoring) drop() error { return errors.Join(r.file.Close(), os.Remove(r.file.Name())) }

// lockOld opens the file that is there, if there is one.
func (r *restoring) lockOld() error {
	fresh, err := inspect(r.Path)
	if err != nil || fresh {
		return err
	}
	if !r.Force {
		return &fs.PathError{Op: "restore", Path: r.Path, Err: fs.ErrExist}
	}
	old, err := os.Open(r.Path)
	if err != nil {
		return err
	}
	err = syscall.Flock(int(old.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("restore the store %s: %w; stop that one first", r.Path, ErrInUse)
	}
	if err != nil {
		return errors.Join(err, old.Close())
	}
	r.old = old
	return nil
}

// notSame refuses to restore a file from itself. Its lock, which is held, would be
// taken for another process's.
func (r *restoring) notSame() error {
	if r.old == nil {
		return nil
	}
	there, err := r.old.Stat()
	if err != nil {
		return err
	}
	backup, err := os.Stat(r.Backup)
	if err == nil && os.SameFile(backup, there) {
		return fmt.Errorf("%s is the store itself, and no backup of it", r.Backup)
	}
	return nil // what is wrong with the backup is said when it is opened
}

// make copies the backup, checks the copy, and makes it the store to be.
func (r *restoring) make(ctx context.Context, backup *os.File) error {
	info, err := backup.Stat()
	if err != nil {
		return err
	}
	r.progress.tell("copying the backup")
	content := io.NewSectionReader(backup, 0, info.Size())
	if err := copyFile(ctx, r.file, content, info.Size(), r.progress); err != nil {
		return err
	}
	report, err := Check(ctx, r.file.Name(), r.progress)
	if err != nil {
		return err
	}
	r.done.Report, report.Path = report, r.Backup
	if !report.Whole() && !r.Damaged {
		return ErrDamaged
	}
	r.done.Backup, r.done.Marked = report.Backup, true
	if report.Backup.IsZero() {
		r.done.Backup, r.done.Marked = utc(info.ModTime()), false
	}
	r.progress.tell("engaging the lever")
	return alter(r.file.Name(), r.finish)
}

// finish is what is written into the copy.
func (r *restoring) finish(tx *bbolt.Tx) error {
	if err := migrateIn(tx, migrations); err != nil {
		return err
	}
	t := &txn{tx: tx}
	if err := t.remove(bucketMeta, metaBackup); err != nil {
		return err
	}
	// What was old at the time of the backup is not to go at the first start.
	if err := t.putRecord(bucketMeta, metaHistory, utc(time.Now())); err != nil {
		return err
	}
	if _, err := t.appendAudit(r.entry()); err != nil && !r.Damaged { // it may be what is damaged
		return err
	}
	err := t.engageForRestore(r.done.Backup)
	if err != nil && r.Damaged { // who had engaged the lever can't be read any more
		return errors.Join(t.remove(bucketMeta, metaLever), t.engageForRestore(r.done.Backup))
	}
	return err
}

// entry is what the audit has of it.
func (r *restoring) entry() audit.Entry {
	detail := "the store is what it was at " + r.done.Backup.Format(time.RFC3339)
	if !r.done.Report.Whole() {
		detail += ", and damaged"
	}
	return audit.Entry{
		At: time.Now().UTC(), Who: r.By, From: "this machine", Action: "restore", Target: r.Backup,
		Outcome: audit.OK, Detail: detail,
	}
}

// place gives the new file the store's name. One that is there is kept.
func (r *restoring) place(ctx context.Context) error {
	if r.old == nil {
		if err := giveName(r.file, r.Path); err != nil {
			return errors.Join(err, r.drop())
		}
		return r.file.Close()
	}
	kept := r.Path + ".before-restore-" + time.Now().UTC().Format("20060102T150405Z")
	if err := keep(ctx, r.old, r.Path, kept, r.progress); err != nil {
		return errors.Join(fmt.Errorf("keep the old file: %w", err), r.drop())
	}
	taken, err := takePlace(r.file, r.Path)
	if !taken {
		return errors.Join(err, os.Remove(kept)) // it has its own name still
	}
	r.done.Kept = kept
	return err
}
