package store

import (
	"context"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// sweepKeys is how many keys one sweep deletes at most: few, so that a write
// that comes meanwhile hardly waits, and bbolt's freelist stays short.
const sweepKeys = 500

// DeletePlan implements engine.Store. Records abandoned earlier stay as they
// are; those abandoned now have no Due any more.
//
// Everything that can be seen goes in one transaction. With 10,000 executors,
// each with a run and a log, that was a quarter of the time it takes to store
// them (BenchmarkDeletePlan, BenchmarkCreatePlan).
func (s *Store) DeletePlan(ctx context.Context, id engine.PlanID) error {
	var size int
	err := s.view(ctx, func(t *txn) error {
		counts, err := t.countsOf(id)
		size = counts.Total
		return err
	})
	if engine.CodeOf(err) == engine.CodeInvalid {
		return missing("plan", string(id))
	}
	if err != nil {
		return err
	}
	return s.update(ctx, urgent, 1+size, func(t *txn) error { return t.deletePlan(id) })
}

func (t *txn) deletePlan(id engine.PlanID) error {
	key, err := idKey(id)
	if err != nil || !t.has(bucketPlans, key) {
		return missing("plan", string(id))
	}
	for _, state := range []engine.State{engine.Starting, engine.Running} {
		if len(t.keys(bucketExecutorIndex, walkPrefix(planScope(key), stateBytes[state]), 1)) > 0 {
			return engine.Errorf(engine.CodeConflict, "an executor of plan %s is %s", id, state)
		}
	}
	prefix := walkPrefix(planScope(key), stateAll)
	for _, k := range t.keys(bucketExecutorIndex, prefix, 0) {
		executor := k[len(prefix)+timeLength:]
		e, err := t.executorAt(executor)
		if err != nil {
			return err
		}
		if err := t.deleteExecutor(&e, executor, nil); err != nil {
			return err
		}
	}
	counts, err := t.countsOf(id)
	if err != nil {
		return err
	}
	return t.dropPlan(key, counts)
}

// dropPlan deletes a plan whose executors this operation has deleted.
func (t *txn) dropPlan(key []byte, counts planCounts) error {
	delete(t.counts, idOf[engine.PlanID](key))
	if !counts.Ended.IsZero() {
		if err := t.remove(bucketHistory, historyKey(counts.Ended, key)); err != nil {
			return err
		}
	}
	for _, b := range []bucket{bucketPlans, bucketOpenPlans, bucketCounts} {
		if err := t.remove(b, key); err != nil {
			return err
		}
	}
	return nil
}

// DeleteExecutor implements engine.Store.
func (s *Store) DeleteExecutor(ctx context.Context, id engine.ExecutorID) error {
	return s.update(ctx, urgent, 1, func(t *txn) error {
		e, key, err := t.executor(id)
		if err != nil {
			return err
		}
		if e.State == engine.Starting || e.State == engine.Running {
			return engine.Errorf(engine.CodeConflict, "executor %s is %s", id, e.State)
		}
		return t.deleteExecutor(&e, key, nil)
	})
}

// deleteExecutor deletes an executor and its undone records, abandons those that
// are reversible, and notes its run and log as garbage. by, if not nil, is noted
// on the records that are abandoned.
func (t *txn) deleteExecutor(e *engine.Executor, key []byte, by *engine.Abandonment) error {
	if err := t.dropExecutor(e, key); err != nil {
		return err
	}
	for _, record := range t.keys(bucketUndos, key, 0) {
		r, err := t.undoHeadAt(record)
		if err != nil {
			return err
		}
		if err := t.abandon(r, key, by); err != nil {
			return err
		}
	}
	if !t.has(bucketRuns, key) && t.lastSequence(bucketLogs, key) == 0 {
		return nil
	}
	t.garbage = true
	return t.put(bucketGarbage, key, present)
}

// abandon gives up a record that can still be taken back, and deletes one that
// is undone.
func (t *txn) abandon(old engine.UndoRecord, executor []byte, by *engine.Abandonment) error {
	switch {
	case old.State.Reversible():
		r := old
		r.State, r.Due = engine.RecordAbandoned, time.Time{}
		if by != nil {
			abandoned := *by
			r.Abandoned, r.Finished = &abandoned, by.At
		}
		return t.saveUndoHead(&old, &r, executor)
	case old.State == engine.RecordAbandoned:
		return nil
	default:
		return t.dropUndo(&old, executor)
	}
}

// sweep removes some garbage and reports whether there is more. A sweep that
// fails is tried again after the next deletion or start; what it leaves takes
// room and nothing else.
func (s *Store) sweep() (more bool) {
	w := &write{urgency: urgent, done: make(chan struct{})}
	w.fn = func(t *txn) (err error) {
		more, err = t.sweep()
		return err
	}
	s.commit([]*write{w})
	return more && w.err == nil
}

// sweep removes the runs and logs of deleted executors, up to sweepKeys keys.
func (t *txn) sweep() (more bool, err error) {
	left := sweepKeys
	for _, executor := range t.keys(bucketGarbage, nil, sweepKeys) {
		if left <= 0 {
			break
		}
		entries := t.keys(bucketLogs, executor, left)
		for _, k := range entries {
			if err := t.remove(bucketLogs, k); err != nil {
				return false, err
			}
		}
		if left -= len(entries); left == 0 {
			break
		}
		for _, b := range []bucket{bucketRuns, bucketGarbage} {
			if err := t.remove(b, executor); err != nil {
				return false, err
			}
		}
		left -= 2
	}
	return len(t.keys(bucketGarbage, nil, 1)) > 0, nil
}
