package httpapi

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func (f *fakeEngine) Lever() engine.LeverState { return f.halted }

// EngageLever engages at 03:00 in Madrid. An engaged lever keeps who and why.
func (f *fakeEngine) EngageLever(ctx context.Context, by, reason string) engine.LeverState {
	if f.onEngage != nil {
		f.onEngage(ctx)
	}
	f.changed("engage")
	f.by, f.reason = by, reason
	if !f.halted.Engaged {
		f.halted.Engaged, f.halted.By, f.halted.Reason = true, by, reason
		f.halted.At = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	}
	return f.halted
}

func (f *fakeEngine) ReleaseLever(_ context.Context, by string) (engine.LeverState, error) {
	if err := f.fail["ReleaseLever"]; err != nil {
		return engine.LeverState{}, err
	}
	f.changed("release")
	f.halted.Engaged, f.halted.ReleasedBy = false, by
	f.halted.ReleasedAt = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	return f.halted, nil
}

func (f *fakeEngine) Status(context.Context) (engine.Status, error) {
	return f.status, f.fail["Status"]
}

func (f *fakeEngine) UndoRecords(_ context.Context, q engine.UndoQuery) ([]engine.UndoRecord, engine.Cursor, error) {
	var found []engine.UndoRecord
	for _, id := range slices.Sorted(maps.Keys(f.undos)) {
		for _, u := range f.undos[id] {
			if q.States == nil || slices.Contains(q.States, u.State) {
				found = append(found, u)
			}
		}
	}
	f.asked = q
	f.limits = append(f.limits, q.Limit)
	return page(found, q.Cursor, q.Limit, f.fail["UndoRecords"])
}

func (f *fakeEngine) UndoRecord(_ context.Context, id engine.UndoID) (engine.UndoRecord, error) {
	for _, u := range f.undos[id.Executor] {
		if u.UndoID == id {
			return u, f.fail["UndoRecord"]
		}
	}
	return engine.UndoRecord{}, engine.Errorf(engine.CodeNotFound, "undo record not found %s", id)
}

func (f *fakeEngine) RetryUndo(ctx context.Context, id engine.UndoID) (engine.UndoRecord, error) {
	u, err := f.UndoRecord(ctx, id)
	if err == nil {
		err = f.fail["RetryUndo"]
	}
	if err != nil {
		return engine.UndoRecord{}, err
	}
	f.changed("retry %s", id)
	u.State, u.Attempts = engine.RecordOpen, 0
	return u, nil
}

func (f *fakeEngine) AbandonUndo(ctx context.Context, id engine.UndoID, by, reason string) (engine.UndoRecord, error) {
	u, err := f.UndoRecord(ctx, id)
	if err == nil {
		err = f.fail["AbandonUndo"]
	}
	if err != nil {
		return engine.UndoRecord{}, err
	}
	f.changed("abandon %s", id)
	f.by, f.reason = by, reason
	u.State, u.Due = engine.RecordAbandoned, time.Time{}
	u.Abandoned = &engine.Abandonment{By: by, Reason: reason, At: time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)}
	return u, nil
}
