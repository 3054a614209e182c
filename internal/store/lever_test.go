package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestLever(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	got, err := s.Lever(t.Context())
	wantNoError(t, err)
	wantSame(t, "a lever never touched", got, engine.Lever{})
	lever := engine.Lever{
		Engaged: true, By: "ops", Reason: "<enough> & over", At: noon.In(time.FixedZone("", 3600)),
		Stop: &engine.LeverStop{Runs: 3, Gone: time.Second},
	}
	wantNoError(t, s.SetLever(t.Context(), lever))
	wantNoError(t, s.Close())
	s = openAt(t, path)
	got, err = s.Lever(t.Context())
	wantNoError(t, err)
	lever.At = noon
	wantSame(t, "the lever", got, lever)
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{ReleasedBy: "ops"}))
	got, err = s.Lever(t.Context())
	wantNoError(t, err)
	wantSame(t, "the lever released", got, engine.Lever{ReleasedBy: "ops"})
}

// TestTheLeverGoesFirst has the lever set when writes of each kind wait
// already, a whole batch of them.
func TestTheLeverGoesFirst(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	var transactions []int
	var results []*error
	for range 5 {
		results = append(results, h.write(t, t.Context(), putting("a", &transactions, nil)))
	}
	bulky := &write{records: bulkRecords + 1, done: make(chan struct{}), fn: putting("b", &transactions, nil)}
	s.bulk <- bulky
	leverAt := 0
	h.writers.Go(func() {
		err := s.update(t.Context(), foremost, 1, func(tx *txn) error {
			leverAt = tx.tx.ID()
			return tx.put(bucketCache, []byte("lever"), present)
		})
		if err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the lever waits", func() bool { return len(s.first) == 1 })
	h.done()
	for _, result := range results {
		wantNoError(t, *result)
	}
	<-bulky.done
	wantCached(t, s, "a", "b", "lever")
	for _, other := range transactions {
		if other <= leverAt {
			t.Errorf("the lever was set in transaction %d, others in %v", leverAt, transactions)
		}
	}
}
