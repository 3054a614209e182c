package store

import (
	"context"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestManyAtOnce has writers and readers at work together; what each writes is
// there at once and the indexes agree in the end.
func TestManyAtOnce(t *testing.T) {
	s := openStore(t)
	const writers, rounds = 8, 10
	stop, cancel := context.WithCancel(t.Context())
	var reading, writing sync.WaitGroup
	for range 2 {
		reading.Go(func() { readUntil(t, stop, s) })
	}
	for range writers {
		writing.Go(func() {
			for range rounds {
				if err := writeOnce(s, func(string, string) {}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	cancel()
	reading.Wait()
	if n := records(t, s)["plans"]; n != writers*rounds {
		t.Errorf("%d plans are stored, want %d", n, writers*rounds)
	}
	swept(t, s)
	check(t, s)
}

// readUntil reads lists until ctx ends. Every plan it sees must be whole.
func readUntil(t *testing.T, ctx context.Context, s *Store) { //nolint:revive // t first
	for ctx.Err() == nil {
		plans, _, err := s.Plans(context.WithoutCancel(ctx), engine.PlanQuery{})
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range plans {
			if p.Counts.Total != 3 {
				t.Errorf("half a plan: %+v", p.Counts)
			}
		}
		if _, _, err := s.Executors(context.WithoutCancel(ctx), engine.ExecutorQuery{States: engine.PendingStates}); err != nil {
			t.Error(err)
			return
		}
	}
}
