package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"maps"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// inspection compares every index, count and tally with what the records make.
// An index is right when it has each key that a record makes, and no more keys
// than those, so none of them has to be remembered.
type inspection struct {
	ctx    context.Context //nolint:containedctx // of one call of Check
	t      *txn
	report *Report

	counts map[engine.PlanID]engine.Counts // as the executors make them
	states map[engine.State]int
	sizes  [numberOfBuckets]int // how many keys the records make, of each index
}

// indexes are the buckets whose keys follow from the records.
var indexes = []bucket{
	bucketOpenPlans, bucketCounts, bucketHistory, bucketExecutorIndex, bucketUndoDocuments, bucketUndoIndex,
	bucketUndoDue, bucketUndoTallies, bucketReceiptsByTime,
}

func (i *inspection) run(progress Progress) error {
	for _, name := range bucketNames {
		if i.t.tx.Bucket([]byte(name)) == nil {
			i.report.find("there is no bucket %s", name)
		}
	}
	if !i.report.Whole() {
		return nil
	}
	i.counts, i.states = map[engine.PlanID]engine.Counts{}, map[engine.State]int{}
	for _, step := range []struct {
		words string
		check func() error
	}{
		{"checking the executors", i.executors},
		{"checking the plans", i.plans},
		{"checking the undo records", i.undos},
		{"checking the runs and logs", i.belongings},
		{"checking the keys and receipts", i.small},
		{"checking the audit", i.audit},
		{"counting the indexes", i.indexSizes},
	} {
		progress.tell("%s", step.words)
		if i.ctx.Err() != nil {
			return context.Cause(i.ctx)
		}
		if err := step.check(); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn for each record of a bucket, with its value decoded.
func each[T any](i *inspection, b bucket, fn func(key []byte, record T)) error {
	n := 0
	return i.t.bucket(b).ForEach(func(key, value []byte) error {
		if n++; n%1024 == 0 && i.ctx.Err() != nil {
			return context.Cause(i.ctx)
		}
		var record T
		if err := decode(value, &record); err != nil {
			i.report.find("%s %x: %v", bucketNames[b], key, err)
			return nil
		}
		fn(key, record)
		return nil
	})
}

// want notes that an index has a key, or says that it has not.
func (i *inspection) want(b bucket, key []byte) {
	i.sizes[b]++
	if !i.t.has(b, key) {
		i.report.find("the index %s lacks %x", bucketNames[b], key)
	}
}

func (i *inspection) executors() error {
	err := each(i, bucketExecutors, func(key []byte, e engine.Executor) {
		i.report.Executors++
		if hex.EncodeToString(key) != string(e.ID) {
			i.report.find("executor %.40q is stored under %x", string(e.ID), key)
		}
		if stateBytes[e.State] == 0 {
			i.report.find("executor %s: %.40q is not a state", e.ID, string(e.State))
		}
		keys, err := executorKeys(&e)
		if err != nil {
			i.report.find("executor %x: %v", key, err)
		}
		for _, k := range keys {
			i.want(bucketExecutorIndex, k)
		}
		counts, own := i.counts[e.PlanID], share(&e)
		counts.Total += own.Total
		counts.Pending += own.Pending
		counts.Unsettled += own.Unsettled
		i.counts[e.PlanID] = counts
		i.states[e.State]++
		i.undoState(key, e)
	})
	if err != nil {
		return err
	}
	stored, err := i.t.storedStates()
	if err != nil || !maps.Equal(stored, i.states) {
		i.report.find("the executors by state are counted as %v (%v), and are %v", stored, err, i.states)
	}
	return nil
}

// undoState compares an executor's undo state with its tally, which is compared
// with the records elsewhere.
func (i *inspection) undoState(key []byte, e engine.Executor) {
	tally, err := i.t.tallyOf(key)
	if err != nil {
		i.report.find("the tally of executor %s: %v", e.ID, err)
		return
	}
	if want := tally.State(); e.Undo != want {
		i.report.find("executor %s has undo %q, its records say %q", e.ID, e.Undo, want)
	}
}

func (i *inspection) plans() error {
	err := each(i, bucketPlans, func(key []byte, p engine.Plan) {
		i.report.Plans++
		if hex.EncodeToString(key) != string(p.ID) {
			i.report.find("plan %.40q is stored under %x", string(p.ID), key)
		}
		i.want(bucketCounts, key)
		counts, err := i.t.countsOf(idOf[engine.PlanID](key))
		if err != nil {
			i.report.find("the counts of plan %x: %v", key, err)
		}
		if made := i.counts[p.ID]; counts.Counts != made {
			i.report.find("plan %s counts %+v, its executors make %+v", p.ID, counts.Counts, made)
		}
		delete(i.counts, p.ID)
		if counts.Executed() == counts.Ended.IsZero() {
			i.report.find("plan %s counts %+v, and ended %s", p.ID, counts.Counts, counts.Ended)
		}
		if counts.Executed() {
			i.want(bucketHistory, historyKey(counts.Ended, key))
		} else {
			i.want(bucketOpenPlans, key)
		}
	})
	for plan, counts := range i.counts {
		i.report.find("%d executors are of plan %.40q, which is not stored", counts.Total, string(plan))
	}
	return err
}

// belongings looks for runs and logs whose executor is neither stored nor
// garbage.
func (i *inspection) belongings() error {
	owned := func(b bucket, key []byte) {
		if len(key) < idLength {
			i.report.find("%s: %x is not a key", bucketNames[b], key)
			return
		}
		if id := key[:idLength]; i.t.has(bucketExecutors, id) == i.t.has(bucketGarbage, id) {
			i.report.find("%s: %x belongs to no executor, or to one that is deleted and is not", bucketNames[b], key)
		}
	}
	err := each(i, bucketRuns, func(key []byte, run engine.Run) {
		owned(bucketRuns, key)
		if hex.EncodeToString(key) != string(run.Executor) {
			i.report.find("the run of executor %.40q is stored under %x", string(run.Executor), key)
		}
	})
	if err != nil {
		return err
	}
	if err := each(i, bucketLogs, func(key []byte, _ engine.LogEntry) { owned(bucketLogs, key) }); err != nil {
		return err
	}
	return i.t.bucket(bucketGarbage).ForEach(func(key, _ []byte) error {
		if len(key) != idLength || i.t.has(bucketExecutors, key) {
			i.report.find("%s: %x is no executor that was deleted", bucketNames[bucketGarbage], key)
		}
		return nil
	})
}

// indexSizes finds the keys of the indexes that no record makes.
func (i *inspection) indexSizes() error {
	for _, b := range indexes {
		n := 0
		err := i.t.bucket(b).ForEach(func(key, value []byte) error {
			if n++; n%1024 == 0 && i.ctx.Err() != nil {
				return context.Cause(i.ctx)
			}
			if holdsPresent(b) && !bytes.Equal(value, present) {
				i.report.find("the index %s has a value under %x", bucketNames[b], key)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n != i.sizes[b] {
			i.report.find("the index %s has %d keys, the records make %d", bucketNames[b], n, i.sizes[b])
		}
	}
	return nil
}

// holdsPresent says whether the keys are all there is to an index.
func holdsPresent(b bucket) bool {
	return b != bucketCounts && b != bucketUndoDocuments && b != bucketUndoTallies
}
