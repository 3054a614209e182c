package store

import (
	"bytes"
	"context"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Executor implements engine.Store.
func (s *Store) Executor(ctx context.Context, id engine.ExecutorID) (engine.Executor, error) {
	var e engine.Executor
	err := s.view(ctx, func(t *txn) error {
		var err error
		e, _, err = t.executor(id)
		return err
	})
	return e, err
}

// Transition implements engine.Store. An id given twice counts once. What fn
// does to ID, PlanID and Undo is ignored; a state that is none is an error.
func (s *Store) Transition(
	ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error,
) ([]engine.Executor, error) {
	return s.transition(ctx, urgent, ids, fn)
}

// Claim implements engine.Store as Transition does.
func (s *Store) Claim(
	ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error,
) ([]engine.Executor, error) {
	return s.transition(ctx, ordinary, ids, fn)
}

func (s *Store) transition(
	ctx context.Context, u urgency, ids []engine.ExecutorID, fn func(*engine.Executor) error,
) ([]engine.Executor, error) {
	var changed []engine.Executor
	err := s.update(ctx, u, len(ids), func(t *txn) error {
		changed = nil
		// All functions run before anything is written, so that one that
		// refuses costs the others in the transaction nothing.
		before, after, err := t.applyAll(ids, fn)
		if err != nil {
			return err
		}
		for i := range after {
			if err := t.saveExecutor(&before[i], &after[i]); err != nil {
				return err
			}
		}
		changed = after
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func (t *txn) applyAll(
	ids []engine.ExecutorID, fn func(*engine.Executor) error,
) (before, after []engine.Executor, err error) {
	seen := make(map[engine.ExecutorID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		e, _, err := t.executor(id)
		if engine.CodeOf(err) == engine.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		changed, ok, err := change(e, fn)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			before, after = append(before, e), append(after, changed)
		}
	}
	return before, after, nil
}

// Due implements engine.Store. A limit of 0 means MaxLimit.
func (s *Store) Due(
	ctx context.Context, until time.Time, limit int, skip func(engine.ExecutorID) bool,
) ([]engine.Executor, error) {
	var due []engine.Executor
	limit = plainLimit(limit)
	err := s.view(ctx, func(t *txn) error {
		for at, key := range t.dueIndex(bucketExecutorIndex, scheduledPrefix) {
			if at.After(until) || len(due) == limit {
				break
			}
			if skip != nil && skip(idOf[engine.ExecutorID](key)) {
				continue
			}
			e, err := t.executorAt(key)
			if err != nil {
				return err
			}
			due = append(due, e)
		}
		return nil
	})
	return due, err
}

// NextDue implements engine.Store.
func (s *Store) NextDue(ctx context.Context, skip func(engine.ExecutorID) bool) (time.Time, error) {
	return s.nextDue(ctx, bucketExecutorIndex, scheduledPrefix, skip)
}

func (s *Store) nextDue(
	ctx context.Context, b bucket, prefix []byte, skip func(engine.ExecutorID) bool,
) (time.Time, error) {
	var next time.Time
	err := s.view(ctx, func(t *txn) error {
		for at, key := range t.dueIndex(b, prefix) {
			if skip == nil || !skip(idOf[engine.ExecutorID](key[:idLength])) {
				next = at
				break
			}
		}
		return nil
	})
	return next, err
}

// dueIndex yields the instants of a due index in order, each with what follows
// it in the key, which starts with an executor's id.
func (t *txn) dueIndex(b bucket, prefix []byte) func(yield func(time.Time, []byte) bool) {
	return func(yield func(time.Time, []byte) bool) {
		c := t.bucket(b).Cursor()
		for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			place := k[len(prefix):]
			if !yield(timeOf(place), place[timeLength:]) {
				return
			}
		}
	}
}
