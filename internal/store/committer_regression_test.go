package store

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestManyRefusalsDoNotHaltTheCommitter has more writes of one batch fail
// half-way than an int64 has bits.
func TestManyRefusalsDoNotHaltTheCommitter(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	refusal := errors.New("refused")
	for range 70 {
		h.write(t, t.Context(), func(tx *txn) error {
			return errors.Join(tx.put(bucketCache, []byte("k"), []byte("v")), refusal)
		})
	}
	var last error
	h.queued++
	h.writers.Go(func() {
		last = s.update(t.Context(), urgent, 1, func(tx *txn) error {
			for i := range 30 { // more than there is room for without growing
				if err := tx.put(bucketCache, fmt.Append(nil, i), make([]byte, 1<<20)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	eventually(t, "the last write is queued", func() bool { return len(s.queue) == h.queued })
	ended := make(chan struct{})
	go func() { h.done(); close(ended) }()
	select {
	case <-ended:
		wantNoError(t, last)
	case <-time.After(10 * time.Second):
		fmt.Println("FAIL: the committer goes round in circles") // Close would wait for it for ever
		os.Exit(1)
	}
}
