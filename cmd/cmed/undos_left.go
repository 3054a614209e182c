package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// undosLeft are the undo records that nobody executes while no daemon runs.
type undosLeft struct {
	// open counts them all, scheduled those that are to be undone at a later time:
	// from first to last.
	open, scheduled int
	first, last     time.Time
}

// undosToCome looks into the store of a daemon that does not run, or not any more.
func undosToCome(ctx context.Context, s *store.Store) (undosLeft, error) {
	var left undosLeft
	now := time.Now()
	q := engine.UndoQuery{States: []engine.RecordState{engine.RecordOpen, engine.RecordUndoing}}
	for {
		page, next, err := s.UndoRecords(ctx, q)
		if err != nil {
			return left, fmt.Errorf("list the undo records: %w", err)
		}
		for _, r := range page {
			left.add(r, now)
		}
		if next == "" {
			return left, nil
		}
		q.Cursor = next
	}
}

func (l *undosLeft) add(r engine.UndoRecord, now time.Time) {
	l.open++
	// One that is due at another time was tried before. The store may round a Due.
	if r.State != engine.RecordOpen || !r.UndoAt.After(now) || r.Due.Sub(r.UndoAt).Abs() > time.Second {
		return
	}
	if l.scheduled++; l.first.IsZero() || r.UndoAt.Before(l.first) {
		l.first = r.UndoAt
	}
	if r.UndoAt.After(l.last) {
		l.last = r.UndoAt
	}
}

// span says in words when those with a time are due.
func (l *undosLeft) span(zone *time.Location) string {
	first, last := l.first.In(zone).Format(time.RFC3339), l.last.In(zone).Format(time.RFC3339)
	if first == last {
		return first
	}
	return first + ", the last one " + last
}
