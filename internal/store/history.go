package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The history lists the plans that are executed by when they became so. A plan
// of which an executor was due later still, for it was called off before, is
// listed anew under that instant when its turn comes.

func historyKey(ended time.Time, plan []byte) []byte { return append(timeKey(ended), plan...) }

// PruneHistory implements engine.Store. The steps wait for small writes, as bulky
// ones do. A run's log is deleted afterwards, see the package's comment. Nothing is
// deleted for having ended before the store's history began, which is when it was
// brought to the version that has one, or restored.
func (s *Store) PruneHistory(
	ctx context.Context, before time.Time, limit int, by engine.Abandonment,
) (engine.Pruned, error) {
	p := pruning{before: before, limit: plainLimit(limit), by: by, spoilt: &s.spoilt}
	err := s.view(ctx, p.find)
	if err != nil || len(p.plans)+len(p.orphans) == 0 {
		return engine.Pruned{}, err
	}
	err = s.update(ctx, urgent, bulkRecords+1, p.apply)
	if bad, ok := errors.AsType[*spoiltError](err); ok { // and nothing was done
		s.spoilt.add(bad.key)
		return engine.Pruned{Damaged: bad, More: true}, nil
	}
	if err != nil {
		return engine.Pruned{}, err
	}
	return p.done, nil
}

// pruning is one step of deleting history: what was found in a read transaction,
// then what was done in the write transaction, which looks at all again.
type pruning struct {
	before  time.Time
	limit   int
	by      engine.Abandonment
	spoilt  *spoilt
	plans   []endedPlan
	orphans [][]byte // keys of undo records
	done    engine.Pruned
}

// endedPlan is a plan in the history.
type endedPlan struct {
	key   []byte
	ended time.Time
	due   time.Time // the last due instant of its executors, if that is too late
}

// find looks for plans, and if there are none, for records.
func (p *pruning) find(t *txn) error {
	since, err := t.historySince()
	if err != nil || p.before.Before(since) {
		return err
	}
	if p.findPlans(t); len(p.plans) == 0 {
		p.findOrphans(t)
	}
	return nil
}

// historySince is when the history began; zero: it always was.
func (t *txn) historySince() (since time.Time, err error) {
	if value := t.get(bucketMeta, metaHistory); value != nil {
		err = decode(value, &since)
	}
	return since, err
}

// findPlans finds the oldest plans, with no more executors than may be deleted but
// for the first plan.
func (p *pruning) findPlans(t *txn) {
	size := 0
	for ended, key := range t.dueIndex(bucketHistory, nil) {
		if !ended.Before(p.before) || size >= p.limit {
			break
		}
		if p.spoilt.has(key) {
			continue
		}
		plan := endedPlan{key: slices.Clone(key), ended: ended}
		if due := t.lastDue(key); !due.Before(p.before) {
			plan.due = due
		}
		p.plans = append(p.plans, plan)
		counts, _ := t.countsOf(idOf[engine.PlanID](key)) // an error is met again
		size += 1 + counts.Total
	}
}

// lastDue returns the last due instant of a plan's executors; zero: it has none.
// Not to be called after deletions in the same transaction, as lastSequence.
func (t *txn) lastDue(plan []byte) time.Time {
	prefix := walkPrefix(planScope(plan), stateAll)
	c := t.bucket(bucketExecutorIndex).Cursor()
	k, _ := c.Seek(append(slices.Clone(prefix), bytes.Repeat([]byte{0xff}, placeLength)...))
	if k == nil {
		k, _ = c.Last()
	} else if !bytes.HasPrefix(k, prefix) {
		k, _ = c.Prev()
	}
	if !bytes.HasPrefix(k, prefix) {
		return time.Time{}
	}
	return timeOf(k[len(prefix):])
}

// findOrphans finds the records that were given up long ago and whose executor is
// gone. Ids begin with the time of their making, so no later one is older.
func (p *pruning) findOrphans(t *txn) {
	prefix := []byte{recordStateBytes[engine.RecordAbandoned]}
	for place := range t.merge(bucketUndoIndex, [][]byte{prefix}, stretch{}) {
		executor := place[:idLength]
		if len(p.orphans) == p.limit || !idTime(executor).Before(p.before) {
			break
		}
		if t.has(bucketExecutors, executor) || p.spoilt.has(place) {
			continue
		}
		if r, err := t.undoHeadAt(place); err != nil || p.isOld(r) { // an error is met again
			p.orphans = append(p.orphans, slices.Clone(place))
		}
	}
}

