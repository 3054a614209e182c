package store

import (
	"context"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoKeyLength is the length of the key of an undo record.
const undoKeyLength = idLength + 8

// Undo implements engine.Store.
func (s *Store) Undo(ctx context.Context, id engine.UndoID) (engine.UndoRecord, error) {
	var r engine.UndoRecord
	err := s.view(ctx, func(t *txn) error {
		var err error
		r, _, err = t.undo(id)
		return err
	})
	return r, err
}

// Undos implements engine.Store. The abandoned records of an executor that has
// been deleted are returned too.
func (s *Store) Undos(ctx context.Context, id engine.ExecutorID) ([]engine.UndoRecord, error) {
	key, err := idKey(id)
	if err != nil {
		return nil, missing("executor", string(id))
	}
	var records []engine.UndoRecord
	err = s.view(ctx, func(t *txn) error {
		for _, k := range t.keys(bucketUndos, key, 0) {
			r, err := t.undoAt(k)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		if len(records) == 0 && !t.has(bucketExecutors, key) {
			return missing("executor", string(id))
		}
		return nil
	})
	return records, err
}

// UndoRecords implements engine.Store. A page is DefaultLimit long, at most
// MaxLimit. CodeInvalid also for a state that is none.
func (s *Store) UndoRecords(
	ctx context.Context, q engine.UndoQuery,
) ([]engine.UndoRecord, engine.Cursor, error) {
	last, err := place(listUndos, q.Cursor, undoKeyLength)
	if err != nil {
		return nil, "", err
	}
	index, prefixes, err := undoWalks(q.States)
	if err != nil {
		return nil, "", err
	}
	limit := pageLength(q.Limit)
	var page []engine.UndoRecord
	var next engine.Cursor
	err = s.view(ctx, func(t *txn) error {
		for key := range t.merge(index, prefixes, stretch{}.from(last)) {
			if len(page) == limit {
				next = cursorAt(listUndos, last)
				return nil
			}
			r, err := t.undoAt(key)
			if err != nil {
				return err
			}
			page = append(page, r)
			last = key
		}
		return nil
	})
	return page, next, err
}

// undoWalks returns the walks to merge for a list of records in the states
// given. For any state the records' own bucket is walked.
func undoWalks(states []engine.RecordState) (bucket, [][]byte, error) {
	if len(states) == 0 {
		return bucketUndos, [][]byte{nil}, nil
	}
	var prefixes [][]byte
	seen := make(map[engine.RecordState]bool)
	for _, state := range states {
		b := recordStateBytes[state]
		if b == 0 {
			return 0, nil, engine.Errorf(engine.CodeInvalid, "%.40q is not a state of an undo record", string(state))
		}
		if !seen[state] {
			seen[state] = true
			prefixes = append(prefixes, []byte{b})
		}
	}
	return bucketUndoIndex, prefixes, nil
}

// DueUndos implements engine.Store. A limit of 0 means MaxLimit.
func (s *Store) DueUndos(
	ctx context.Context, until time.Time, limit int, skip func(engine.ExecutorID) bool,
) ([]engine.UndoRecord, error) {
	var due []engine.UndoRecord
	limit = plainLimit(limit)
	err := s.view(ctx, func(t *txn) error {
		for at, key := range t.dueIndex(bucketUndoDue, nil) {
			if at.After(until) || len(due) == limit {
				break
			}
			if skip != nil && skip(idOf[engine.ExecutorID](key[:idLength])) {
				continue
			}
			r, err := t.undoAt(invertSequence(key))
			if err != nil {
				return err
			}
			due = append(due, r)
		}
		return nil
	})
	return due, err
}

// invertSequence turns executor and inverted sequence into a record's key.
func invertSequence(key []byte) []byte {
	key = slices.Clone(key)
	for i := idLength; i < len(key); i++ {
		key[i] = ^key[i]
	}
	return key
}

// NextUndo implements engine.Store.
func (s *Store) NextUndo(ctx context.Context, skip func(engine.ExecutorID) bool) (time.Time, error) {
	return s.nextDue(ctx, bucketUndoDue, nil, skip)
}
