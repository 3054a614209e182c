package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// maxReceiptKey bounds an idempotency key in bytes.
const maxReceiptKey = 1024

func (t *txn) putReceipt(r engine.Receipt) error {
	if r.Key == "" || len(r.Key) > maxReceiptKey {
		return engine.Errorf(engine.CodeInvalid, "an idempotency key has 1 to %d bytes", maxReceiptKey)
	}
	key := []byte(r.Key)
	if t.has(bucketReceipts, key) {
		return engine.Errorf(engine.CodeConflict, "the idempotency key has been used")
	}
	r.Created = utc(r.Created)
	if err := t.putRecord(bucketReceipts, key, r); err != nil {
		return err
	}
	return t.put(bucketReceiptsByTime, append(timeKey(r.Created), key...), present)
}

// Receipt implements engine.Store.
func (s *Store) Receipt(ctx context.Context, key string) (engine.Receipt, error) {
	var r engine.Receipt
	err := s.view(ctx, func(t *txn) error {
		value := t.get(bucketReceipts, []byte(key))
		if value == nil {
			return engine.Errorf(engine.CodeNotFound, "no receipt for this idempotency key")
		}
		return decode(value, &r)
	})
	return r, err
}

// PruneReceipts implements engine.Store. Receipts are told apart by whole
// microseconds.
func (s *Store) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	end := timeKey(before)
	limit = plainLimit(limit)
	pruned := 0
	err := s.update(ctx, urgent, limit, func(t *txn) error {
		pruned = 0
		var old [][]byte
		c := t.bucket(bucketReceiptsByTime).Cursor()
		for k, _ := c.First(); k != nil && len(old) < limit; k, _ = c.Next() {
			if bytes.Compare(k[:timeLength], end) >= 0 {
				break
			}
			old = append(old, slices.Clone(k))
		}
		for _, k := range old {
			if err := t.remove(bucketReceiptsByTime, k); err != nil {
				return err
			}
			if err := t.remove(bucketReceipts, k[timeLength:]); err != nil {
				return err
			}
		}
		pruned = len(old)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return pruned, nil
}
