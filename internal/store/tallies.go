package store

import (
	"context"
	"maps"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// A tally is how many undo records an executor has in each state. Its undo state
// follows from it, so that no write of a record reads the others. The totals
// over all executors, deleted ones too, are kept in the meta bucket.

// UndoCounts implements engine.Store.
func (s *Store) UndoCounts(ctx context.Context) (engine.UndoCounts, error) {
	var totals engine.UndoCounts
	err := s.view(ctx, func(t *txn) (err error) {
		totals, err = t.undoTotals()
		return err
	})
	return totals, err
}

// undoTotals returns the totals as this operation has left them.
func (t *txn) undoTotals() (engine.UndoCounts, error) {
	if t.totals != nil {
		return t.totals, nil
	}
	return readCounts(t.get(bucketMeta, metaUndoTotals))
}

// tallyOf returns an executor's tally as this operation has left it.
func (t *txn) tallyOf(executor []byte) (engine.UndoCounts, error) {
	if counts, ok := t.tallies[string(executor)]; ok {
		return counts, nil
	}
	return readCounts(t.get(bucketUndoTallies, executor))
}

// readCounts returns the counts stored; none when there are none.
func readCounts(value []byte) (engine.UndoCounts, error) {
	counts := make(engine.UndoCounts)
	if value == nil {
		return counts, nil
	}
	return counts, decode(value, &counts)
}

// tally notes what becomes of a record. Either may be nil: it is new, or gone.
func (t *txn) tally(old, now *engine.UndoRecord, executor []byte) error {
	if old != nil && now != nil && old.State == now.State {
		return nil
	}
	totals, err := t.undoTotals()
	if err != nil {
		return err
	}
	own, err := t.tallyOf(executor)
	if err != nil {
		return err
	}
	for _, counts := range []engine.UndoCounts{totals, own} {
		if old != nil {
			counts[old.State]--
		}
		if now != nil {
			counts[now.State]++
		}
	}
	if t.tallies == nil {
		t.tallies = make(map[string]engine.UndoCounts)
	}
	t.totals, t.tallies[string(executor)] = totals, own
	return nil
}

// putTallies writes what was noted.
func (t *txn) putTallies() error {
	for executor, counts := range t.tallies {
		if err := t.putUndoCounts(bucketUndoTallies, []byte(executor), counts); err != nil {
			return err
		}
	}
	if t.totals == nil {
		return nil
	}
	return t.putUndoCounts(bucketMeta, metaUndoTotals, t.totals)
}

// putUndoCounts stores counts, without zeros; nothing when there is none left.
func (t *txn) putUndoCounts(b bucket, key []byte, counts engine.UndoCounts) error {
	maps.DeleteFunc(counts, func(_ engine.RecordState, n int) bool { return n == 0 })
	if len(counts) == 0 {
		return t.remove(b, key)
	}
	return t.putRecord(b, key, counts)
}

// refreshUndo sets the undo state of an executor to what its tally says.
func (t *txn) refreshUndo(old engine.Executor, key []byte) error {
	counts, err := t.tallyOf(key)
	if err != nil {
		return err
	}
	e := old
	if e.Undo = counts.State(); e.Undo == old.Undo {
		return nil
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
