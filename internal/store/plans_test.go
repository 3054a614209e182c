package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestCreatePlan(t *testing.T) {
	s := openStore(t)
	p := planNamed("roundtrip")
	p.Created = noon.In(time.FixedZone("", 3600))
	executors := []engine.Executor{
		executorOf(p, engine.Scheduled, at(5).Add(1999*time.Nanosecond).In(time.FixedZone("", 7200))),
		executorOf(p, engine.Missed, at(-5)),
	}
	executors[0].Args = json.RawMessage(`{"a":"<&>"}`)
	executors[0].Undo = engine.UndoFailed
	wantNoError(t, s.CreatePlan(t.Context(), p, executors, nil))
	check(t, s)

	got, err := s.Plan(t.Context(), p.ID)
	wantNoError(t, err)
	p.Created = noon
	wantSame(t, "the plan, its instant in UTC", got, p)
	wantSame(t, "its counts", got.Counts, engine.Counts{Total: 2, Pending: 1})
	if want := at(5).Add(time.Microsecond); !got.NextExecution.Equal(want) {
		t.Errorf("next execution %v, want %v", got.NextExecution, want)
	}
	if string(got.Attack.Doc) != `{"ref":"a:A","args":{"html":"<b>&"}}` {
		t.Errorf("the attack came back as %s", got.Attack.Doc)
	}
	e, err := s.Executor(t.Context(), executors[0].ID)
	wantNoError(t, err)
	executors[0].Due, executors[0].Undo = at(5).Add(time.Microsecond), engine.UndoNone
	wantSame(t, "the executor, due in whole microseconds of UTC, its undo the store's", e, executors[0])
}

func TestCreatePlanIsAllOrNothing(t *testing.T) {
	s := openStore(t)
	old, oldExecutors := stored(t, s, engine.Scheduled)
	receipt := engine.Receipt{Key: "used", Created: noon}
	wantNoError(t, s.CreatePlan(t.Context(), planNamed("with receipt"), nil, &receipt))
	for name, c := range map[string]struct {
		spoil func(p *engine.Plan, executors []engine.Executor, r *engine.Receipt)
		code  engine.Code
	}{
		"a plan id that is taken": {func(p *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			p.ID = old.ID
			executors[0].PlanID, executors[1].PlanID = old.ID, old.ID
		}, engine.CodeConflict},
		"an executor id that is taken": {func(_ *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			executors[1].ID = oldExecutors[0].ID
		}, engine.CodeConflict},
		"an executor id given twice": {func(_ *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			executors[1].ID = executors[0].ID
		}, engine.CodeConflict},
		"a receipt key that is taken": {func(_ *engine.Plan, _ []engine.Executor, r *engine.Receipt) {
			r.Key = "used"
		}, engine.CodeConflict},
		"a receipt without a key": {func(_ *engine.Plan, _ []engine.Executor, r *engine.Receipt) {
			r.Key = ""
		}, engine.CodeInvalid},
		"a receipt key without end": {func(_ *engine.Plan, _ []engine.Executor, r *engine.Receipt) {
			r.Key = strings.Repeat("k", 5000)
		}, engine.CodeInvalid},
		"an executor of another plan": {func(_ *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			executors[1].PlanID = old.ID
		}, engine.CodeInvalid},
		"a state that is none": {func(_ *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			executors[1].State = "asleep"
		}, engine.CodeInvalid},
		"an id that is none": {func(_ *engine.Plan, executors []engine.Executor, _ *engine.Receipt) {
			executors[1].ID = "x"
		}, engine.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			before := records(t, s)
			p := planNamed("spoiled")
			executors := []engine.Executor{executorOf(p, engine.Scheduled, noon), executorOf(p, engine.Scheduled, noon)}
			r := engine.Receipt{Key: "fresh", Created: noon}
			c.spoil(&p, executors, &r)
			wantCode(t, s.CreatePlan(t.Context(), p, executors, &r), c.code)
			wantSame(t, "records stored", records(t, s), before)
			check(t, s)
		})
	}
}

// records counts the keys of every bucket.
func records(t *testing.T, s *Store) map[string]int {
	t.Helper()
	n := map[string]int{}
	wantNoError(t, s.view(t.Context(), func(tx *txn) error {
		for b, name := range bucketNames {
			n[name] = len(tx.keys(bucket(b), nil, 0))
		}
		return nil
	}))
	return n
}

