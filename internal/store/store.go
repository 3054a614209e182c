package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// lockTimeout bounds the wait for another process to let go of the file.
const lockTimeout = time.Second

// Store is an engine.Store in one file. Make it with Open, end it with Close.
// All methods may be called at the same time.
type Store struct {
	db     *bbolt.DB
	id     string
	room   *room
	broken error // why no more writes are taken; the committer's

	closing   sync.RWMutex // held for reading while a write is put in the queue
	closed    bool
	first     chan *write   // foremost writes
	queue     chan *write   // small writes
	bulk      chan *write   // those of many records; they wait for the others
	committed chan struct{} // closed when the committer has ended
}

var _ engine.Store = (*Store)(nil)

// ErrInUse is returned by Open when another process has the file open.
var ErrInUse = errors.New("another cmed holds it")

// Open opens the store at path, and makes it if there is none. The file is, or
// becomes, readable by its owner only, and longer by DefaultReserve than what is
// in it. It opens on a full disk, too, if it exists. It fails within about a second when
// another process has the file open; when the folder does not exist; when the
// file is not a store; and when a newer cmed wrote it.
func Open(path string, options ...Option) (*Store, error) {
	fresh, err := inspect(path)
	if err != nil {
		return nil, err
	}
	o := opening{reserve: DefaultReserve}
	for _, set := range options {
		set(&o)
	}
	db, err := o.open(path)
	if err != nil {
		return nil, explainOpen(path, err)
	}
	var s *Store
	err = unlessDamaged(func() (err error) {
		s, err = o.load(db, fresh)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, errors.Join(err, db.Close()))
	}
	return s, nil
}

// Option changes how a store is opened.
type Option func(*opening)

// WithReserve has so many bytes reserved for the writes that must get through
// when the disk is full, instead of DefaultReserve.
func WithReserve(bytes int64) Option {
	return func(o *opening) { o.reserve = max(bytes, 0) }
}

// opening is a store being opened.
type opening struct {
	reserve int64
	file    *os.File // the store's, as bbolt has opened it
}

// open has bbolt open the file. A damaged one can make bbolt panic, and one that
// was cut short makes it read where nothing is; either is an error here.
func (o *opening) open(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if value := recover(); value != nil {
			// What bbolt has mapped stays, and would keep the lock.
			unlock := syscall.Flock(int(o.file.Fd()), syscall.LOCK_UN)
			db, err = nil, errors.Join(fmt.Errorf("%w: %v", bolterrors.ErrInvalid, value), unlock, o.file.Close())
		}
	}()
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
		OpenFile:     o.openFile,
	})
}

// openFile opens or makes the file. One that is still empty gets room for its
// first pages: on a full disk it must not be left with some of them.
func (o *opening) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flag, mode) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		err = promise(file, firstPages*int64(os.Getpagesize()))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make room for a new file: %w", err), file.Close())
	}
	o.file = file
	return file, nil
}

// firstPages is how many pages bbolt writes into an empty file.
const firstPages = 4

// wantWhole fails when the file is shorter than its data.
func wantWhole(db *bbolt.DB, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("it is damaged: cut short, %d bytes of %d are there", info.Size(), tx.Size())
		}
		return nil
	})
}

// unlessDamaged calls what reads. bbolt panics at a page that is not what it
// should be; that is an error here.
func unlessDamaged(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the store is damaged: %v", value)
		}
	}()
	return read()
}

// inspect says whether the file at path is still to be made.
func inspect(path string) (fresh bool, err error) {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the operator's own choice
		return false, fmt.Errorf("open the store %s: the folder %s does not exist; create it first", path, folder)
	}
	info, err := os.Stat(path) //nolint:gosec // the operator's own choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("open the store: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("open the store %s: it is not a regular file", path)
	}
	return false, nil
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open the store %s: %w; stop that one, or use another file", path, ErrInUse)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("open the store: %w; cmed must be able to write there: take another file with --database-uri", err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("open the store %s: it is not a store of cmed, or it is damaged: %w", path, err)
	default:
		return fmt.Errorf("open the store %s: %w", path, err)
	}
}

// load makes the open file ours and starts the committer.
func (o *opening) load(db *bbolt.DB, fresh bool) (*Store, error) {
	if err := wantWhole(db, o.file); err != nil {
		return nil, err
	}
	if err := migrate(db, migrations); err != nil {
		return nil, err
	}
	if err := tighten(db.Path()); err != nil {
		return nil, err
	}
	if fresh {
		if err := syncFolder(filepath.Dir(db.Path())); err != nil {
			return nil, err
		}
	}
	s := &Store{
		db: db, first: make(chan *write, 1), queue: make(chan *write, queueLength),
		bulk: make(chan *write, queueLength), committed: make(chan struct{}),
	}
	var err error
	if s.room, err = newRoom(db, o.file, o.reserve); err != nil {
		return nil, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		s.id = string(tx.Bucket(metaName).Get(metaID))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !engine.ValidID(s.id) {
		return nil, errors.New("its id is damaged")
	}
	go s.run()
	return s, nil
}

// tighten takes from others what rights they have on the file: it holds the
// secrets of plans.
func tighten(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return os.Chmod(path, 0o600) //nolint:gosec // the operator's own choice
}

// syncFolder makes a new file's name as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Close ends the store: writes already given are committed, later ones fail,
// and the file is closed when the reads under way are done.
func (s *Store) Close() error {
	s.closing.Lock()
	if !s.closed {
		s.closed = true
		close(s.first)
		close(s.queue)
		close(s.bulk)
	}
	s.closing.Unlock()
	<-s.committed
	return s.db.Close()
}

// ID implements engine.Store.
func (s *Store) ID() string { return s.id }

// view runs fn in a read transaction.
func (s *Store) view(ctx context.Context, fn func(*txn) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := unlessDamaged(func() error {
		return s.db.View(func(tx *bbolt.Tx) error { return fn(&txn{tx: tx}) })
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return errClosed
	}
	return err
}

// errClosed is returned when the store has been closed.
var errClosed = engine.Errorf(engine.CodeClosed, "the store is closed")
