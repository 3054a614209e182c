package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Snapshot is a copy of the store as it was at one instant, to be read. Its file
// has no name any more, so nothing is left of it when it is closed or the daemon
// dies.
type Snapshot struct {
	*os.File
	At   time.Time // the instant
	Size int64     // in bytes
}

// Snapshot makes a copy while the store is at work, beside its file. When it
// returns, no transaction is open any more, however long the copy is read. A
// store made of it has its lever engaged, see Restore. CodeBusy while another is
// being made, CodeFull when the disk has no room for it. To be closed.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	select {
	case s.copying <- struct{}{}:
		defer func() { <-s.copying }()
	default:
		return nil, engine.Errorf(engine.CodeBusy, "a backup is being made; try again when it is done")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(errClosed) })()
	if err := s.wantRoom(ctx); err != nil {
		return nil, err
	}
	file, err := newCopy(s.room.file.Name())
	if err != nil {
		return nil, fmt.Errorf("make a file for the backup: %w", err)
	}
	snapshot, err := s.fill(ctx, file)
	if err != nil {
		err = fmt.Errorf("back up the store: %w", err)
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return snapshot, nil
}

// fill makes the snapshot in a file, which loses its name.
func (s *Store) fill(ctx context.Context, file *os.File) (*Snapshot, error) {
	snapshot := &Snapshot{File: file}
	err := s.view(ctx, func(t *txn) error {
		s.room.copying.Store(true)
		defer s.room.copying.Store(false)
		snapshot.At = utc(time.Now())
		return writeCopy(ctx, t.tx, file, nil)
	})
	if err != nil {
		return nil, err
	}
	if err := markCopy(file.Name(), snapshot.At); err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	snapshot.Size = info.Size()
	if _, err := file.Seek(0, 0); err != nil {
		return nil, err
	}
	return snapshot, os.Remove(file.Name())
}

// wantRoom is CodeFull unless the disk has room for a copy and the reserve.
func (s *Store) wantRoom(ctx context.Context) error {
	var size int64
	err := s.view(ctx, func(t *txn) error {
		size = t.tx.Size()
		return nil
	})
	if err != nil {
		return err
	}
	free, known := diskFree(s.room.file)
	if need := size + s.room.reserve; known && free < need {
		return engine.Errorf(engine.CodeFull, "there is no room on the disk for a copy of the store %s: it takes %d MiB, "+
			"and %d MiB are free", s.room.file.Name(), need>>20+1, free>>20)
	}
	return nil
}

// copyMark is in the names of files that are copies in the making: after the
// store's own name, before something random.
const copyMark = ".copy-"

// newCopy makes a file beside the store, for its owner only.
func newCopy(store string) (*os.File, error) {
	name := store + copyMark + strings.ToLower(rand.Text()[:12])
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the store
}

// removeCopies removes what a daemon that died left of copies in the making. The
// store must be open, so that nobody makes any. What can't be removed takes room,
// and nothing else, so it keeps no daemon from starting.
func removeCopies(store string) {
	folder := filepath.Dir(store)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(store)+copyMark) {
			_ = os.Remove(filepath.Join(folder, entry.Name())) //nolint:gosec // beside the store
		}
	}
}
