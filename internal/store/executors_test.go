package store

import (
	"errors"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestTransition(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Scheduled, engine.Scheduled, engine.Missed, engine.Scheduled)
	ids := idsOf(executors)
	start := func(e *engine.Executor) error {
		if e.State != engine.Scheduled {
			return engine.ErrSkip
		}
		e.State, e.Claim = engine.Starting, &engine.Claim{BootID: "b", DueAt: time.Hour}
		e.ID, e.PlanID, e.Undo = "stolen", "stolen", engine.UndoFailed
		return nil
	}
	asked := []engine.ExecutorID{ids[3], engine.NewExecutorID(), ids[2], ids[0], ids[3], "none"}
	changed, err := s.Transition(t.Context(), asked, start)
	wantNoError(t, err)
	wantSame(t, "changed, in the order given", idsOf(changed), []engine.ExecutorID{ids[3], ids[0]})
	for _, e := range changed {
		got, err := s.Executor(t.Context(), e.ID)
		wantNoError(t, err)
		wantSame(t, "what is returned is what is stored", got, e)
		if got.State != engine.Starting || got.Undo != engine.UndoNone || got.Claim.DueAt != time.Hour {
			t.Errorf("stored %+v", got)
		}
	}
	check(t, s)

	refusal := errors.New("not now")
	_, err = s.Transition(t.Context(), ids, func(e *engine.Executor) error {
		if e.ID == ids[3] {
			return refusal
		}
		e.State = engine.Cancelled
		return nil
	})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	if e, _ := s.Executor(t.Context(), ids[1]); e.State != engine.Scheduled {
		t.Errorf("an error undoes the whole, but %s is %s", e.ID, e.State)
	}
	_, err = s.Transition(t.Context(), ids, func(e *engine.Executor) error { e.State = "asleep"; return nil })
	wantCode(t, err, engine.CodeInternal)
	check(t, s)
}

func TestDue(t *testing.T) {
	s := openStore(t)
	p := planNamed("due")
	executors := []engine.Executor{
		executorOf(p, engine.Scheduled, at(20)),
		executorOf(p, engine.Scheduled, at(10)),
		executorOf(p, engine.Scheduled, at(10)), // a tie; its id is greater
		executorOf(p, engine.Scheduled, time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)),
		executorOf(p, engine.Starting, at(1)),
		executorOf(p, engine.Missed, at(2)),
		executorOf(p, engine.Scheduled, at(30)),
	}
	ids := idsOf(executors)
	wantNoError(t, s.CreatePlan(t.Context(), p, executors, nil))
	none := func(engine.ExecutorID) bool { return false }
	notSecond := func(id engine.ExecutorID) bool { return id == ids[1] || id == ids[3] }
	for name, c := range map[string]struct {
		until int
		limit int
		skip  func(engine.ExecutorID) bool
		want  []engine.ExecutorID
	}{
		"earliest first, ties by id":       {25, 9, none, []engine.ExecutorID{ids[3], ids[1], ids[2], ids[0]}},
		"the instant itself is due":        {10, 9, nil, []engine.ExecutorID{ids[3], ids[1], ids[2]}},
		"no more than the limit":           {25, 2, none, []engine.ExecutorID{ids[3], ids[1]}},
		"skipped ones don't count":         {25, 2, notSecond, []engine.ExecutorID{ids[2], ids[0]}},
		"no limit is a generous one":       {99, 0, nil, []engine.ExecutorID{ids[3], ids[1], ids[2], ids[0], ids[6]}},
		"nothing is due before its moment": {9, 9, notSecond, nil},
	} {
		t.Run(name, func(t *testing.T) {
			due, err := s.Due(t.Context(), at(c.until), c.limit, c.skip)
			wantNoError(t, err)
			wantSame(t, "due", idsOf(due), c.want)
		})
	}
	wantNext(t, s.NextDue, nil, executors[3].Due)
	wantNext(t, s.NextDue, notSecond, at(10))
	wantNext(t, s.NextDue, func(engine.ExecutorID) bool { return true }, time.Time{})
	for _, id := range ids[:4] {
		move(t, s, id, engine.Starting)
	}
	wantNext(t, s.NextDue, nil, at(30))
}

func TestIdsThatAreNoneAreNotFound(t *testing.T) {
	s := openStore(t)
	stored(t, s, engine.Scheduled)
	for _, id := range []string{"", "x", "00000000000000000000000000000000", "ZZ", string(make([]byte, 5000))} {
		executor, undo := engine.ExecutorID(id), engine.UndoID{Executor: engine.ExecutorID(id), Sequence: 1}
		_, ofPlan := s.Plan(t.Context(), engine.PlanID(id))
		_, ofExecutor := s.Executor(t.Context(), executor)
		_, ofRun := s.Run(t.Context(), executor)
		_, ofLog := s.Log(t.Context(), executor, 0, 0)
		_, ofFinish := s.FinishRun(t.Context(), engine.Finish{ID: executor})
		_, ofUndos := s.Undos(t.Context(), executor)
		_, ofUpdate := s.UpdateUndo(t.Context(), undo, nil)
		for method, err := range map[string]error{
			"Plan": ofPlan, "Executor": ofExecutor, "Run": ofRun, "Log": ofLog, "FinishRun": ofFinish,
			"Undos": ofUndos, "UpdateUndo": ofUpdate,
			"DeletePlan":     s.DeletePlan(t.Context(), engine.PlanID(id)),
			"DeleteExecutor": s.DeleteExecutor(t.Context(), executor),
			"SaveRun":        s.SaveRun(t.Context(), engine.Run{Executor: executor}, nil),
			"AppendLog":      s.AppendLog(t.Context(), executor, []engine.LogEntry{{Message: "m"}}),
			"AddUndo":        s.AddUndo(t.Context(), engine.UndoRecord{UndoID: undo}, 0),
		} {
			if engine.CodeOf(err) != engine.CodeNotFound {
				t.Errorf("%s of %.40q: %v", method, id, err)
			}
		}
		page, _, err := s.Executors(t.Context(), engine.ExecutorQuery{Plan: engine.PlanID(id)})
		if id != "" && (err != nil || len(page) > 0) {
			t.Errorf("executors of plan %.40q: %v, %v", id, page, err)
		}
	}
	check(t, s)
}
