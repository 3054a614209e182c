package store

import (
	"bytes"
	"context"
)

// The cache keeps what its user can make again, under keys of its choice. It is
// as durable as everything else here, and not bounded: its user drops what is
// no longer needed.

// Cached returns the value of key and whether there is one.
func (s *Store) Cached(key string) (value []byte, found bool, err error) {
	err = s.view(context.Background(), func(t *txn) error {
		v := t.get(bucketCache, []byte(key))
		value, found = bytes.Clone(v), v != nil
		return nil
	})
	return value, found, err
}

// PutCached sets the value of key, which must not be empty.
func (s *Store) PutCached(key string, value []byte) error {
	value = append([]byte{}, value...) // not nil, see present
	return s.update(context.Background(), ordinary, 1, func(t *txn) error {
		return t.put(bucketCache, []byte(key), value)
	})
}

// DropCached removes key. It is no error when there is none.
func (s *Store) DropCached(key string) error {
	return s.update(context.Background(), ordinary, 1, func(t *txn) error {
		return t.set(bucketCache, []byte(key), false)
	})
}

// CachedKeys returns the keys that begin with prefix, sorted.
func (s *Store) CachedKeys(prefix string) (keys []string, err error) {
	err = s.view(context.Background(), func(t *txn) error {
		for _, key := range t.keys(bucketCache, []byte(prefix), 0) {
			keys = append(keys, string(key))
		}
		return nil
	})
	return keys, err
}
