package main

import (
	"context"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// lookAtEffects finds, when nothing else is waited for, the executors whose effect is
// meant to stay: they succeeded, and no attempt to undo their records is to come until
// somebody asks for it.
func (w *waiting) lookAtEffects(ctx context.Context) error {
	if !w.waitsForEffects() {
		return nil
	}
	records, err := w.client.Undos(ctx, "open", "undoing")
	if err != nil {
		return err
	}
	coming := map[string]bool{} // by executor: an attempt to undo some record
	for _, u := range records {
		if w.isStanding(u.Executor) {
			coming[u.Executor] = coming[u.Executor] || u.State != "open" || !u.NextAttempt.IsZero()
		}
	}
	for _, id := range w.order {
		if is, open := coming[id]; open && !is {
			w.standing[id] = true
			w.take(w.executors[id])
		}
	}
	return nil
}

// waitsForEffects says whether all executors are over but for effects that are in
// place, and there is such an effect.
func (w *waiting) waitsForEffects() bool {
	found := false
	for _, id := range w.order {
		switch e := w.executors[id]; {
		case w.deleted[id] || w.isOver(e):
		case w.isStanding(id):
			found = true
		default:
			return false
		}
	}
	return found
}

// isStanding says whether an executor did what it should, and its effect is in place.
func (w *waiting) isStanding(id string) bool {
	e, ours := w.executors[id]
	return ours && e.State == "succeeded" && e.Undo == "open"
}

// isOver says whether an executor is final, and what it did stays or is undone.
func (w *waiting) isOver(e client.Executor) bool {
	return e.Final() && (!e.Undoing() || w.standing[e.ID] && w.isStanding(e.ID))
}
