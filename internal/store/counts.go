package store

import (
	"cmp"
	"context"
	"maps"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// How many executors a plan has is kept beside the plan, and how many there are
// in each state in the meta bucket, so that neither is ever counted.

// planCounts are the counts of a plan as they are stored.
type planCounts struct {
	engine.Counts
	// Ended is the plan's time in the history; zero while it is not executed.
	Ended time.Time `json:"ended,omitzero"`
}

// ExecutorCounts implements engine.Store.
func (s *Store) ExecutorCounts(ctx context.Context) (map[engine.State]int, error) {
	var counts map[engine.State]int
	err := s.view(ctx, func(t *txn) (err error) {
		counts, err = t.storedStates()
		return err
	})
	return counts, err
}

func (t *txn) storedStates() (map[engine.State]int, error) {
	counts := make(map[engine.State]int)
	value := t.get(bucketMeta, metaStates)
	if value == nil {
		return counts, nil
	}
	return counts, decode(value, &counts)
}

// noteState notes that there are n more executors in the state of e, which may
// be nil.
func (t *txn) noteState(e *engine.Executor, n int) {
	if e == nil {
		return
	}
	if t.states == nil {
		t.states = make(map[engine.State]int)
	}
	t.states[e.State] += n
}

// putStates writes what was noted.
func (t *txn) putStates() error {
	none := func(_ engine.State, n int) bool { return n == 0 }
	changes := maps.Clone(t.states) // of a plan being made: it may be stored again
	maps.DeleteFunc(changes, none)
	if len(changes) == 0 {
		return nil
	}
	counts, err := t.storedStates()
	if err != nil {
		return err
	}
	for state, n := range changes {
		counts[state] += n
	}
	maps.DeleteFunc(counts, none)
	return t.putRecord(bucketMeta, metaStates, counts)
}

func (t *txn) noteCounts(old, now *engine.Executor) error {
	was, is := share(old), share(now)
	if was == is {
		return nil
	}
	some := cmp.Or(now, old)
	counts, err := t.countsOf(some.PlanID)
	if err != nil {
		return err
	}
	counts.Total += is.Total - was.Total
	counts.Pending += is.Pending - was.Pending
	counts.Unsettled += is.Unsettled - was.Unsettled
	if t.counts == nil {
		t.counts = make(map[engine.PlanID]planCounts)
	}
	t.counts[some.PlanID] = counts
	return nil
}

// share is what one executor adds to its plan's counts.
func share(e *engine.Executor) engine.Counts {
	var c engine.Counts
	if e == nil {
		return c
	}
	c.Total = 1
	if !e.State.Final() {
		c.Pending = 1
	}
	if e.Undo.Unsettled() {
		c.Unsettled = 1
	}
	return c
}

// putCounts stores the counts of a plan, and enters it in the list of the open
// ones or in the history.
func (t *txn) putCounts(plan engine.PlanID, counts planCounts) error {
	key, err := idKey(plan)
	if err != nil {
		return err
	}
	switch {
	case counts.Executed() && counts.Ended.IsZero():
		counts.Ended = wholeMicroseconds(time.Now())
		err = t.put(bucketHistory, historyKey(counts.Ended, key), present)
	case !counts.Executed() && !counts.Ended.IsZero():
		err = t.remove(bucketHistory, historyKey(counts.Ended, key))
		counts.Ended = time.Time{}
	}
	if err != nil {
		return err
	}
	if err := t.putRecord(bucketCounts, key, counts); err != nil {
		return err
	}
	return t.set(bucketOpenPlans, key, !counts.Executed())
}

// countsOf returns the counts of a plan as this operation has left them.
func (t *txn) countsOf(plan engine.PlanID) (planCounts, error) {
	if counts, ok := t.counts[plan]; ok {
		return counts, nil
	}
	var counts planCounts
	key, err := idKey(plan)
	if err != nil {
		return counts, err
	}
	if value := t.get(bucketCounts, key); value != nil {
		err = decode(value, &counts)
	}
	return counts, err
}
