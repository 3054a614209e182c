package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
)

const (
	// queueLength bounds how many writes wait; more than that wait to wait.
	queueLength = 1024
	// batchRecords bounds how many records are put in one transaction: they
	// are in memory until it commits. A single larger write is let through.
	batchRecords = 1_000
	// bulkRecords is how many records make a write a bulky one, which lets the
	// others go first.
	bulkRecords = 500
)

// The stages of a write. Its caller may withdraw it as long as it is waiting.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// write is one caller's change on its way through the committer.
type write struct {
	fn      func(*txn) error
	records int
	stage   atomic.Int32
	err     error         // the outcome; read after done
	done    chan struct{} // closed by the committer
}

// update has fn applied in a transaction and returns when that is durable. fn
// may run more than once, and must then start afresh. records is about how many
// records it writes. When ctx ends while the write waits, nothing is written.
func (s *Store) update(ctx context.Context, records int, fn func(*txn) error) error {
	w := &write{fn: fn, records: records, done: make(chan struct{})}
	if err := s.enqueue(ctx, w); err != nil {
		return err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if w.stage.CompareAndSwap(waiting, withdrawn) {
			return context.Cause(ctx)
		}
		<-w.done
	}
	if p := (*panicked)(nil); errors.As(w.err, &p) {
		panic(p.Error())
	}
	return w.err
}

func (s *Store) enqueue(ctx context.Context, w *write) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return errClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	queue := s.queue
	if w.records > bulkRecords {
		queue = s.bulk
	}
	select {
	case queue <- w:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run is the committer. It ends when the queue is closed and empty.
func (s *Store) run() {
	defer close(s.committed)
	garbage := true // an earlier daemon may have left some
	for {
		batch, open := s.take(garbage)
		if !open {
			return
		}
		if len(batch) == 0 {
			garbage = s.sweep()
			continue
		}
		garbage = s.commit(batch) || garbage
	}
}

// take returns what waits. When nothing does, it waits for it, unless busy: then
// it returns nothing. It reports false when the queue is closed and empty.
func (s *Store) take(busy bool) (batch []*write, open bool) {
	first, open := s.next(busy)
	if first == nil {
		return nil, open
	}
	batch, records := accept(nil, 0, first)
	for records < batchRecords {
		select {
		case w, open := <-s.queue:
			if !open {
				return batch, true
			}
			batch, records = accept(batch, records, w)
		default:
			return batch, true
		}
	}
	return batch, true
}

// next returns a write: a small one if there is any, so that a claim waits for
// one bulky commit at most. It reports false when both queues, which are closed
// together, are closed and empty. When busy it returns nothing rather than wait.
func (s *Store) next(busy bool) (*write, bool) {
	select {
	case w, open := <-s.queue:
		return orFrom(s.bulk, w, open)
	default:
	}
	if busy {
		select {
		case w, open := <-s.bulk:
			return orFrom(s.queue, w, open)
		default:
			return nil, true
		}
	}
	select {
	case w, open := <-s.queue:
		return orFrom(s.bulk, w, open)
	case w, open := <-s.bulk:
		return orFrom(s.queue, w, open)
	}
}

// orFrom returns what one queue gave, or when that is closed, the rest of the
// other.
func orFrom(other chan *write, w *write, open bool) (*write, bool) {
	if open {
		return w, true
	}
	w, open = <-other
	return w, open
}

// accept adds w to the batch unless its caller has withdrawn it.
func accept(batch []*write, records int, w *write) ([]*write, int) {
	if !w.stage.CompareAndSwap(waiting, taken) {
		return batch, records
	}
	return append(batch, w), records + w.records
}

// commit applies the batch and answers each write. One that fails half-way is
// answered and left out, and the rest starts again in a new transaction. It
// reports whether there is garbage now.
func (s *Store) commit(batch []*write) (garbage bool) {
	for len(batch) > 0 {
		failed, left := s.attempt(batch)
		if failed < 0 {
			for _, w := range batch {
				close(w.done)
			}
			return left
		}
		close(batch[failed].done)
		batch = slices.Delete(batch, failed, failed+1)
	}
	return false
}

// attempt applies the batch in one transaction and sets the outcome of each
// write. It returns the index of a write that failed after it had changed
// something, in which case nothing was committed; else -1.
func (s *Store) attempt(batch []*write) (failed int, garbage bool) {
	tx, err := s.db.Begin(true)
	if err != nil {
		fail(batch, fmt.Errorf("begin a transaction: %w", err))
		return -1, false
	}
	t := &txn{tx: tx}
	changed := false
	for i, w := range batch {
		t.changed = false
		if w.err = t.apply(w.fn); w.err != nil && t.changed {
			_ = tx.Rollback()
			return i, false
		}
		changed = changed || t.changed
	}
	if !changed {
		_ = tx.Rollback()
		return -1, false
	}
	if err := tx.Commit(); err != nil {
		fail(batch, fmt.Errorf("commit: %w", err))
		return -1, false
	}
	return -1, t.garbage
}

func fail(batch []*write, err error) {
	for _, w := range batch {
		w.err = err
	}
}

// panicked carries a panic of a caller's function back to that caller, so that
// it cannot end the committer.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\nin the store:\n%s", p.value, p.stack) }

// call runs fn and turns its panic into an error.
func call(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value: value, stack: debug.Stack()}
		}
	}()
	return fn()
}
