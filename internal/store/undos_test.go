package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	wantNoError(t, s.AddUndo(t.Context(), unset, 0))
	wantState(engine.UndoOpen)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(e, 2), 0))
	wantCode(t, s.AddUndo(t.Context(), recordOf(e, 2), 0), engine.CodeConflict)
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
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
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

func TestUndoRecords(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Failed, engine.Failed)
	var all []engine.UndoRecord
	for i, e := range executors {
		for sequence := range uint64(9) {
			r := recordOf(e, sequence)
			r.State = engine.RecordStates[(int(sequence)+i)%len(engine.RecordStates)]
			all = append(all, r)
			wantNoError(t, s.AddUndo(t.Context(), r, 0))
		}
	}
	for name, states := range map[string][]engine.RecordState{
		"all":                   nil,
		"one state":             {engine.RecordKept},
		"several":               engine.ReversibleStates,
		"one given twice":       {engine.RecordUndone, engine.RecordOpen, engine.RecordUndone},
		"every one by its name": engine.RecordStates,
	} {
		var want []engine.UndoRecord
		for _, r := range all {
			if len(states) == 0 || slices.Contains(states, r.State) {
				want = append(want, r)
			}
		}
		for limit := 1; limit <= len(want)+1; limit++ {
			got := allUndos(t, s, engine.UndoQuery{States: states, Limit: limit})
			wantSame(t, fmt.Sprintf("%s, in pages of %d", name, limit), got, want)
		}
	}
	_, _, err := s.UndoRecords(t.Context(), engine.UndoQuery{States: []engine.RecordState{"asleep"}})
	wantCode(t, err, engine.CodeInvalid)

	counts, err := s.UndoCounts(t.Context())
	wantNoError(t, err)
	if counts[engine.RecordOpen] != 3 || counts[engine.RecordAbandoned] != 2 || counts.Unsettled() != 9 {
		t.Errorf("counted %v", counts)
	}
}

func allUndos(t *testing.T, s *Store, q engine.UndoQuery) []engine.UndoRecord {
	t.Helper()
	var all []engine.UndoRecord
	for {
		page, next, err := s.UndoRecords(t.Context(), q)
		wantNoError(t, err)
		all = append(all, page...)
		if q.Cursor = next; next == "" {
			return all
		}
	}
}

func TestUndo(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Running)
	r := recordOf(executors[0], 7)
	r.Record = json.RawMessage("{ \"as\": \"given\" }")
	wantNoError(t, s.AddUndo(t.Context(), r, 0))
	got, err := s.Undo(t.Context(), r.UndoID)
	wantNoError(t, err)
	wantSame(t, "the record", got, r)
	if string(got.Record) != string(r.Record) {
		t.Errorf("the document is %s, and was %s", got.Record, r.Record)
	}
	got.Record[2] = 'X'
	again, err := s.Undo(t.Context(), r.UndoID)
	wantNoError(t, err)
	wantSame(t, "what is returned is a copy", again, r)

	_, err = s.Undo(t.Context(), engine.UndoID{Executor: r.Executor, Sequence: 8})
	wantCode(t, err, engine.CodeNotFound)
	none, broken := recordOf(executors[0], 8), recordOf(executors[0], 9)
	none.Record, broken.Record = nil, json.RawMessage("{")
	wantNoError(t, s.AddUndo(t.Context(), none, 0))
	got, err = s.Undo(t.Context(), none.UndoID)
	if err != nil || string(got.Record) != "null" {
		t.Errorf("no document came back as %s, %v", got.Record, err)
	}
	wantCode(t, s.AddUndo(t.Context(), broken, 0), engine.CodeInvalid)
	broken.Record, broken.State = r.Record, "asleep"
	wantCode(t, s.AddUndo(t.Context(), broken, 0), engine.CodeInternal)
	check(t, s)
}

func TestTheNumberOfUnsettledRecordsIsLimited(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Running, engine.Running)
	settled := recordOf(executors[0], 9)
	settled.State = engine.RecordKept
	wantNoError(t, s.AddUndo(t.Context(), settled, 1))
	for i, e := range executors {
		wantNoError(t, s.AddUndo(t.Context(), recordOf(e, uint64(i)), 2))
	}
	err := s.AddUndo(t.Context(), recordOf(executors[0], 5), 2)
	wantCode(t, err, engine.CodeLimited)
	if err == nil || err.Error() != "of 2 undo records that may be open, 2 are" {
		t.Errorf("it says %v", err)
	}
	_, err = s.UpdateUndo(t.Context(), recordOf(executors[1], 1).UndoID, func(r *engine.UndoRecord) error {
		r.State = engine.RecordUndone
		return nil
	})
	wantNoError(t, err)

	// Many at once: together they must not pass the limit either.
	h := hold(t, s)
	var results []error
	for i := range uint64(4) {
		results = append(results, nil)
		h.writers.Go(func() { results[i] = s.AddUndo(t.Context(), recordOf(executors[0], 20+i), 3) })
		eventually(t, "it is queued", func() bool { return len(s.queue) == int(i)+1 })
	}
	h.done()
	for i, err := range results {
		if want := map[bool]engine.Code{true: "", false: engine.CodeLimited}[i < 2]; engine.CodeOf(err) != want {
			t.Errorf("record %d of 2 that there is place for: %v", i, err)
		}
	}
	check(t, s)
}
