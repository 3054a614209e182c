package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Report is what a check found.
type Report struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`   // bytes
	Free   int64  `json:"free"`   // of these, bytes in pages that hold nothing
	Schema int    `json:"schema"` // version of the file
	ID     string `json:"id"`     // of the store
	// Backup is when the file was copied, if it is a backup that nothing has been
	// written to since.
	Backup time.Time `json:"backup,omitzero"`

	Plans     int    `json:"plans"`
	Executors int    `json:"executors"`
	Undos     int    `json:"undos"` // records
	Keys      int    `json:"keys"`  // of the API
	Audit     uint64 `json:"audit"` // entries

	// Findings say what is wrong, at most maxFindings of them; More counts the
	// others.
	Findings []string `json:"findings"`
	More     int      `json:"more,omitempty"`
}

// maxFindings bounds what a check remembers: of a damaged file, it may be a lot.
const maxFindings = 50

// Whole says whether nothing is wrong.
func (r *Report) Whole() bool { return len(r.Findings) == 0 }

func (r *Report) find(format string, args ...any) {
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

// Progress is told in a few words what long work has come to. It may be nil.
type Progress func(words string)

func (p Progress) tell(format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// Check reads the whole file at path and says what is wrong with it: whether its
// pages make up a tree, and whether its indexes, counts and tallies are those
// that its records make. A file of an older version is checked as Open would
// migrate it. Nothing is written. An error is returned when it could not be
// checked at all: ErrInUse while another process has it open, an error about a
// file that is no store, the cause of ctx.
func Check(ctx context.Context, path string, progress Progress) (*Report, error) {
	o := opening{}
	db, err := o.openToRead(path)
	if err != nil {
		return nil, err
	}
	report := &Report{Path: path, Findings: []string{}}
	err = unlessDamaged(func() error { return report.fill(ctx, db, o.file, progress) })
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, fmt.Errorf("check the store %s: %w", path, err)
	}
	return report, nil
}

// openToRead opens a file that must be there, and that nothing is to be written
// to: a write fails. No other process can open it meanwhile.
func (o *opening) openToRead(path string) (*bbolt.DB, error) {
	fresh, err := inspect(path)
	if err == nil && fresh {
		err = fmt.Errorf("open the store %s: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	o.toRead = true
	db, err := o.open(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("read the store: %w", err)
	case err != nil:
		return nil, explainOpen(path, err)
	}
	return db, nil
}

// openReadOnly opens what bbolt takes for a file that it may write to.
func (o *opening) openReadOnly(path string, _ int, _ os.FileMode) (*os.File, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	o.file = file
	return file, nil
}

func (r *Report) fill(ctx context.Context, db *bbolt.DB, file *os.File, progress Progress) error {
	if err := wantWhole(db, file); err != nil {
		r.find("%v", err)
		return nil
	}
	progress.tell("checking the pages")
	if err := db.View(func(tx *bbolt.Tx) error { return r.pages(tx, file) }); err != nil || !r.Whole() {
		return err
	}
	tx, err := db.Begin(true) // to migrate in, and never to be committed
	if err != nil {
		return err
	}
	err = unlessDamaged(func() error { return r.content(ctx, tx, progress) })
	return errors.Join(err, tx.Rollback())
}

// pages checks the file as bbolt's. bbolt's own check would end the process at a
// page that points to nowhere, so it comes last.
func (r *Report) pages(tx *bbolt.Tx, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	db := tx.DB()
	r.Size = info.Size()
	r.Free = r.Size - tx.Size() + int64(db.Stats().FreePageN)*int64(db.Info().PageSize)
	w := pageWalk{file: file, pageSize: db.Info().PageSize, high: uint64(tx.Size() / int64(db.Info().PageSize))} //nolint:gosec // not negative
	w.walk(uint64(tx.Cursor().Bucket().Root()))
	for _, wrong := range w.wrong {
		r.find("%s", wrong)
	}
	if !r.Whole() {
		return nil
	}
	for err := range tx.Check() {
		r.find("%v", err)
	}
	return nil
}

// content checks what the file says.
func (r *Report) content(ctx context.Context, tx *bbolt.Tx, progress Progress) error {
	version, err := schemaVersion(tx)
	if err != nil {
		return err
	}
	r.Schema = version
	if version == 0 {
		return errors.New("there is nothing in it")
	}
	t := &txn{tx: tx}
	r.ID = string(t.get(bucketMeta, metaID))
	if !engine.ValidID(r.ID) {
		r.find("the store's id is damaged: %.40q", r.ID)
	}
	if r.Backup, err = t.backedUp(); err != nil {
		r.find("%v", err)
	}
	if version < len(migrations) {
		progress.tell("migrating what is read from schema version %d to %d", version, len(migrations))
	}
	if err := migrateIn(tx, migrations); err != nil {
		if version > len(migrations) {
			return err
		}
		r.find("%v", err)
		return nil
	}
	i := inspection{ctx: ctx, t: &txn{tx: tx}, report: r}
	return i.run(progress)
}

// backedUp returns when the file was copied; zero when it is no backup, or one
// that was written to.
func (t *txn) backedUp() (time.Time, error) {
	value := t.get(bucketMeta, metaBackup)
	if value == nil {
		return time.Time{}, nil
	}
	var mark backupMark
	if err := decode(value, &mark); err != nil {
		return time.Time{}, err
	}
	last := t.tx.ID()
	if t.tx.Writable() {
		last-- // its own is not committed
	}
	if last != mark.Transaction {
		return time.Time{}, nil
	}
	return mark.At, nil
}
