package store

import (
	"context"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Lever implements engine.Store.
func (s *Store) Lever(ctx context.Context) (engine.Lever, error) {
	var l engine.Lever
	err := s.view(ctx, func(t *txn) error {
		value := t.get(bucketMeta, metaLever)
		if value == nil {
			return nil
		}
		return decode(value, &l)
	})
	return l, err
}

// SetLever implements engine.Store.
func (s *Store) SetLever(ctx context.Context, l engine.Lever) error {
	l.At, l.ReleasedAt = utc(l.At), utc(l.ReleasedAt)
	return s.update(ctx, foremost, 1, func(t *txn) error { return t.putRecord(bucketMeta, metaLever, l) })
}
