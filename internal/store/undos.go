package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// AddUndo implements engine.Store. CodeConflict when the run has a record with
// this sequence. A record without a state is open.
func (s *Store) AddUndo(ctx context.Context, r engine.UndoRecord) error {
	if r.State == "" {
		r.State = engine.RecordOpen
	}
	return s.update(ctx, 1, func(t *txn) error {
		old, executor, err := t.executor(r.Executor)
		if err != nil {
			return err
		}
		if t.has(bucketUndos, sequenceKey(executor, r.Sequence)) {
			return engine.Errorf(engine.CodeConflict, "there is an undo record %s already", r.UndoID)
		}
		if err := t.saveUndo(nil, &r, executor); err != nil {
			return err
		}
		return t.refreshUndo(old, executor)
	})
}

// UpdateUndo implements engine.Store. What fn does to the record's id is
// ignored; when it returns engine.ErrSkip the record stays as it is. The record
// may be an abandoned one whose executor is gone.
func (s *Store) UpdateUndo(
	ctx context.Context, id engine.UndoID, fn func(*engine.UndoRecord) error,
) (engine.UndoRecord, error) {
	var updated engine.UndoRecord
	err := s.update(ctx, 1, func(t *txn) error {
		old, executor, err := t.undo(id)
		if err != nil {
			return err
		}
		updated = old
		updated.Record = slices.Clone(old.Record)
		if err := fn(&updated); err != nil {
			updated = old
			if errors.Is(err, engine.ErrSkip) {
				return nil
			}
			return err
		}
		updated.UndoID = id
		if err := t.saveUndo(&old, &updated, executor); err != nil {
			return err
		}
		return t.refreshUndoOf(id.Executor, executor)
	})
	if err != nil {
		return engine.UndoRecord{}, err
	}
	return updated, nil
}

// undo returns a record and the key of its executor.
func (t *txn) undo(id engine.UndoID) (engine.UndoRecord, []byte, error) {
	var r engine.UndoRecord
	executor, err := idKey(id.Executor)
	if err != nil {
		return r, nil, missing("undo record", id.String())
	}
	value := t.get(bucketUndos, sequenceKey(executor, id.Sequence))
	if value == nil {
		return r, nil, missing("undo record", id.String())
	}
	return r, executor, decode(value, &r)
}

// saveUndo stores a record with its index entries. old is what is stored now;
// nil: nothing.
func (t *txn) saveUndo(old, r *engine.UndoRecord, executor []byte) error {
	normalizeUndo(r)
	if old != nil && !old.Due.IsZero() && !old.Due.Equal(r.Due) {
		if err := t.remove(bucketUndoDue, undoDueKey(old, executor)); err != nil {
			return err
		}
	}
	if !r.Due.IsZero() {
		if err := t.set(bucketUndoDue, undoDueKey(r, executor), true); err != nil {
			return err
		}
	}
	key := sequenceKey(executor, r.Sequence)
	if err := t.set(bucketReversible, key, r.State.Reversible()); err != nil {
		return err
	}
	return t.putRecord(bucketUndos, key, r)
}

// dropUndo deletes a record with its index entries.
func (t *txn) dropUndo(r *engine.UndoRecord, executor []byte) error {
	if !r.Due.IsZero() {
		if err := t.remove(bucketUndoDue, undoDueKey(r, executor)); err != nil {
			return err
		}
	}
	key := sequenceKey(executor, r.Sequence)
	if err := t.set(bucketReversible, key, false); err != nil {
		return err
	}
	return t.remove(bucketUndos, key)
}

// undosOf returns the records of one executor in the order of their sequence.
func (t *txn) undosOf(executor []byte) ([]engine.UndoRecord, error) {
	var records []engine.UndoRecord
	c := t.bucket(bucketUndos).Cursor()
	for k, v := c.Seek(executor); k != nil && string(k[:idLength]) == string(executor); k, v = c.Next() {
		var r engine.UndoRecord
		if err := decode(v, &r); err != nil {
			return nil, fmt.Errorf("undo record %x: %w", k, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// undoStateOf summarises the records of one executor.
func (t *txn) undoStateOf(executor []byte) (engine.UndoState, error) {
	var records []engine.UndoRecord
	c := t.bucket(bucketUndos).Cursor()
	for k, v := c.Seek(executor); k != nil && string(k[:idLength]) == string(executor); k, v = c.Next() {
		var head struct {
			State engine.RecordState `json:"state"`
		}
		if err := json.Unmarshal(v, &head); err != nil {
			return "", fmt.Errorf("undo record %x: %w", k, err)
		}
		records = append(records, engine.UndoRecord{State: head.State})
	}
	return engine.UndoStateOf(records), nil
}

// refreshUndo recomputes the undo state of an executor.
func (t *txn) refreshUndo(old engine.Executor, key []byte) error {
	e := old
	var err error
	if e.Undo, err = t.undoStateOf(key); err != nil || e.Undo == old.Undo {
		return err
	}
	return t.saveExecutor(&old, &e)
}

// refreshUndoOf is refreshUndo for an executor that may be gone.
func (t *txn) refreshUndoOf(id engine.ExecutorID, key []byte) error {
	e, _, err := t.executor(id)
	if engine.CodeOf(err) == engine.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return t.refreshUndo(e, key)
}

// changeUnsettled applies fn to the unsettled records of an executor and
// returns the undo state it has then.
func (t *txn) changeUnsettled(executor []byte, fn func(*engine.UndoRecord)) (engine.UndoState, error) {
	records, err := t.undosOf(executor)
	if err != nil {
		return "", err
	}
	for i, old := range records {
		if !old.State.Unsettled() {
			continue
		}
		r := &records[i]
		r.Record = slices.Clone(old.Record)
		fn(r)
		r.UndoID = old.UndoID
		if err := t.saveUndo(&old, r, executor); err != nil {
			return "", err
		}
	}
	return engine.UndoStateOf(records), nil
}
