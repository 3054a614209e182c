package store

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// check recomputes every index and every count from the records and compares
// them with what is stored. It reports bbolt's own findings too.
func check(t testing.TB, s *Store) {
	t.Helper()
	err := s.view(t.Context(), func(tx *txn) error {
		c := &checker{
			t: t, tx: tx, want: map[bucket]map[string]bool{}, counts: map[engine.PlanID]engine.Counts{},
			undoStates: map[string]engine.UndoState{},
		}
		c.executors()
		c.plans()
		c.undos()
		c.receipts()
		c.belongings()
		c.compare()
		return nil
	})
	wantNoError(t, err)
	// bbolt's own check looks at the list of free pages, which belongs to the
	// writer, so no other may be at work.
	err = s.update(t.Context(), urgent, 0, func(tx *txn) error {
		for err := range tx.tx.Check() {
			t.Errorf("bbolt: %v", err)
		}
		return nil
	})
	wantNoError(t, err)
}

type checker struct {
	t      testing.TB
	tx     *txn
	want   map[bucket]map[string]bool
	counts map[engine.PlanID]engine.Counts
	// undoStates are those of the executors, by key.
	undoStates map[string]engine.UndoState
}

// indexes are the buckets whose keys follow from the records.
var indexes = []bucket{
	bucketExecutorIndex, bucketOpenPlans, bucketUndoDocuments, bucketUndoTallies, bucketUndoIndex, bucketUndoDue, bucketReceiptsByTime,
}

func (c *checker) expect(b bucket, key []byte) {
	if c.want[b] == nil {
		c.want[b] = map[string]bool{}
	}
	c.want[b][string(key)] = true
}

// each decodes every record of a bucket.
func each[T any](c *checker, b bucket, fn func(key []byte, v T)) {
	err := c.tx.bucket(b).ForEach(func(k, v []byte) error {
		var record T
		if err := decode(v, &record); err != nil {
			return err
		}
		fn(k, record)
		return nil
	})
	if err != nil {
		c.t.Errorf("bucket %s: %v", bucketNames[b], err)
	}
}

func (c *checker) executors() {
	each(c, bucketExecutors, func(key []byte, e engine.Executor) {
		if hex.EncodeToString(key) != string(e.ID) {
			c.t.Errorf("executor %s is stored under %x", e.ID, key)
		}
		keys, err := executorKeys(&e)
		wantNoError(c.t, err)
		for _, k := range keys {
			c.expect(bucketExecutorIndex, k)
		}
		counts, own := c.counts[e.PlanID], share(&e)
		counts.Total += own.Total
		counts.Pending += own.Pending
		counts.Unsettled += own.Unsettled
		c.counts[e.PlanID] = counts
		c.undoStates[string(key)] = e.Undo
	})
}

func (c *checker) plans() {
	seen := 0
	each(c, bucketPlans, func(key []byte, p engine.Plan) {
		counts, err := c.tx.countsOf(p.ID)
		wantNoError(c.t, err)
		if counts != c.counts[p.ID] {
			c.t.Errorf("plan %s counts %+v, its executors %+v", p.ID, counts, c.counts[p.ID])
		}
		if !counts.Executed() {
			c.expect(bucketOpenPlans, key)
		}
		if _, ok := c.counts[p.ID]; ok {
			seen++
		}
	})
	if seen != len(c.counts) {
		c.t.Errorf("executors of %d plans, %d of them stored", len(c.counts), seen)
	}
}

func (c *checker) undos() {
	records, totals := map[string][]engine.UndoRecord{}, engine.UndoCounts{}
	each(c, bucketUndos, func(key []byte, r engine.UndoRecord) {
		executor := key[:idLength]
		c.expect(bucketUndoIndex, undoStateKey(&r, executor))
		if !r.Due.IsZero() {
			c.expect(bucketUndoDue, undoDueKey(&r, executor))
		}
		c.expect(bucketUndoDocuments, key)
		if strings.Contains(string(c.tx.get(bucketUndos, key)), `"record"`) {
			c.t.Errorf("undo record %x is stored with its document", key)
		}
		records[string(executor)] = append(records[string(executor)], r)
		totals[r.State]++
	})
	each(c, bucketUndoTallies, func(executor []byte, counts engine.UndoCounts) {
		want := engine.UndoCounts{}
		for _, r := range records[string(executor)] {
			want[r.State]++
		}
		if !maps.Equal(counts, want) {
			c.t.Errorf("the tally of %x is %v, its records say %v", executor, counts, want)
		}
	})
	for executor := range records {
		c.expect(bucketUndoTallies, []byte(executor))
	}
	for executor, state := range c.undoStates {
		if want := engine.UndoStateOf(records[executor]); state != want {
			c.t.Errorf("executor %x has undo %q, its records say %q", executor, state, want)
		}
	}
	if got, err := c.tx.undoTotals(); err != nil || !maps.Equal(got, totals) {
		c.t.Errorf("the totals are %v, %v; the records say %v", got, err, totals)
	}
}

func (c *checker) receipts() {
	each(c, bucketReceipts, func(key []byte, r engine.Receipt) {
		c.expect(bucketReceiptsByTime, append(timeKey(r.Created), key...))
	})
}

// belongings looks for runs and logs whose executor is neither stored nor
// garbage.
func (c *checker) belongings() {
	for _, b := range []bucket{bucketRuns, bucketLogs} {
		err := c.tx.bucket(b).ForEach(func(k, _ []byte) error {
			id := k[:idLength]
			if c.tx.has(bucketExecutors, id) == c.tx.has(bucketGarbage, id) {
				return fmt.Errorf("%x belongs to nobody, or to one dead and alive", k)
			}
			return nil
		})
		if err != nil {
			c.t.Errorf("bucket %s: %v", bucketNames[b], err)
		}
	}
}

func (c *checker) compare() {
	for _, b := range indexes {
		var got []string
		for _, k := range c.tx.keys(b, nil, 0) {
			got = append(got, string(k))
		}
		var want []string
		for k := range c.want[b] {
			want = append(want, k)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			c.t.Errorf("index %s has %d keys, the records make %d:\n got %x\nwant %x",
				bucketNames[b], len(got), len(want), got, want)
		}
	}
}
