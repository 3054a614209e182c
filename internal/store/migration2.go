package store

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// splitUndos leads to version 2: the documents of undo records get a bucket of
// their own, an index by state takes the place of that of the reversible ones,
// and the records are counted. It keeps to what the file's format was then, not
// to today's types.
func splitUndos(tx *bbolt.Tx) error {
	m := undoSplit{tallies: map[string]map[string]int{}, totals: map[string]int{}, undos: tx.Bucket([]byte("undos"))}
	for name, b := range map[string]**bbolt.Bucket{"undo_documents": &m.documents, "undo_index": &m.index} {
		var err error
		if *b, err = tx.CreateBucket([]byte(name)); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	if err := m.records(); err != nil {
		return err
	}
	if err := m.counts(tx); err != nil {
		return err
	}
	return tx.DeleteBucket([]byte("reversible"))
}

// undoSplit is splitUndos at work.
type undoSplit struct {
	undos, documents, index *bbolt.Bucket
	tallies                 map[string]map[string]int // executor, state
	totals                  map[string]int
}

func (m *undoSplit) records() error {
	var keys [][]byte // before any is changed: a change moves the cursor
	err := m.undos.ForEach(func(k, _ []byte) error {
		keys = append(keys, bytes.Clone(k))
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := m.record(key); err != nil {
			return fmt.Errorf("undo record %x: %w", key, err)
		}
	}
	return nil
}

func (m *undoSplit) record(key []byte) error {
	var record map[string]json.RawMessage
	if err := json.Unmarshal(m.undos.Get(key), &record); err != nil {
		return err
	}
	var state string
	if err := json.Unmarshal(record["state"], &state); err != nil {
		return fmt.Errorf("its state: %w", err)
	}
	number, known := map[string]byte{
		"open": 1, "undoing": 2, "undone": 3, "kept": 4, "failed": 5, "abandoned": 6,
	}[state]
	if !known {
		return fmt.Errorf("%q is not a state", state)
	}
	document := record["record"]
	if document == nil {
		document = json.RawMessage("null")
	}
	delete(record, "record")
	head, err := encode(record)
	if err != nil {
		return err
	}
	executor := string(key[:16])
	if m.tallies[executor] == nil {
		m.tallies[executor] = map[string]int{}
	}
	m.tallies[executor][state]++
	m.totals[state]++
	if err := m.documents.Put(key, document); err != nil {
		return err
	}
	if err := m.index.Put(append([]byte{number}, key...), []byte{1}); err != nil {
		return err
	}
	return m.undos.Put(key, head)
}

func (m *undoSplit) counts(tx *bbolt.Tx) error {
	tallies, err := tx.CreateBucket([]byte("undo_tallies"))
	if err != nil {
		return err
	}
	for executor, counts := range m.tallies {
		value, err := encode(counts)
		if err != nil {
			return err
		}
		if err := tallies.Put([]byte(executor), value); err != nil {
			return err
		}
	}
	if len(m.totals) == 0 {
		return nil
	}
	value, err := encode(m.totals)
	if err != nil {
		return err
	}
	return tx.Bucket([]byte("meta")).Put([]byte("undo_totals"), value)
}
