package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

var _ access.Store = (*Store)(nil)

// Keys implements access.Store.
func (s *Store) Keys(ctx context.Context) ([]access.Key, error) {
	var keys []access.Key
	err := s.view(ctx, func(t *txn) error {
		return t.bucket(bucketAccessKeys).ForEach(func(_, value []byte) error {
			var k access.Key
			if err := decode(value, &k); err != nil {
				return err
			}
			keys = append(keys, k)
			return nil
		})
	})
	slices.SortFunc(keys, func(a, b access.Key) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return keys, err
}

// AddKey implements access.Store. CodeInvalid for an id that is none, CodeConflict
// for one that is taken.
func (s *Store) AddKey(ctx context.Context, k access.Key, gone ...access.KeyID) error {
	if !k.ID.Valid() {
		return engine.Errorf(engine.CodeInvalid, "%.40q is not the id of a key", string(k.ID))
	}
	normalizeKey(&k)
	return s.update(ctx, ordinary, 1+len(gone), func(t *txn) error {
		if t.has(bucketAccessKeys, []byte(k.ID)) {
			return engine.Errorf(engine.CodeConflict, "there is a key %s already", k.ID)
		}
		for _, id := range gone {
			if err := t.remove(bucketAccessKeys, []byte(id)); err != nil {
				return err
			}
		}
		return t.putRecord(bucketAccessKeys, []byte(k.ID), k)
	})
}

// RevokeKey implements access.Store. It may use the room that is reserved.
func (s *Store) RevokeKey(ctx context.Context, id access.KeyID, at time.Time) (access.Key, error) {
	var k access.Key
	err := s.update(ctx, urgent, 1, func(t *txn) error {
		k = access.Key{}
		value := t.get(bucketAccessKeys, []byte(id))
		if value == nil {
			return missing("key", string(id))
		}
		if err := decode(value, &k); err != nil {
			return err
		}
		if !k.Revoked.IsZero() {
			return nil
		}
		k.Revoked = utc(at)
		return t.putRecord(bucketAccessKeys, []byte(id), k)
	})
	return k, err
}

func normalizeKey(k *access.Key) {
	k.Created, k.Expires, k.Revoked = utc(k.Created), utc(k.Expires), utc(k.Revoked)
}
