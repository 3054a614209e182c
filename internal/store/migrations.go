package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// migration brings a file from one schema version to the next.
type migration func(tx *bbolt.Tx) error

// migrations are run in order; the file's version is the number of those that
// have been run on it. Never change one that has been released.
var migrations = []migration{createBuckets, splitUndos, keepHistory}

// createBuckets makes an empty file of version 1.
func createBuckets(tx *bbolt.Tx) error {
	for _, name := range []string{
		"meta", "plans", "open_plans", "counts", "executors", "executor_index", "runs", "logs",
		"undos", "reversible", "undo_due", "receipts", "receipts_by_time", "garbage", "cache",
	} {
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

// migrate brings the file to the version that steps lead to, in one
// transaction. It fails when the file is another program's or a newer cmed's.
func migrate(db *bbolt.DB, steps []migration) error {
	var version int
	err := db.View(func(tx *bbolt.Tx) (err error) {
		version, err = schemaVersion(tx)
		return err
	})
	if err != nil || version == len(steps) {
		return err // a commit would write for nothing, also to a file that is damaged
	}
	return db.Update(func(tx *bbolt.Tx) error { return migrateIn(tx, steps) })
}

// migrateIn is migrate in the transaction given.
func migrateIn(tx *bbolt.Tx, steps []migration) error {
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
