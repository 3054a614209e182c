package store

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
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
	if s.broken != nil {
		fail(batch, s.broken)
		return false
	}
	batch = s.admit(batch)
	more := int64(roomStep)
	for len(batch) > 0 {
		failed, left, err := s.attempt(batch)
		switch {
		case failed >= 0:
			answer(batch[failed : failed+1])
			batch = slices.Delete(batch, failed, failed+1)
			continue
		case errors.Is(err, bolterrors.ErrMaxSizeReached):
			if err = s.room.extend(s.room.allocated + more); err == nil {
				more *= 2
				continue
			}
			if len(batch) > 1 {
				return s.commitEach(batch)
			}
		}
		if err != nil {
			if s.broken == nil {
				err = s.room.explain(err)
			}
			s.trouble.set(err)
			fail(batch, err)
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
	err = s.room.explain(err)
	s.trouble.set(err)
	fail(refused, err)
	return rest
}

func isOrdinary(w *write) bool { return w.urgency == ordinary }

// leastUrgency is that of the least urgent write, which the others go with.
func leastUrgency(batch []*write) urgency {
	least := foremost
	for _, w := range batch {
		least = min(least, w.urgency)
	}
	return least
}

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
	least := leastUrgency(batch)
	s.room.bound(tx.Size(), t.written, least)
	if err := s.commitWhole(t); err != nil {
		return -1, false, err
	}
	s.wrote(least == ordinary)
	return -1, t.garbage, nil
}

// commitWhole commits. The store takes no more writes when that fails in a way
// that it can't recover from while it is open.
//
// When the meta page is written but can't be synced, bbolt goes on from it: what
// is refused here is seen, and pages that the last durable meta page and open
// read transactions still need are free to be written. One more write would
// damage the file; and to sync again proves nothing, for what the kernel could
// not write it takes for clean.
func (s *Store) commitWhole(t *txn) error {
	id, ended := t.tx.ID(), false
	s.commits.began()
	defer s.committedIn()
	err := unlessDamaged(func() error {
		err := commit(t)
		ended = true
		return err
	})
	if err == nil {
		return nil
	}
	if !ended { // bbolt gave up half-way
		_ = unlessDamaged(t.tx.Rollback)
	}
	if !ended || s.sees(id) {
		s.broken = engine.Errorf(engine.CodeUnwritable, "the store %s takes no more writes, and whether the last one is in it "+
			"is not certain: look at its disk, then start cmed again (%w)", s.room.file.Name(), err)
		return s.broken
	}
	return err
}

// sees says whether readers see the transaction.
func (s *Store) sees(id int) (seen bool) {
	_ = unlessDamaged(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			seen = tx.ID() >= id
			return nil
		})
	})
	return seen
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

// call runs fn and turns its panic into an error: bbolt's own, at a page that is
// not what it should be, into a plain one.
func call(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		stack := debug.Stack()
		_, fault := value.(interface{ Addr() uintptr })
		_, damaged := value.(damage)
		if fault || damaged || bytes.Contains(origin(stack), []byte("go.etcd.io/bbolt")) {
			err = fmt.Errorf("the store is damaged: %v", value)
			return
		}
		err = &panicked{value: value, stack: stack}
	}()
	return fn()
}

// origin returns the line of a stack that names the function which panicked.
func origin(stack []byte) []byte {
	_, below, _ := bytes.Cut(stack, []byte("\npanic("))
	for line := range bytes.Lines(below) {
		if !bytes.HasPrefix(line, []byte("\t")) && bytes.Contains(line, []byte("/")) {
			return line // what has no path in its name is the runtime's
		}
	}
	return nil
}
