package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Store is an engine.Store in one file. Make it with Open, end it with Close.
// All methods may be called at the same time.
type Store struct {
	db     *bbolt.DB
	id     string
	room   *room
	broken error // why no more writes are taken; the committer's
	// bulkWaits is since when a bulky write has been seen to wait; the committer's.
	bulkWaits time.Time

	commits commitTimes
	observe func(time.Duration) // may be nil
	trouble trouble
	spoilt  spoilt
	copying chan struct{}   // holds one while a snapshot is being made
	life    context.Context // ends when Close begins
	end     context.CancelFunc

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
	path = resolve(path)
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

// load makes the open file ours and starts the committer.
func (o *opening) load(db *bbolt.DB, fresh bool) (*Store, error) {
	if err := wantWhole(db, o.file); err != nil {
		return nil, err
	}
	if err := adoptCopy(db); err != nil { // a migration would make it no copy
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
		observe: o.observe, copying: make(chan struct{}, 1),
	}
	s.life, s.end = context.WithCancel(context.Background())
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
	removeCopies(db.Path())
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

// Close ends the store: writes already given are committed, later ones fail,
// and the file is closed when the reads under way are done.
func (s *Store) Close() error {
	s.closing.Lock()
	if !s.closed {
		s.closed = true
		s.end()
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
