package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestADamagedPageIsAnErrorAndNoCrash overwrites each page of a file in turn.
func TestADamagedPageIsAnErrorAndNoCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s, err := Open(path, WithReserve(0))
	wantNoError(t, err)
	_, executors := stored(t, s, slices.Repeat([]engine.State{engine.Scheduled, engine.Running, engine.Failed}, 50)...)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[0], 1), 0))
	wantNoError(t, s.Close())
	whole, err := os.ReadFile(path)
	wantNoError(t, err)
	size := os.Getpagesize()
	failed := 0
	for page := range min(len(whole)/size, 64) {
		copied := append([]byte(nil), whole...)
		for i := range size {
			copied[page*size+i] = byte(i * 7)
		}
		file := filepath.Join(t.TempDir(), "damaged.db")
		wantNoError(t, os.WriteFile(file, copied, 0o600))
		if err := readAll(t, file); err != nil {
			failed++
			t.Logf("page %d: %v", page, err)
		}
	}
	if failed < 5 {
		t.Errorf("only %d damaged pages were noticed: this tests little", failed)
	}
}

// readAll opens a file and reads what is in it.
func readAll(t *testing.T, path string) error {
	t.Helper()
	s, err := Open(path, WithReserve(0))
	if err != nil {
		return err
	}
	defer s.Close()
	plans, _, err := s.Plans(t.Context(), engine.PlanQuery{All: true})
	if err != nil {
		return err
	}
	for _, p := range plans {
		if _, _, err := s.Executors(t.Context(), engine.ExecutorQuery{Plan: p.ID}); err != nil {
			return err
		}
	}
	_, _, err = s.UndoRecords(t.Context(), engine.UndoQuery{})
	return err
}