// idTime is when an id was made.
func idTime(key []byte) time.Time {
	var ms int64
	for _, b := range key[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms)
}

func (p *pruning) isOld(r engine.UndoRecord) bool {
	old := r.State == engine.RecordAbandoned && r.Created.Before(p.before) && r.Finished.Before(p.before)
	return old && (r.Abandoned == nil || r.Abandoned.At.Before(p.before))
}

// apply is the step's write.
func (p *pruning) apply(t *txn) error {
	p.done = engine.Pruned{}
	left := p.limit
	for _, plan := range p.plans {
		if left <= 0 {
			break
		}
		used, err := p.plan(t, plan, left)
		if err != nil {
			return &spoiltError{plan.key, fmt.Errorf("plan %x: %w", plan.key, err)}
		}
		left -= used
	}
	for _, key := range p.orphans {
		used, err := p.orphan(t, key)
		if err != nil {
			return &spoiltError{key, fmt.Errorf("undo record %x: %w", key, err)}
		}
		left -= used
	}
	p.done.More = left < p.limit
	return nil
}

// plan deletes a plan, or so many records of it as are left to do; it returns
// how many that were. A plan that is not as it was found is left alone, and no
// longer listed as it was.
func (p *pruning) plan(t *txn, plan endedPlan, left int) (used int, err error) {
	id := idOf[engine.PlanID](plan.key)
	counts, err := t.countsOf(id)
	if err != nil {
		return 0, err
	}
	if place := historyKey(plan.ended, plan.key); !counts.Executed() || !counts.Ended.Equal(plan.ended) {
		if !t.has(bucketHistory, place) {
			return 0, nil
		}
		return 1, t.remove(bucketHistory, place)
	}
	if !plan.due.IsZero() {
		return 1, t.endLater(plan, counts)
	}
	prefix := walkPrefix(planScope(plan.key), stateAll)
	executors := t.keys(bucketExecutorIndex, prefix, left)
	for _, k := range executors {
		n, err := p.executor(t, k[len(prefix)+timeLength:], left-used)
		if used += n; err != nil || used >= left {
			return used, err
		}
	}
	p.done.Plans = append(p.done.Plans, id)
	return used + 1, t.dropPlan(plan.key, counts)
}

// endLater lists a plan under the last due instant of its executors.
func (t *txn) endLater(plan endedPlan, counts planCounts) error {
	if err := t.remove(bucketHistory, historyKey(plan.ended, plan.key)); err != nil {
		return err
	}
	counts.Ended = plan.due
	if err := t.put(bucketHistory, historyKey(counts.Ended, plan.key), present); err != nil {
		return err
	}
	return t.putRecord(bucketCounts, plan.key, counts)
}

// executor deletes an executor, or, when it has more undo records than are left
// to do, so many of those.
func (p *pruning) executor(t *txn, key []byte, left int) (used int, err error) {
	e, err := t.executorAt(key)
	if err != nil {
		return 0, err
	}
	if !e.State.Final() || e.Undo.Unsettled() {
		return 0, fmt.Errorf("executor %s is %s, and its undo %s, in a plan that is executed", e.ID, e.State, e.Undo)
	}
	records := len(t.keys(bucketUndos, key, left))
	if records == left {
		settled, err := p.settle(t, key, left)
		if err != nil || settled > 0 {
			return left, err
		}
	}
	p.done.Executors++
	return 1 + records, t.deleteExecutor(&e, bytes.Clone(key), &p.by)
}

// settle deletes so many of an executor's records that are undone, or abandons
// those that are kept, and returns how many it found.
func (p *pruning) settle(t *txn, executor []byte, limit int) (settled int, err error) {
	for _, key := range t.keys(bucketUndos, executor, 0) {
		if settled == limit {
			break
		}
		r, err := t.undoHeadAt(key)
		if err != nil {
			return settled, err
		}
		if r.State == engine.RecordAbandoned {
			continue
		}
		if err := t.abandon(r, executor, &p.by); err != nil {
			return settled, err
		}
		settled++
	}
	return settled, t.refreshUndoOf(idOf[engine.ExecutorID](executor), executor)
}

// orphan deletes a record, unless it is no longer one to go.
func (p *pruning) orphan(t *txn, key []byte) (used int, err error) {
	executor := key[:idLength]
	if !t.has(bucketUndos, key) || t.has(bucketExecutors, executor) {
		return 0, nil
	}
	r, err := t.undoHeadAt(key)
	if err != nil || !p.isOld(r) {
		return 0, err
	}
	p.done.Undos++
	return 1, t.dropUndo(&r, executor)
}
