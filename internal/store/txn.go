package store

import (
	"bytes"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// txn is a transaction as the operations of this package see it. It remembers
// whether the current operation has changed anything, and collects what that
// means for the executor index, the counts and the tallies until the operation is complete.
type txn struct {
	tx      *bbolt.Tx
	buckets [numberOfBuckets]*bbolt.Bucket

	changed bool  // by the current operation
	garbage bool  // by any operation
	written int64 // bytes of keys and values, by all operations

	entered, left [][]byte // keys of the executor index
	counts        map[engine.PlanID]planCounts
	states        map[engine.State]int         // what is to be added to the counts by state
	tallies       map[string]engine.UndoCounts // by executor
	totals        engine.UndoCounts            // of the tallies; nil: unchanged
}

// present is the value of a key that only has to be there. It is not empty:
// within its transaction bbolt returns an empty value as nil.
var present = []byte{1}

// damage is what a transaction panics with when the file is not what it was.
type damage string

func (t *txn) bucket(b bucket) *bbolt.Bucket {
	if t.buckets[b] == nil {
		t.buckets[b] = t.tx.Bucket([]byte(bucketNames[b]))
		if t.buckets[b] == nil {
			panic(damage("the bucket " + bucketNames[b] + " is gone"))
		}
		if b != bucketExecutorIndex && b != bucketUndoDue && b != bucketHistory {
			t.buckets[b].FillPercent = fillPercent
		}
	}
	return t.buckets[b]
}

// get returns the value of key, valid for the transaction and read-only; nil
// when there is none.
func (t *txn) get(b bucket, key []byte) []byte { return t.bucket(b).Get(key) }

func (t *txn) has(b bucket, key []byte) bool { return t.get(b, key) != nil }

func (t *txn) put(b bucket, key, value []byte) error {
	t.changed = true
	t.written += int64(len(key) + len(value))
	return t.bucket(b).Put(key, value)
}

// putRecord stores v as JSON.
func (t *txn) putRecord(b bucket, key []byte, v any) error {
	value, err := encode(v)
	if err != nil {
		return err
	}
	return t.put(b, key, value)
}

func (t *txn) remove(b bucket, key []byte) error {
	t.changed = true
	return t.bucket(b).Delete(key)
}

// set makes key present or absent.
func (t *txn) set(b bucket, key []byte, want bool) error {
	switch {
	case want == t.has(b, key):
		return nil
	case want:
		return t.put(b, key, present)
	default:
		return t.remove(b, key)
	}
}

// keys returns copies of the first keys with the prefix given, at most limit of
// them; a limit of 0 is none.
func (t *txn) keys(b bucket, prefix []byte, limit int) [][]byte {
	var found [][]byte
	c := t.bucket(b).Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		found = append(found, bytes.Clone(k))
		if len(found) == limit {
			break
		}
	}
	return found
}

// apply runs one operation and completes it.
func (t *txn) apply(fn func(*txn) error) error {
	t.entered, t.left, t.counts, t.states, t.tallies, t.totals = nil, nil, nil, nil, nil, nil
	return call(func() error {
		if err := fn(t); err != nil {
			return err
		}
		return t.complete()
	})
}

// complete writes what the operation means for index, counts and tallies. The keys are
// written in order: until the commit, a bbolt page is a slice that grows
// without bound, and inserting in its midst costs its length.
func (t *txn) complete() error {
	slices.SortFunc(t.left, bytes.Compare)
	for _, key := range t.left {
		if err := t.remove(bucketExecutorIndex, key); err != nil {
			return err
		}
	}
	slices.SortFunc(t.entered, bytes.Compare)
	for _, key := range t.entered {
		if err := t.put(bucketExecutorIndex, key, present); err != nil {
			return err
		}
	}
	for plan, counts := range t.counts {
		if err := t.putCounts(plan, counts); err != nil {
			return err
		}
	}
	if err := t.putStates(); err != nil {
		return err
	}
	return t.putTallies()
}

// lastSequence returns the highest sequence stored for an executor; 0: none.
// It relies on no key of the bucket having been deleted earlier in the same
// transaction: bbolt's Prev stops at a page that has been emptied.
func (t *txn) lastSequence(b bucket, executor []byte) uint64 {
	c := t.bucket(b).Cursor()
	k, _ := c.Seek(sequenceKey(executor, ^uint64(0)))
	if k == nil {
		k, _ = c.Last()
	} else if !bytes.HasPrefix(k, executor) {
		k, _ = c.Prev()
	}
	if !bytes.HasPrefix(k, executor) {
		return 0
	}
	return binary.BigEndian.Uint64(k[idLength:])
}
