package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Condition is how the store is.
type Condition struct {
	// Size is the length of its file in bytes, Free how much of that holds
	// nothing: pages to be used again, and what is reserved.
	Size, Free int64
	// DiskFree is how many bytes the file system has left for this user; -1 when
	// that is not known.
	DiskFree int64
	// Unwritable is why the last write failed that tried to commit; nil when it
	// did not. An *engine.Error with CodeFull or CodeUnwritable. A store that
	// nobody writes to does not notice that it works again: see Writable.
	Unwritable error
	// SlowCommits is the 99th percentile of how long the commits of the last
	// minute took, the one under way included; 0 when there was none.
	SlowCommits time.Duration
}

// Condition tells how the store is, without waiting for a write. An error is
// returned when the file can't be asked.
func (s *Store) Condition() (Condition, error) {
	c := Condition{DiskFree: -1, Unwritable: s.trouble.get(), SlowCommits: s.commits.percentile()}
	info, err := s.room.file.Stat()
	if err != nil {
		return c, fmt.Errorf("look at the store's file: %w", err)
	}
	data, err := s.room.size()
	if err != nil {
		return c, fmt.Errorf("look at the store's file: %w", err)
	}
	c.Size = info.Size()
	c.Free = c.Size - data + s.room.freePages()
	if free, ok := diskFree(s.room.file); ok {
		c.DiskFree = free
	}
	return c, nil
}

// WithCommitObserver has fn told how long each commit took, one that failed
// included. It is called by the goroutine that commits, so it must be quick.
func WithCommitObserver(fn func(time.Duration)) Option {
	return func(o *opening) { o.observe = fn }
}

// committedIn notes that a commit has ended.
func (s *Store) committedIn() {
	took := s.commits.ended()
	if s.observe != nil {
		s.observe(took)
	}
}

// trouble is why the store can't be written. The zero value is that it can.
type trouble struct {
	mu    sync.Mutex
	err   error
	wrote time.Time // when it last could
	tried time.Time // when that was last looked at
}

func (t *trouble) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.tried = err, time.Now()
	if err == nil {
		t.wrote = t.tried
	}
}

func (t *trouble) get() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// wrote notes that a commit went well. That of urgent writes alone says nothing
// of the others, which may find no room.
func (s *Store) wrote(ordinary bool) {
	if ordinary || s.trouble.get() == nil || s.room.replenish() == nil && s.room.wantSpare() == nil {
		s.trouble.set(nil)
	}
}

const (
	// probeAfter is how long ago the last commit may be for Writable to believe
	// in it.
	probeAfter = time.Minute
	// probePause is the least time between two attempts to write while that
	// fails.
	probePause = 5 * time.Second
)

// due says whether somebody who asks should try to write, and if not, what was
// found last. Who is told to try is the only one for a while.
func (t *trouble) due() (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	wait, last := probeAfter, t.wrote
	if t.err != nil {
		wait, last = probePause, t.tried
	}
	if now.Sub(last) < wait || now.Sub(t.tried) < probePause {
		return false, t.err
	}
	t.tried = now
	return true, nil
}

// Writable returns nil when the store takes writes, and else why it does not: an
// *engine.Error with CodeFull or CodeUnwritable. When nothing was written for a
// minute, or the last write failed, it tries with one of a few bytes. It blocks
// until that is durable or ctx ends, and returns CodeUnwritable then; if that was
// ctx's deadline, so do the next calls, until a commit goes well.
func (s *Store) Writable(ctx context.Context) error {
	due, err := s.trouble.due()
	if !due {
		return err
	}
	w := &write{urgency: ordinary, records: 1, done: make(chan struct{}), fn: func(t *txn) error {
		if err := s.room.wantSpare(); err != nil {
			return s.room.explain(err)
		}
		return t.putRecord(bucketMeta, metaProbe, utc(time.Now()))
	}}
	err = s.unlessHanging(ctx, w)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) && !errors.Is(err, errClosed) {
		s.trouble.set(err) // also that of a disk that hangs, until a commit goes well
	}
	return err
}
