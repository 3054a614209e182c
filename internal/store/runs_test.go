package store

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func lines(messages ...string) []engine.LogEntry {
	log := make([]engine.LogEntry, len(messages))
	for i, m := range messages {
		log[i] = engine.LogEntry{At: noon, Level: "info", Source: "attack", Message: m}
	}
	return log
}

func TestRunsAndLogs(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Running, engine.Running, engine.Running)
	id := executors[1].ID // with neighbours on both sides
	_, err := s.Run(t.Context(), id)
	wantCode(t, err, engine.CodeNotFound)
	for _, other := range []engine.ExecutorID{executors[0].ID, executors[2].ID} {
		wantNoError(t, s.AppendLog(t.Context(), other, lines("other")))
	}

	run := engine.Run{
		Executor: id, Ref: "a:A", PID: 7, Result: json.RawMessage(`{"a":1}`),
		Progress: &engine.Progress{Percent: 5, At: noon.In(time.FixedZone("", 3600))},
	}
	wantNoError(t, s.SaveRun(t.Context(), run, lines("one", "two")))
	run.PID = 8
	wantNoError(t, s.SaveRun(t.Context(), run, nil))
	got, err := s.Run(t.Context(), id)
	wantNoError(t, err)
	run.Progress.At = noon
	wantSame(t, "the run", got, run)

	kept := lines("seven")
	kept[0].Seq = 7
	wantNoError(t, s.AppendLog(t.Context(), id, append(kept, lines("eight")...)))
	wantNoError(t, s.AppendLog(t.Context(), id, lines("nine")))
	for _, c := range []struct {
		after uint64
		limit int
		want  []uint64
	}{
		{0, 0, []uint64{1, 2, 7, 8, 9}},
		{0, 2, []uint64{1, 2}},
		{2, 2, []uint64{7, 8}},
		{5, 9, []uint64{7, 8, 9}},
		{9, 9, nil},
		{^uint64(0), 9, nil},
	} {
		log, err := s.Log(t.Context(), id, c.after, c.limit)
		wantNoError(t, err)
		var sequences []uint64
		for _, entry := range log {
			sequences = append(sequences, entry.Seq)
		}
		wantSame(t, "sequences", sequences, c.want)
	}
	log, err := s.Log(t.Context(), id, 6, 1)
	wantNoError(t, err)
	wantSame(t, "an entry", log, kept)
	check(t, s)
}

func TestFinishRun(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Running, engine.Running)
	id := executors[0].ID
	for i, state := range []engine.RecordState{engine.RecordOpen, engine.RecordUndone, engine.RecordFailed} {
		r := recordOf(executors[0], uint64(i+1))
		r.State = state
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
	}
	finish := engine.Finish{
		ID: id,
		Apply: func(e *engine.Executor) error {
			e.State, e.Finished = engine.Failed, at(9)
			return nil
		},
		Run: &engine.Run{Executor: id, PID: 9},
		Log: lines("the end"),
		Undo: func(r *engine.UndoRecord) {
			r.Due, r.State, r.Sequence = at(60), engine.RecordOpen, 99
		},
	}

	broken := finish
	broken.Apply = func(*engine.Executor) error { return errors.New("no") }
	before := records(t, s)
	if _, err := s.FinishRun(t.Context(), broken); err == nil || err.Error() != "no" {
		t.Errorf("got %v", err)
	}
	wantSame(t, "records after a refusal", records(t, s), before)

	e, err := s.FinishRun(t.Context(), finish)
	wantNoError(t, err)
	if e.State != engine.Failed || e.Undo != engine.UndoOpen {
		t.Errorf("finished as %+v", e)
	}
	got, err := s.Executor(t.Context(), id)
	wantNoError(t, err)
	wantSame(t, "what is returned is what is stored", got, e)
	records, err := s.Undos(t.Context(), id)
	wantNoError(t, err)
	for i, want := range []time.Time{at(60), {}, at(60)} {
		if r := records[i]; !r.Due.Equal(want) || r.Sequence != uint64(i+1) {
			t.Errorf("record %d is %+v", i, r)
		}
	}
	run, err := s.Run(t.Context(), id)
	if err != nil || run.PID != 9 {
		t.Errorf("the run is %+v, %v", run, err)
	}
	log, err := s.Log(t.Context(), id, 0, 0)
	if err != nil || len(log) != 1 {
		t.Errorf("the log is %+v, %v", log, err)
	}
	plan, err := s.Plan(t.Context(), p.ID)
	wantNoError(t, err)
	wantSame(t, "counts", plan.Counts, engine.Counts{Total: 2, Pending: 1, Unsettled: 1})
	check(t, s)

	skipping := engine.Finish{ID: id, Apply: func(*engine.Executor) error { return engine.ErrSkip }, Log: lines("more")}
	again, err := s.FinishRun(t.Context(), skipping)
	wantNoError(t, err)
	wantSame(t, "an executor skipped", again, e)
	if log, _ := s.Log(t.Context(), id, 1, 0); len(log) != 1 {
		t.Errorf("the rest is written, but the log goes on with %v", log)
	}
}
