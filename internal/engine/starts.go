package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// startWindow counts the runs started in the last hour.
type startWindow struct {
	mu sync.Mutex
	// at holds the starts in order.
	at []time.Time
}

// rateSpan is the span that Limits.RunsPerHour is about.
const rateSpan = time.Hour

func (w *startWindow) add(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, t)
}

// count says how many there were in the hour before now.
func (w *startWindow) count(now time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, _ := slices.BinarySearchFunc(w.at, now.Add(-rateSpan), func(at, since time.Time) int { return at.Compare(since) })
	if first > 0 && first >= len(w.at)/2 { // seldom, so that it costs little
		w.at = slices.Clone(w.at[first:])
		first = 0
	}
	return len(w.at) - first
}

// countStarts takes up the starts of the last hour from the store. Runs that
// were due more than an hour ago are not looked for, however late they started.
func (e *Engine) countStarts(ctx context.Context) error {
	if e.settings.Limits.RunsPerHour == 0 {
		return nil
	}
	now := time.Now()
	q := ExecutorQuery{From: now.Add(-rateSpan), To: now, Limit: 1000}
	var starts []time.Time
	for len(starts) < e.settings.Limits.RunsPerHour {
		page, next, err := e.store.Executors(ctx, q)
		if err != nil {
			return fmt.Errorf("count the runs of the last hour: %w", err)
		}
		for _, ex := range page {
			if !ex.Started.IsZero() {
				starts = append(starts, ex.Started)
			}
		}
		if next == "" {
			break
		}
		q.Cursor = next
	}
	slices.SortFunc(starts, time.Time.Compare)
	for _, at := range starts {
		e.starts.add(at)
	}
	return nil
}
