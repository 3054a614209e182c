package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// bucket names one of the store's buckets.
type bucket int

// The buckets. Ids are 16 bytes, numbers 8 bytes big-endian, instants as timeKey
// writes them.
const (
	bucketMeta           bucket = iota // name -> text
	bucketPlans                        // plan -> engine.Plan
	bucketOpenPlans                    // plan, of those not executed
	bucketCounts                       // plan -> engine.Counts
	bucketExecutors                    // executor -> engine.Executor
	bucketExecutorIndex                // scope, state, due, executor; see executorKeys
	bucketRuns                         // executor -> engine.Run
	bucketLogs                         // executor, sequence -> engine.LogEntry
	bucketUndos                        // executor, sequence -> engine.UndoRecord
	bucketReversible                   // executor, sequence, of reversible undo records
	bucketUndoDue                      // due, executor, inverted sequence, of undo records
	bucketReceipts                     // key -> engine.Receipt
	bucketReceiptsByTime               // created, key
	bucketGarbage                      // executor, of deleted ones with a run or log left
	bucketCache                        // key -> value
	numberOfBuckets
)

var bucketNames = [numberOfBuckets]string{
	"meta", "plans", "open_plans", "counts", "executors", "executor_index", "runs", "logs",
	"undos", "reversible", "undo_due", "receipts", "receipts_by_time", "garbage", "cache",
}

// fillPercent is how full bbolt leaves a page it splits, where keys come in, or
// nearly in, order: there is little to leave room for, and the records take half
// the space. The indexes by due time keep bbolt's default: filled to 0.9 they
// were a third larger when 100,000 executors came with random due times.
const fillPercent = 0.9

// The keys of the meta bucket.
var (
	metaVersion = []byte("version")
	metaID      = []byte("id")
)

// migration brings a file from one schema version to the next.
type migration func(tx *bbolt.Tx) error

// migrations are run in order; the file's version is the number of those that
// have been run on it. Never change one that has been released.
var migrations = []migration{createBuckets}

func createBuckets(tx *bbolt.Tx) error {
	for _, name := range bucketNames {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("make the store's id: %w", err)
	}
	return tx.Bucket(metaName).Put(metaID, []byte(hex.EncodeToString(id[:])))
}

var metaName = []byte(bucketNames[bucketMeta])

// migrate brings the file to the version that steps lead to, in one
// transaction. It fails when the file is another program's or a newer cmed's.
func migrate(db *bbolt.DB, steps []migration) error {
	return db.Update(func(tx *bbolt.Tx) error {
		version, err := schemaVersion(tx)
		if err != nil {
			return err
		}
		if version > len(steps) {
			return fmt.Errorf("it was written by a newer cmed (schema version %d, this one knows %d): "+
				"use that version, or another file", version, len(steps))
		}
		if version == len(steps) {
			return nil
		}
		for i, step := range steps[version:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+i+1, err)
			}
		}
		return tx.Bucket(metaName).Put(metaVersion, []byte(strconv.Itoa(len(steps))))
	})
}

// schemaVersion returns the version of the file, 0 when it is empty.
func schemaVersion(tx *bbolt.Tx) (int, error) {
	meta := tx.Bucket(metaName)
	if meta == nil {
		if first, _ := tx.Cursor().First(); first != nil {
			return 0, errors.New("it is the bbolt file of another program")
		}
		return 0, nil
	}
	version, err := strconv.Atoi(string(meta.Get(metaVersion)))
	if err != nil || version < 1 {
		return 0, errors.New("it is a bbolt file without a schema version of cmed")
	}
	return version, nil
}
