package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// belongings gives an executor a run, a log and records in every state.
func belongings(t *testing.T, s *Store, e engine.Executor, entries int) {
	t.Helper()
	wantNoError(t, s.SaveRun(t.Context(), engine.Run{Executor: e.ID}, make([]engine.LogEntry, entries)))
	states := []engine.RecordState{
		engine.RecordOpen, engine.RecordUndoing, engine.RecordUndone, engine.RecordKept, engine.RecordFailed,
		engine.RecordAbandoned,
	}
	for i, state := range states {
		r := recordOf(e, uint64(i))
		r.State, r.Due = state, at(i)
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
	}
}

func wantAbandoned(t *testing.T, s *Store, id engine.ExecutorID) {
	t.Helper()
	left, err := s.Undos(t.Context(), id)
	wantNoError(t, err)
	var sequences []uint64
	for _, r := range left {
		sequences = append(sequences, r.Sequence)
		if r.State != engine.RecordAbandoned || r.Sequence != 5 && !r.Due.IsZero() {
			t.Errorf("left: %+v", r)
		}
	}
	wantSame(t, "records left", sequences, []uint64{0, 1, 3, 4, 5})
}

// swept waits until no garbage is left.
func swept(t *testing.T, s *Store) {
	t.Helper()
	eventually(t, "the garbage is gone", func() bool { return records(t, s)["garbage"] == 0 })
}

func TestDeletePlan(t *testing.T) {
	s := openStore(t)
	other, others := stored(t, s, engine.Scheduled, engine.Failed)
	belongings(t, s, others[1], 3)
	want := records(t, s)
	p, executors := stored(t, s, engine.Scheduled, engine.Failed, engine.Succeeded)
	belongings(t, s, executors[1], 3*sweepKeys+7)
	wantNoError(t, s.AppendLog(t.Context(), executors[2].ID, lines("only a log")))

	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	_, err := s.Plan(t.Context(), p.ID)
	wantCode(t, err, engine.CodeNotFound)
	for _, e := range executors {
		_, err := s.Executor(t.Context(), e.ID)
		wantCode(t, err, engine.CodeNotFound)
		_, err = s.Run(t.Context(), e.ID)
		wantCode(t, err, engine.CodeNotFound)
		_, err = s.Log(t.Context(), e.ID, 0, 0)
		wantCode(t, err, engine.CodeNotFound)
	}
	wantAbandoned(t, s, executors[1].ID)
	due, err := s.Due(t.Context(), at(99), 9, nil)
	wantNoError(t, err)
	wantSame(t, "still due", idsOf(due), idsOf(others[:1]))
	check(t, s)
	swept(t, s)
	for _, b := range []string{"undos", "undo_documents", "undo_index"} {
		want[b] += 5 // the abandoned ones
	}
	want["undo_tallies"]++
	want["undo_due"]++ // the one abandoned before keeps its Due
	wantSame(t, "what is left", records(t, s), want)
	check(t, s)

	_, err = s.UpdateUndo(t.Context(), recordOf(executors[1], 4).UndoID, func(r *engine.UndoRecord) error {
		r.State, r.Due = engine.RecordFailed, time.Time{}
		return nil
	})
	wantNoError(t, err)
	check(t, s)
	got, err := s.Plan(t.Context(), other.ID)
	wantNoError(t, err)
	wantSame(t, "the other plan", got.Counts, engine.Counts{Total: 2, Pending: 1, Unsettled: 1})
}

func TestDeleteExecutor(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Scheduled, engine.Failed)
	belongings(t, s, executors[1], 3)
	wantNoError(t, s.DeleteExecutor(t.Context(), executors[1].ID))
	wantAbandoned(t, s, executors[1].ID)
	wantCode(t, s.DeleteExecutor(t.Context(), executors[1].ID), engine.CodeNotFound)
	got, err := s.Plan(t.Context(), p.ID)
	wantNoError(t, err)
	wantSame(t, "counts", got.Counts, engine.Counts{Total: 1, Pending: 1})
	wantNoError(t, s.DeleteExecutor(t.Context(), executors[0].ID))
	got, err = s.Plan(t.Context(), p.ID)
	wantNoError(t, err)
	if got.Counts.Total != 0 || !got.NextExecution.IsZero() {
		t.Errorf("a plan without executors: %+v, next %v", got.Counts, got.NextExecution)
	}
	swept(t, s)
	check(t, s)
}

func TestWhatRunsIsNotDeleted(t *testing.T) {
	s := openStore(t)
	for _, state := range []engine.State{engine.Starting, engine.Running} {
		p, executors := stored(t, s, engine.Scheduled, state)
		before := records(t, s)
		wantCode(t, s.DeletePlan(t.Context(), p.ID), engine.CodeConflict)
		wantCode(t, s.DeleteExecutor(t.Context(), executors[1].ID), engine.CodeConflict)
		wantSame(t, "records", records(t, s), before)
	}
}

func TestGarbageIsSweptAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	p, executors := stored(t, s, engine.Failed, engine.Failed, engine.Failed)
	for _, e := range executors {
		wantNoError(t, s.AppendLog(t.Context(), e.ID, make([]engine.LogEntry, 2*sweepKeys)))
	}
	h := hold(t, s)
	deleted := h.write(t, t.Context(), func(tx *txn) error { return tx.deletePlan(p.ID) })
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	eventually(t, "the store is closing", func() bool {
		s.closing.RLock()
		defer s.closing.RUnlock()
		return s.closed
	})
	h.done()
	wantNoError(t, <-closed)
	wantNoError(t, *deleted)

	s = openAt(t, path)
	swept(t, s)
	if left := records(t, s)["logs"]; left != 0 {
		t.Errorf("%d log entries are left", left)
	}
	check(t, s)
}

func TestAnIDIsNotTakenAgainBeforeItsGarbageIsGone(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Failed)
	wantNoError(t, s.AppendLog(t.Context(), executors[0].ID, lines("old")))
	h := hold(t, s)
	h.write(t, t.Context(), func(tx *txn) error { return tx.deletePlan(p.ID) })
	again, err := prepare(p, executors, nil)
	wantNoError(t, err)
	refused := h.write(t, t.Context(), again.store)
	h.done()
	wantCode(t, *refused, engine.CodeConflict)
	swept(t, s)
	wantNoError(t, s.CreatePlan(t.Context(), p, executors, nil))
	check(t, s)
}
