package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// AddUndo implements engine.Store. CodeConflict when the run has a record with
// this sequence, CodeInvalid when its document is no JSON. A record without a
// state is open.
func (s *Store) AddUndo(ctx context.Context, r engine.UndoRecord, limit int) error {
	if r.State == "" {
		r.State = engine.RecordOpen
	}
	return s.update(ctx, ordinary, 1, func(t *txn) error {
		old, executor, err := t.executor(r.Executor)
		if err != nil {
			return err
		}
		if t.has(bucketUndos, sequenceKey(executor, r.Sequence)) {
			return engine.Errorf(engine.CodeConflict, "there is an undo record %s already", r.UndoID)
		}
		if err := t.wantFewer(limit); err != nil {
			return err
		}
		if err := t.saveUndo(nil, &r, executor); err != nil {
			return err
		}
		return t.refreshUndo(old, executor)
	})
}

// wantFewer refuses when limit records are unsettled; 0: no limit.
func (t *txn) wantFewer(limit int) error {
	if limit <= 0 {
		return nil
	}
	totals, err := t.undoTotals()
	if err != nil {
		return err
	}
	if n := totals.Unsettled(); n >= limit {
		return engine.Errorf(engine.CodeLimited, "of %d undo records that may be open, %d are", limit, n)
	}
	return nil
}

// UpdateUndo implements engine.Store. What fn does to the record's id is
// ignored. The record may be an abandoned one whose executor is gone.
func (s *Store) UpdateUndo(
	ctx context.Context, id engine.UndoID, fn func(*engine.UndoRecord) error,
) (engine.UndoRecord, error) {
	var updated engine.UndoRecord
	err := s.update(ctx, urgent, 1, func(t *txn) error {
		old, executor, err := t.undo(id)
		if err != nil {
			return err
		}
		if updated, err = t.changeUndo(old, executor, fn); errors.Is(err, engine.ErrSkip) {
			updated = old
			return nil
		}
		if err != nil {
			return err
		}
		return t.refreshUndoOf(id.Executor, executor)
	})
	if err != nil {
		return engine.UndoRecord{}, err
	}
	return updated, nil
}

// changeUndo applies fn to a copy of a record and stores that.
func (t *txn) changeUndo(
	old engine.UndoRecord, executor []byte, fn func(*engine.UndoRecord) error,
) (engine.UndoRecord, error) {
	r := old
	r.Record = slices.Clone(old.Record)
	if old.Abandoned != nil {
		abandoned := *old.Abandoned
		r.Abandoned = &abandoned
	}
	if err := fn(&r); err != nil {
		return old, err
	}
	r.UndoID = old.UndoID
	return r, t.saveUndo(&old, &r, executor)
}

// undo returns a record and the key of its executor.
func (t *txn) undo(id engine.UndoID) (engine.UndoRecord, []byte, error) {
	executor, err := idKey(id.Executor)
	if err != nil || !t.has(bucketUndos, sequenceKey(executor, id.Sequence)) {
		return engine.UndoRecord{}, nil, missing("undo record", id.String())
	}
	r, err := t.undoAt(sequenceKey(executor, id.Sequence))
	return r, executor, err
}

// undoAt reads the record that an index names.
func (t *txn) undoAt(key []byte) (engine.UndoRecord, error) {
	r, err := t.undoHeadAt(key)
	if err != nil {
		return r, err
	}
	document := t.get(bucketUndoDocuments, key)
	if document == nil {
		return r, fmt.Errorf("undo record %x has no document", key)
	}
	r.Record = bytes.Clone(document)
	return r, nil
}

// undoHeadAt is undoAt without the document.
func (t *txn) undoHeadAt(key []byte) (engine.UndoRecord, error) {
	var r engine.UndoRecord
	value := t.get(bucketUndos, key)
	if value == nil {
		return r, fmt.Errorf("the index names undo record %x, which is not stored", key)
	}
	if err := decode(value, &r); err != nil {
		return r, fmt.Errorf("undo record %x: %w", key, err)
	}
	return r, nil
}

// undoHead is an undo record without its document, which never changes, may be
// long, and is stored by itself.
type undoHead struct {
	*engine.UndoRecord
	Record *struct{} `json:"record,omitempty"` // hides the other
}

// saveUndo stores a record and what goes with it. old is what is stored now;
// nil: nothing.
func (t *txn) saveUndo(old, r *engine.UndoRecord, executor []byte) error {
	if r.Record == nil {
		r.Record = json.RawMessage("null")
	}
	same := old != nil && bytes.Equal(old.Record, r.Record)
	if !same && !json.Valid(r.Record) {
		return engine.Errorf(engine.CodeInvalid, "the document of undo record %s is not JSON", r.UndoID)
	}
	if err := t.saveUndoHead(old, r, executor); err != nil || same {
		return err
	}
	return t.put(bucketUndoDocuments, sequenceKey(executor, r.Sequence), r.Record)
}

// saveUndoHead is saveUndo when the document stays.
func (t *txn) saveUndoHead(old, r *engine.UndoRecord, executor []byte) error {
	if recordStateBytes[r.State] == 0 {
		return fmt.Errorf("undo record %s: %q is not a state", r.UndoID, r.State)
	}
	normalizeUndo(r)
	if err := t.indexUndo(old, r, executor); err != nil {
		return err
	}
	return t.putRecord(bucketUndos, sequenceKey(executor, r.Sequence), undoHead{UndoRecord: r})
}

// dropUndo deletes a record and what goes with it.
func (t *txn) dropUndo(old *engine.UndoRecord, executor []byte) error {
	if err := t.indexUndo(old, nil, executor); err != nil {
		return err
	}
	key := sequenceKey(executor, old.Sequence)
	if err := t.remove(bucketUndoDocuments, key); err != nil {
		return err
	}
	return t.remove(bucketUndos, key)
}

// indexUndo brings a record's index entries and the tallies up to date. Either
// may be nil: the record is new, or gone.
func (t *txn) indexUndo(old, now *engine.UndoRecord, executor []byte) error {
	for _, index := range []struct {
		bucket bucket
		key    func(*engine.UndoRecord, []byte) []byte
	}{{bucketUndoDue, undoDueKey}, {bucketUndoIndex, undoStateKey}} {
		var before, after []byte
		if old != nil {
			before = index.key(old, executor)
		}
		if now != nil {
			after = index.key(now, executor)
		}
		if err := t.replaceKey(index.bucket, before, after); err != nil {
			return err
		}
	}
	return t.tally(old, now, executor)
}

// replaceKey puts one index key in another's place; nil: none.
func (t *txn) replaceKey(b bucket, before, after []byte) error {
	if bytes.Equal(before, after) {
		return nil
	}
	if before != nil {
		if err := t.remove(b, before); err != nil {
			return err
		}
	}
	if after == nil {
		return nil
	}
	return t.put(b, after, present)
}

// changeUnsettled applies fn to the unsettled records of an executor and
// returns the undo state it has then.
func (t *txn) changeUnsettled(executor []byte, fn func(*engine.UndoRecord)) (engine.UndoState, error) {
	for _, key := range t.keys(bucketUndos, executor, 0) {
		r, err := t.undoHeadAt(key)
		if err != nil {
			return "", err
		}
		if !r.State.Unsettled() {
			continue
		}
		if r, err = t.undoAt(key); err != nil {
			return "", err
		}
		_, err = t.changeUndo(r, executor, func(r *engine.UndoRecord) error { fn(r); return nil })
		if err != nil {
			return "", err
		}
	}
	counts, err := t.tallyOf(executor)
	return counts.State(), err
}