func TestPlans(t *testing.T) {
	s := openStore(t)
	var all, open []engine.PlanID // oldest first
	for i := range 7 {
		state := engine.Scheduled
		if i%3 == 0 {
			state = engine.Succeeded
		}
		p, _ := stored(t, s, state)
		all = append(all, p.ID)
		if state == engine.Scheduled {
			open = append(open, p.ID)
		}
	}
	for _, c := range []struct {
		name string
		all  bool
		want []engine.PlanID
	}{{"open ones", false, open}, {"all", true, all}} {
		for limit := 1; limit <= len(c.want)+1; limit++ {
			t.Run(fmt.Sprintf("%s, newest first, in pages of %d", c.name, limit), func(t *testing.T) {
				got := allPlans(t, s, engine.PlanQuery{All: c.all, Limit: limit})
				want := reversed(c.want)
				wantSame(t, "plans", got, want)
			})
		}
	}
	t.Run("a page stays where it was when plans are added and deleted", func(t *testing.T) {
		first, cursor, err := s.Plans(t.Context(), engine.PlanQuery{All: true, Limit: 3})
		wantNoError(t, err)
		stored(t, s, engine.Scheduled)
		wantNoError(t, s.DeletePlan(t.Context(), first[2].ID))
		rest := allPlans(t, s, engine.PlanQuery{All: true, Limit: 2, Cursor: cursor})
		wantSame(t, "the rest", rest, reversed(all)[3:])
	})
}

func allPlans(t *testing.T, s *Store, q engine.PlanQuery) []engine.PlanID {
	t.Helper()
	var ids []engine.PlanID
	for {
		page, next, err := s.Plans(t.Context(), q)
		wantNoError(t, err)
		if len(page) > q.Limit || len(page) < q.Limit && next != "" {
			t.Fatalf("a page of %d has %d, next %q", q.Limit, len(page), next)
		}
		for _, p := range page {
			ids = append(ids, p.ID)
		}
		if next == "" {
			return ids
		}
		q.Cursor = next
	}
}

func reversed[T any](list []T) []T {
	var r []T
	for _, v := range slices.Backward(list) {
		r = append(r, v)
	}
	return r
}

func TestAPlanIsOpenUntilNothingIsLeftToDo(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Running)
	wantOpen := func(when string, want bool) {
		t.Helper()
		open := allPlans(t, s, engine.PlanQuery{Limit: 10})
		if (len(open) == 1) != want {
			t.Errorf("%s the plan's being open is %v", when, !want)
		}
		check(t, s)
	}
	wantOpen("running,", true)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[0], 1), 0))
	move(t, s, executors[0].ID, engine.Failed)
	wantOpen("with an open undo,", true)
	got, err := s.Plan(t.Context(), p.ID)
	wantNoError(t, err)
	wantSame(t, "counts", got.Counts, engine.Counts{Total: 1, Unsettled: 1})
	_, err = s.UpdateUndo(t.Context(), recordOf(executors[0], 1).UndoID, func(r *engine.UndoRecord) error {
		r.State = engine.RecordUndone
		return nil
	})
	wantNoError(t, err)
	wantOpen("undone,", false)
}

// move brings an executor into a state.
func move(t *testing.T, s *Store, id engine.ExecutorID, state engine.State) {
	t.Helper()
	changed, err := s.Transition(t.Context(), []engine.ExecutorID{id}, func(e *engine.Executor) error {
		e.State = state
		return nil
	})
	if err != nil || len(changed) != 1 {
		t.Fatalf("move %s to %s: %v, %v", id, state, changed, err)
	}
}

func TestReceipts(t *testing.T) {
	s := openStore(t)
	for i := range 5 {
		p := planNamed("with receipt")
		r := engine.Receipt{
			Key: fmt.Sprint("key ", 4-i), Fingerprint: "f", Plan: p.ID, Warnings: []string{"w"}, Created: at(i),
		}
		wantNoError(t, s.CreatePlan(t.Context(), p, nil, &r))
		got, err := s.Receipt(t.Context(), r.Key)
		wantNoError(t, err)
		wantSame(t, "receipt", got, r)
	}
	_, err := s.Receipt(t.Context(), "none")
	wantCode(t, err, engine.CodeNotFound)
	_, err = s.Receipt(t.Context(), "")
	wantCode(t, err, engine.CodeNotFound)

	for _, c := range []struct{ before, limit, want, left int }{
		{before: 0, limit: 9, want: 0, left: 5}, // none was made before the first
		{before: 3, limit: 2, want: 2, left: 3}, // the oldest go first
		{before: 3, limit: 2, want: 1, left: 2},
		{before: 9, limit: 0, want: 2, left: 0},
	} {
		n, err := s.PruneReceipts(t.Context(), at(c.before), c.limit)
		wantNoError(t, err)
		left := records(t, s)["receipts"]
		if n != c.want || left != c.left {
			t.Errorf("%+v: pruned %d, left %d", c, n, left)
		}
		check(t, s)
	}
}
