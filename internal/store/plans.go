package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// CreatePlan implements engine.Store. An executor of another plan, or one whose
// id or plan id is taken, is CodeConflict or CodeInvalid; the Undo of executors
// is ignored.
func (s *Store) CreatePlan(
	ctx context.Context, p engine.Plan, executors []engine.Executor, receipt *engine.Receipt,
) error {
	n, err := prepare(p, executors, receipt)
	if err != nil {
		return err
	}
	return s.update(ctx, ordinary, 1+len(executors), n.store)
}

// newPlan is a plan on its way into the store, with the costly work done before
// the committer's transaction.
type newPlan struct {
	plan      keyed
	executors []keyed
	keys      [][]byte // of the executor index
	counts    engine.Counts
	states    map[engine.State]int
	id        engine.PlanID
	receipt   *engine.Receipt
}

// keyed is a record ready to be stored.
type keyed struct{ key, value []byte }

func prepare(p engine.Plan, executors []engine.Executor, receipt *engine.Receipt) (*newPlan, error) {
	p.Created = utc(p.Created)
	n := &newPlan{id: p.ID, receipt: receipt, states: map[engine.State]int{}}
	var err error
	if n.plan, err = makeRecord(p.ID, p); err != nil {
		return nil, err
	}
	for _, e := range executors {
		if e.PlanID != p.ID {
			return nil, engine.Errorf(engine.CodeInvalid, "executor %s is not one of plan %s", e.ID, p.ID)
		}
		if err := n.add(e); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func makeRecord[ID ~string](id ID, v any) (keyed, error) {
	key, err := idKey(id)
	if err != nil {
		return keyed{}, err
	}
	value, err := encode(v)
	return keyed{key, value}, err
}

func (n *newPlan) add(e engine.Executor) error {
	if stateBytes[e.State] == 0 {
		return engine.Errorf(engine.CodeInvalid, "executor %s: %q is not a state", e.ID, e.State)
	}
	e.Undo = engine.UndoNone
	normalizeExecutor(&e)
	record, err := makeRecord(e.ID, e)
	if err != nil {
		return err
	}
	keys, err := executorKeys(&e)
	if err != nil {
		return err
	}
	n.executors = append(n.executors, record)
	n.keys = append(n.keys, keys...)
	n.states[e.State]++
	own := share(&e)
	n.counts.Total += own.Total
	n.counts.Pending += own.Pending
	return nil
}

// store is the operation of CreatePlan.
func (n *newPlan) store(t *txn) error {
	if t.has(bucketPlans, n.plan.key) {
		return engine.Errorf(engine.CodeConflict, "there is a plan %s already", n.id)
	}
	if n.receipt != nil {
		if err := t.putReceipt(*n.receipt); err != nil {
			return err
		}
	}
	if err := t.put(bucketPlans, n.plan.key, n.plan.value); err != nil {
		return err
	}
	for _, e := range n.executors {
		if t.has(bucketExecutors, e.key) || t.has(bucketGarbage, e.key) {
			return engine.Errorf(engine.CodeConflict, "there is an executor %x already", e.key)
		}
		if err := t.put(bucketExecutors, e.key, e.value); err != nil {
			return err
		}
	}
	t.entered = append(t.entered, n.keys...)
	t.counts = map[engine.PlanID]planCounts{n.id: {Counts: n.counts}}
	t.states = n.states
	return nil
}

// Plan implements engine.Store.
func (s *Store) Plan(ctx context.Context, id engine.PlanID) (engine.Plan, error) {
	var p engine.Plan
	err := s.view(ctx, func(t *txn) error {
		key, err := find(t, bucketPlans, "plan", id, &p)
		if err != nil {
			return err
		}
		return t.fillPlan(&p, key)
	})
	return p, err
}

// fillPlan sets what is not in the plan's record.
func (t *txn) fillPlan(p *engine.Plan, key []byte) error {
	counts, err := t.countsOf(p.ID)
	if err != nil {
		return err
	}
	p.Counts = counts.Counts
	prefix := walkPrefix(planScope(key), stateBytes[engine.Scheduled])
	if k, _ := t.bucket(bucketExecutorIndex).Cursor().Seek(prefix); bytes.HasPrefix(k, prefix) {
		p.NextExecution = timeOf(k[len(prefix):])
	}
	return nil
}

// Plans implements engine.Store.
func (s *Store) Plans(ctx context.Context, q engine.PlanQuery) ([]engine.Plan, engine.Cursor, error) {
	before, err := place(listPlans, q.Cursor, idLength)
	if err != nil {
		return nil, "", err
	}
	list := bucketOpenPlans
	if q.All {
		list = bucketPlans
	}
	limit := pageLength(q.Limit)
	var plans []engine.Plan
	var next engine.Cursor
	err = s.view(ctx, func(t *txn) error {
		c := t.bucket(list).Cursor()
		var last []byte
		for key := lastBefore(c, before); key != nil; key, _ = c.Prev() {
			if len(plans) == limit {
				next = cursorAt(listPlans, last)
				return nil
			}
			p, err := t.planAt(key)
			if err != nil {
				return err
			}
			plans = append(plans, p)
			last = key
		}
		return nil
	})
	return plans, next, err
}

func (t *txn) planAt(key []byte) (engine.Plan, error) {
	var p engine.Plan
	value := t.get(bucketPlans, key)
	if value == nil {
		return p, fmt.Errorf("the index names plan %x, which is not stored", key)
	}
	if err := decode(value, &p); err != nil {
		return p, fmt.Errorf("plan %x: %w", key, err)
	}
	return p, t.fillPlan(&p, key)
}
