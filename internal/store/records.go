package store

import (
	"errors"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// missing is the error for a thing that does not exist.
func missing(what, id string) error {
	return engine.Errorf(engine.CodeNotFound, "%s not found %.80s", what, id)
}

// find reads the record with the id given into v and returns its key.
func find[ID ~string](t *txn, b bucket, what string, id ID, v any) ([]byte, error) {
	key, err := idKey(id)
	if err != nil {
		return nil, missing(what, string(id))
	}
	value := t.get(b, key)
	if value == nil {
		return nil, missing(what, string(id))
	}
	if err := decode(value, v); err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, id, err)
	}
	return key, nil
}

func (t *txn) executor(id engine.ExecutorID) (engine.Executor, []byte, error) {
	var e engine.Executor
	key, err := find(t, bucketExecutors, "executor", id, &e)
	return e, key, err
}

// executorAt reads the executor that an index names.
func (t *txn) executorAt(key []byte) (engine.Executor, error) {
	var e engine.Executor
	value := t.get(bucketExecutors, key)
	if value == nil {
		return e, fmt.Errorf("the index names executor %x, which is not stored", key)
	}
	return e, decode(value, &e)
}

// saveExecutor stores an executor with its index entries and its share in all
// counts. old is what is stored now; nil: nothing. The Undo field is the
// caller's to have set right.
func (t *txn) saveExecutor(old, e *engine.Executor) error {
	if stateBytes[e.State] == 0 {
		return fmt.Errorf("executor %s: %q is not a state", e.ID, e.State)
	}
	key, err := idKey(e.ID)
	if err != nil {
		return err
	}
	normalizeExecutor(e)
	if err := t.reindex(old, e); err != nil {
		return err
	}
	return t.putRecord(bucketExecutors, key, e)
}

// dropExecutor is saveExecutor for an executor that is to be gone.
func (t *txn) dropExecutor(old *engine.Executor, key []byte) error {
	if err := t.reindex(old, nil); err != nil {
		return err
	}
	return t.remove(bucketExecutors, key)
}

// reindex notes what becomes of an executor's index entries and of the counts by
// state and of its plan. Either may be nil: the executor is new, or gone. No executor may be
// given twice in one operation.
func (t *txn) reindex(old, now *engine.Executor) error {
	var before, after [][]byte
	var err error
	if old != nil {
		if before, err = executorKeys(old); err != nil {
			return err
		}
	}
	if now != nil {
		if after, err = executorKeys(now); err != nil {
			return err
		}
	}
	t.noteKeys(before, after)
	t.noteState(old, -1)
	t.noteState(now, 1)
	return t.noteCounts(old, now)
}

// noteKeys notes the keys that differ. The lists have the same order.
func (t *txn) noteKeys(before, after [][]byte) {
	for i := range max(len(before), len(after)) {
		switch {
		case i >= len(before):
			t.entered = append(t.entered, after[i])
		case i >= len(after):
			t.left = append(t.left, before[i])
		case string(before[i]) != string(after[i]):
			t.left = append(t.left, before[i])
			t.entered = append(t.entered, after[i])
		}
	}
}

// change applies fn to a copy of e and puts back what is not fn's to change. It
// reports false when fn skips.
func change(e engine.Executor, fn func(*engine.Executor) error) (engine.Executor, bool, error) {
	changed := e
	if e.Claim != nil {
		claim := *e.Claim
		changed.Claim = &claim
	}
	err := fn(&changed)
	if errors.Is(err, engine.ErrSkip) {
		return e, false, nil
	}
	changed.ID, changed.PlanID, changed.Undo = e.ID, e.PlanID, e.Undo
	return changed, err == nil, err
}
