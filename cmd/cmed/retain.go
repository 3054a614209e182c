package main

import (
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoPage is how many records are read at once.
const undoPage = 500

// undoDigests returns the digests of the plugins that reversible undo records
// need: only the binary that did a harm takes it back.
func undoDigests(ctx context.Context, store engine.Store) (map[string]bool, error) {
	digests := map[string]bool{}
	var at engine.Cursor
	for {
		records, next, err := store.UndoRecords(ctx, engine.UndoQuery{
			States: engine.ReversibleStates, Limit: undoPage, Cursor: at,
		})
		if err != nil {
			return nil, fmt.Errorf("list the plugins that undo records need: %w", err)
		}
		for _, r := range records {
			digests[r.Digest] = true
		}
		if next == "" {
			return digests, nil
		}
		at = next
	}
}
