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
	if old := w.before(t.Add(-rateSpan)); old > 0 && old >= len(w.at)/2 { // seldom, so that it costs little
		w.at = slices.Clone(w.at[old:])
	}
	w.at = append(w.at, t)
}

// remove takes back an add.
func (w *startWindow) remove(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, at := range slices.Backward(w.at) {
		if at.Equal(t) {
			w.at = slices.Delete(w.at, i, i+1)
			return
		}
	}
}

// count says how many there were in the hour before now.
func (w *startWindow) count(now time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.at) - w.before(now.Add(-rateSpan))
}

// before says how many of the starts are older.
func (w *startWindow) before(t time.Time) int {
	n, _ := slices.BinarySearchFunc(w.at, t, time.Time.Compare)
	return n
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
	for {
		page, next, err := e.store.Executors(ctx, q)
		if err != nil {
			return fmt.Errorf("count the runs of the last hour: %w", err)
		}
		for _, ex := range page {
			if !ex.Started.IsZero() {
				starts = append(starts, ex.Started)
			}
		}
		if len(starts) > 2*e.settings.Limits.RunsPerHour || next == "" { // the newest count
			slices.SortFunc(starts, time.Time.Compare)
			starts = slices.Delete(starts, 0, max(0, len(starts)-e.settings.Limits.RunsPerHour))
		}
		if next == "" {
			break
		}
		q.Cursor = next
	}
	for _, at := range starts {
		e.starts.add(at)
	}
	return nil
}
