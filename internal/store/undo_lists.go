package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoKeyLength is the length of the key of an undo record.
const undoKeyLength = idLength + 8

// Undos implements engine.Store. The abandoned records of an executor that has
// been deleted are returned too.
func (s *Store) Undos(ctx context.Context, id engine.ExecutorID) ([]engine.UndoRecord, error) {
	key, err := idKey(id)
	if err != nil {
		return nil, missing("executor", string(id))
	}
	var records []engine.UndoRecord
	err = s.view(ctx, func(t *txn) error {
		if records, err = t.undosOf(key); err != nil {
			return err
		}
		if len(records) == 0 && !t.has(bucketExecutors, key) {
			return missing("executor", string(id))
		}
		return nil
	})
	return records, err
}

// OpenUndos implements engine.Store. The order is that of executor ids, then of
// sequences. A page is DefaultLimit long, at most MaxLimit.
func (s *Store) OpenUndos(
	ctx context.Context, limit int, cursor engine.Cursor,
) ([]engine.UndoRecord, engine.Cursor, error) {
	after, err := place(listUndos, cursor, undoKeyLength)
	if err != nil {
		return nil, "", err
	}
	limit = pageLength(limit)
	var page []engine.UndoRecord
	var next engine.Cursor
	err = s.view(ctx, func(t *txn) error {
		c := t.bucket(bucketReversible).Cursor()
		k, _ := c.Seek(after)
		if after != nil && string(k) == string(after) {
			k, _ = c.Next()
		}
		for last := after; k != nil; k, _ = c.Next() {
			if len(page) == limit {
				next = cursorAt(listUndos, last)
				return nil
			}
			r, err := t.undoAt(k)
			if err != nil {
				return err
			}
			page = append(page, r)
			last = k
		}
		return nil
	})
	return page, next, err
}

// undoAt reads the record that an index names.
func (t *txn) undoAt(key []byte) (engine.UndoRecord, error) {
	var r engine.UndoRecord
	value := t.get(bucketUndos, key)
	if value == nil {
		return r, fmt.Errorf("the index names undo record %x, which is not stored", key)
	}
	return r, decode(value, &r)
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
