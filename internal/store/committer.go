package store

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// run is the committer. It ends when the queues are closed and empty.
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

// commit applies the batch and answers each write. One that fails half-way is
// answered and left out, and the rest starts again in a new transaction. It
// reports whether there is garbage now.
func (s *Store) commit(batch []*write) (garbage bool) {
	batch = s.admit(batch)
	for more := int64(roomStep); len(batch) > 0; more *= 2 {
		failed, left, err := s.attempt(batch)
		switch {
		case failed >= 0:
			answer(batch[failed : failed+1])
			batch = slices.Delete(batch, failed, failed+1)
			continue
		case errors.Is(err, bolterrors.ErrMaxSizeReached):
			if err = s.room.extend(s.room.allocated + more); err == nil {
				continue
			}
			if len(batch) > 1 {
				return s.commitEach(batch)
			}
		}
		if err != nil {
			fail(batch, s.room.explain(err))
			return false
		}
		answer(batch)
		return left
	}
	return false
}

// commitEach is commit for writes for which together there is no room: a small
// one must not be refused because of a large one.
func (s *Store) commitEach(batch []*write) (garbage bool) {
	for _, w := range batch {
		garbage = s.commit([]*write{w}) || garbage
	}
	return garbage
}

// admit refuses the ordinary writes of a batch when the reserve isn't whole and
// can't be made so. It returns the others.
func (s *Store) admit(batch []*write) []*write {
	if !slices.ContainsFunc(batch, isOrdinary) {
		return batch
	}
	err := s.room.replenish()
	if err == nil {
		return batch
	}
	var rest, refused []*write
	for _, w := range batch {
		if isOrdinary(w) {
			refused = append(refused, w)
		} else {
			rest = append(rest, w)
		}
	}
	fail(refused, s.room.explain(err))
	return rest
}

func isOrdinary(w *write) bool { return w.urgency == ordinary }

// attempt applies the batch in one transaction. It returns the index of a write
// that failed after it had changed something, its outcome set, in which case
// nothing was committed; else -1. An error is one of the whole transaction, of
// which nothing was committed then.
func (s *Store) attempt(batch []*write) (failed int, garbage bool, err error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return -1, false, fmt.Errorf("begin a transaction: %w", err)
	}
	t := &txn{tx: tx}
	changed := false
	for i, w := range batch {
		t.changed = false
		if w.err = t.apply(w.fn); w.err != nil && t.changed {
			_ = tx.Rollback()
			return i, false, nil
		}
		changed = changed || t.changed
	}
	if !changed {
		_ = tx.Rollback()
		return -1, false, nil
	}
	s.room.bound(tx.Size(), t.written, slices.ContainsFunc(batch, isOrdinary))
	if err := commit(t); err != nil {
		return -1, false, err
	}
	return -1, t.garbage, nil
}

func commit(t *txn) error {
	if err := failpoint.Hit(failpoint.StoreCommit); err != nil {
		_ = t.tx.Rollback()
		return fmt.Errorf("commit: %w", err)
	}
	if err := t.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return failpoint.Hit(failpoint.StoreCommitted)
}

// answer tells the callers that their writes are done with.
func answer(batch []*write) {
	for _, w := range batch {
		close(w.done)
	}
}

// fail is answer with one error for all.
func fail(batch []*write, err error) {
	for _, w := range batch {
		w.err = err
	}
	answer(batch)
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
