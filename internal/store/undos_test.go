package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestUndoStateFollowsTheRecords(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Running)
	e := executors[0]
	wantState := func(want engine.UndoState) {
		t.Helper()
		got, err := s.Executor(t.Context(), e.ID)
		if err != nil || got.Undo != want {
			t.Errorf("undo is %q, %v; want %q", got.Undo, err, want)
		}
		check(t, s)
	}
	set := func(sequence uint64, state engine.RecordState) {
		t.Helper()
		id := engine.UndoID{Executor: e.ID, Sequence: sequence}
		r, err := s.UpdateUndo(t.Context(), id, func(r *engine.UndoRecord) error {
			r.State, r.UndoID = state, engine.UndoID{Executor: "stolen"}
			r.Record[0] = '['
			r.Record = []byte(`{}`)
			return nil
		})
		if err != nil || r.UndoID != id || r.State != state {
			t.Errorf("updated to %+v, %v", r, err)
		}
	}
	wantState(engine.UndoNone)
	unset := recordOf(e, 1)
	unset.State = ""
	wantNoError(t, s.AddUndo(t.Context(), unset))
	wantState(engine.UndoOpen)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(e, 2)))
	wantCode(t, s.AddUndo(t.Context(), recordOf(e, 2)), engine.CodeConflict)
	set(1, engine.RecordUndoing)
	wantState(engine.UndoUndoing)
	set(1, engine.RecordUndone)
	wantState(engine.UndoOpen)
	set(2, engine.RecordFailed)
	wantState(engine.UndoFailed)
	set(2, engine.RecordKept)
	wantState(engine.UndoKept)
	set(2, engine.RecordUndone)
	wantState(engine.UndoUndone)

	before, err := s.Undos(t.Context(), e.ID)
	wantNoError(t, err)
	id := engine.UndoID{Executor: e.ID, Sequence: 1}
	for _, returned := range []error{engine.ErrSkip, errors.New("no")} {
		r, err := s.UpdateUndo(t.Context(), id, func(r *engine.UndoRecord) error {
			r.State = engine.RecordFailed
			return returned
		})
		if errors.Is(returned, engine.ErrSkip) {
			wantNoError(t, err)
			wantSame(t, "a record skipped", r, before[0])
		} else if !errors.Is(err, returned) {
			t.Errorf("got %v", err)
		}
		after, err := s.Undos(t.Context(), e.ID)
		wantNoError(t, err)
		wantSame(t, "records", after, before)
	}
	_, err = s.UpdateUndo(t.Context(), engine.UndoID{Executor: e.ID, Sequence: 3}, nil)
	wantCode(t, err, engine.CodeNotFound)
}

func TestDueUndos(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Failed, engine.Failed)
	a, b := executors[0], executors[1]
	add := func(e engine.Executor, sequence uint64, due time.Time) {
		r := recordOf(e, sequence)
		r.Due = due
		wantNoError(t, s.AddUndo(t.Context(), r))
	}
	add(a, 1, at(10))
	add(a, 2, at(10))
	add(a, 300, at(10))
	add(b, 1, at(5).Add(999))
	add(b, 2, at(20))
	add(b, 3, time.Time{})
	check(t, s)
	skipB := func(id engine.ExecutorID) bool { return id == b.ID }
	for name, c := range map[string]struct {
		until, limit int
		skip         func(engine.ExecutorID) bool
		want         string
	}{
		"earliest first, within a run the newest": {20, 0, nil, "b1 a300 a2 a1 b2 "},
		"no more than the limit":                  {20, 2, nil, "b1 a300 "},
		"the instant counts":                      {10, 9, nil, "b1 a300 a2 a1 "},
		"skipped runs don't count":                {20, 2, skipB, "a300 a2 "},
		"none before its moment":                  {4, 9, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			due, err := s.DueUndos(t.Context(), at(c.until), c.limit, c.skip)
			wantNoError(t, err)
			got := ""
			for _, r := range due {
				got += fmt.Sprintf("%s%d ", map[engine.ExecutorID]string{a.ID: "a", b.ID: "b"}[r.Executor], r.Sequence)
			}
			wantSame(t, "due", got, c.want)
		})
	}
	wantNext(t, s.NextUndo, nil, at(5))
	wantNext(t, s.NextUndo, skipB, at(10))
	_, err := s.UpdateUndo(t.Context(), recordOf(b, 1).UndoID, func(r *engine.UndoRecord) error {
		r.Due = time.Time{}
		return nil
	})
	wantNoError(t, err)
	wantNext(t, s.NextUndo, nil, at(10))
	check(t, s)
}

func TestOpenUndos(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Failed, engine.Failed)
	var want []string
	for _, e := range executors {
		for sequence := range uint64(4) {
			r := recordOf(e, sequence)
			switch sequence {
			case 1:
				r.State = engine.RecordUndone
			case 2:
				r.State = engine.RecordKept
			}
			if sequence != 1 {
				want = append(want, r.String())
			}
			wantNoError(t, s.AddUndo(t.Context(), r))
		}
	}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		cursor := engine.Cursor("")
		for {
			page, next, err := s.OpenUndos(t.Context(), limit, cursor)
			wantNoError(t, err)
			for _, r := range page {
				got = append(got, r.String())
			}
			if cursor = next; next == "" {
				break
			}
		}
		wantSame(t, fmt.Sprintf("pages of %d", limit), got, want)
	}
}
