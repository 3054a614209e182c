package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func wantNext(
	t *testing.T, next func(context.Context, func(engine.ExecutorID) bool) (time.Time, error),
	skip func(engine.ExecutorID) bool, want time.Time,
) {
	t.Helper()
	got, err := next(t.Context(), skip)
	if err != nil || !got.Equal(want) {
		t.Errorf("next is %v, %v; want %v", got, err, want)
	}
}

// twoPlans stores two plans of two attacks, and returns their executors in the
// order of the list.
func twoPlans(t *testing.T, s *Store) (a, b engine.Plan, executors []engine.Executor) {
	t.Helper()
	a, b = planNamed("a"), planNamed("b")
	b.Attack.Ref = "b:B"
	var as, bs []engine.Executor
	for i, state := range engine.States {
		e := executorOf(a, state, at(10*(i/2)))
		f := executorOf(b, state, at(10*(i/2)+5))
		as, bs = append(as, e), append(bs, f)
		if i%2 == 1 {
			executors = append(executors, as[i-1], e, bs[i-1], f)
		}
	}
	wantNoError(t, s.CreatePlan(t.Context(), a, as, nil))
	wantNoError(t, s.CreatePlan(t.Context(), b, bs, nil))
	return a, b, executors
}

func TestExecutors(t *testing.T) {
	s := openStore(t)
	a, b, all := twoPlans(t, s)
	from, to := at(10), at(30)
	for name, c := range map[string]struct {
		query engine.ExecutorQuery
		match func(e engine.Executor) bool
	}{
		"all": {engine.ExecutorQuery{}, func(engine.Executor) bool { return true }},
		"pending": {engine.ExecutorQuery{States: engine.PendingStates}, func(e engine.Executor) bool {
			return !e.State.Final()
		}},
		"one state": {engine.ExecutorQuery{States: []engine.State{engine.Lost}}, func(e engine.Executor) bool {
			return e.State == engine.Lost
		}},
		"every state named, one twice": {
			engine.ExecutorQuery{States: append([]engine.State{engine.Lost}, engine.States...)},
			func(engine.Executor) bool { return true },
		},
		"of a plan": {engine.ExecutorQuery{Plan: b.ID}, func(e engine.Executor) bool { return e.PlanID == b.ID }},
		"of a plan, pending": {
			engine.ExecutorQuery{Plan: b.ID, States: engine.PendingStates},
			func(e engine.Executor) bool { return e.PlanID == b.ID && !e.State.Final() },
		},
		"of an attack": {engine.ExecutorQuery{Attack: "b:B"}, func(e engine.Executor) bool {
			return e.AttackRef == "b:B"
		}},
		"of a plan and its attack":      {engine.ExecutorQuery{Plan: a.ID, Attack: "a:A"}, func(e engine.Executor) bool { return e.PlanID == a.ID }},
		"of a plan and another attack":  {engine.ExecutorQuery{Plan: a.ID, Attack: "b:B"}, func(engine.Executor) bool { return false }},
		"of an attack nobody knows":     {engine.ExecutorQuery{Attack: "c:C"}, func(engine.Executor) bool { return false }},
		"from an instant, which counts": {engine.ExecutorQuery{From: from}, func(e engine.Executor) bool { return !e.Due.Before(from) }},
		"to an instant, which does not": {engine.ExecutorQuery{To: to}, func(e engine.Executor) bool { return e.Due.Before(to) }},
		"from just after an instant":    {engine.ExecutorQuery{From: from.Add(1)}, func(e engine.Executor) bool { return e.Due.After(from) }},
		"to just after an instant":      {engine.ExecutorQuery{To: to.Add(1)}, func(e engine.Executor) bool { return !e.Due.After(to) }},
		"between, for a plan, in states": {
			engine.ExecutorQuery{Plan: a.ID, From: from, To: to, States: []engine.State{engine.Running, engine.Failed}},
			func(e engine.Executor) bool {
				return e.PlanID == a.ID && (e.State == engine.Running || e.State == engine.Failed)
			},
		},
		"an empty span": {engine.ExecutorQuery{From: to, To: from}, func(engine.Executor) bool { return false }},
	} {
		want := []engine.ExecutorID{}
		for _, e := range all {
			if c.match(e) {
				want = append(want, e.ID)
			}
		}
		for _, limit := range []int{1, 2, 3, 7, 100} {
			t.Run(fmt.Sprintf("%s, in pages of %d", name, limit), func(t *testing.T) {
				c.query.Limit, c.query.Newest = limit, false
				wantSame(t, "executors", allExecutors(t, s, c.query), want)
				c.query.Newest = true
				newest := slices.Clone(want)
				slices.Reverse(newest)
				wantSame(t, "executors, newest first", allExecutors(t, s, c.query), newest)
			})
		}
	}
	_, _, err := s.Executors(t.Context(), engine.ExecutorQuery{States: []engine.State{"asleep"}})
	wantCode(t, err, engine.CodeInvalid)
}

func allExecutors(t *testing.T, s *Store, q engine.ExecutorQuery) []engine.ExecutorID {
	t.Helper()
	ids := []engine.ExecutorID{}
	for {
		page, next, err := s.Executors(t.Context(), q)
		wantNoError(t, err)
		if len(page) > q.Limit || len(page) < q.Limit && next != "" {
			t.Fatalf("a page of %d has %d, next %q", q.Limit, len(page), next)
		}
		ids = append(ids, idsOf(page)...)
		if next == "" {
			return ids
		}
		q.Cursor = next
	}
}

func TestACursorStaysWhereItIs(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Scheduled, engine.Scheduled, engine.Running, engine.Scheduled, engine.Scheduled)
	q := engine.ExecutorQuery{States: engine.PendingStates, Limit: 2}
	_, cursor, err := s.Executors(t.Context(), q)
	wantNoError(t, err)

	earlier, later := planNamed("earlier"), planNamed("later")
	wantNoError(t, s.CreatePlan(t.Context(), earlier, []engine.Executor{executorOf(earlier, engine.Scheduled, at(0))}, nil))
	between := executorOf(later, engine.Starting, at(3).Add(time.Millisecond))
	wantNoError(t, s.CreatePlan(t.Context(), later, []engine.Executor{between}, nil))
	wantNoError(t, s.DeleteExecutor(t.Context(), executors[1].ID)) // where the cursor stands
	move(t, s, executors[2].ID, engine.Starting)

	q.Cursor = cursor
	want := []engine.ExecutorID{executors[2].ID, executors[3].ID, between.ID, executors[4].ID}
	wantSame(t, "the rest", allExecutors(t, s, q), want)
	q.Plan = p.ID
	want = []engine.ExecutorID{executors[2].ID, executors[3].ID, executors[4].ID}
	wantSame(t, "the rest of a narrower list", allExecutors(t, s, q), want)
}

// TestACursorStaysWhereItIsBackwards: what comes in above it is not seen, nothing
// that is below is left out, and it says so in the other order.
func TestACursorStaysWhereItIsBackwards(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Scheduled, engine.Scheduled, engine.Running, engine.Scheduled, engine.Scheduled)
	q := engine.ExecutorQuery{States: engine.PendingStates, Newest: true, Limit: 2}
	_, cursor, err := s.Executors(t.Context(), q)
	wantNoError(t, err)

	newer, between := planNamed("newer"), planNamed("between")
	wantNoError(t, s.CreatePlan(t.Context(), newer, []engine.Executor{executorOf(newer, engine.Scheduled, at(90))}, nil))
	older := executorOf(between, engine.Starting, at(2).Add(-time.Millisecond))
	wantNoError(t, s.CreatePlan(t.Context(), between, []engine.Executor{older}, nil))
	wantNoError(t, s.DeleteExecutor(t.Context(), executors[3].ID)) // where the cursor stands
	move(t, s, executors[2].ID, engine.Starting)

	q.Cursor = cursor
	want := []engine.ExecutorID{executors[2].ID, older.ID, executors[1].ID, executors[0].ID}
	wantSame(t, "the rest", allExecutors(t, s, q), want)
	q.From, q.To = at(1), at(2)
	wantSame(t, "the rest of a shorter list", allExecutors(t, s, q), want[1:3])

	q.Newest = false
	_, _, err = s.Executors(t.Context(), q)
	wantCode(t, err, engine.CodeInvalid)
}

func TestBadCursors(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Scheduled, engine.Scheduled)
	stored(t, s, engine.Scheduled)
	for i := range uint64(2) {
		wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[0], i), 0))
	}
	_, ofPlans, err := s.Plans(t.Context(), engine.PlanQuery{Limit: 1})
	wantNoError(t, err)
	_, ofExecutors, err := s.Executors(t.Context(), engine.ExecutorQuery{Limit: 1})
	wantNoError(t, err)
	_, ofNewest, err := s.Executors(t.Context(), engine.ExecutorQuery{Newest: true, Limit: 1})
	wantNoError(t, err)
	_, ofUndos, err := s.UndoRecords(t.Context(), engine.UndoQuery{Limit: 1})
	wantNoError(t, err)

	lists := map[engine.Cursor]func(engine.Cursor) error{
		ofPlans: func(c engine.Cursor) error {
			_, _, err := s.Plans(t.Context(), engine.PlanQuery{Cursor: c})
			return err
		},
		ofExecutors: func(c engine.Cursor) error {
			_, _, err := s.Executors(t.Context(), engine.ExecutorQuery{Cursor: c})
			return err
		},
		ofNewest: func(c engine.Cursor) error {
			_, _, err := s.Executors(t.Context(), engine.ExecutorQuery{Newest: true, Cursor: c})
			return err
		},
		ofUndos: func(c engine.Cursor) error {
			_, _, err := s.UndoRecords(t.Context(), engine.UndoQuery{Cursor: c})
			return err
		},
	}
	bad := []engine.Cursor{
		"x", "!!!", ofPlans + "A", ofPlans[1:], ofExecutors[:8], "AAAA",
		engine.Cursor(base64.StdEncoding.EncodeToString([]byte("e?????>>>>>????>>>>>????>"))),
	}
	for own, list := range lists {
		wantNoError(t, list(own))
		for _, c := range append(bad, ofPlans, ofExecutors, ofNewest, ofUndos) {
			if c != own {
				wantCode(t, list(c), engine.CodeInvalid)
			}
		}
	}
}

func TestPageLengths(t *testing.T) {
	s := openStore(t)
	p := planNamed("long")
	executors := make([]engine.Executor, MaxLimit+DefaultLimit)
	for i := range executors {
		executors[i] = executorOf(p, engine.Scheduled, at(i))
	}
	wantNoError(t, s.CreatePlan(t.Context(), p, executors, nil))
	for limit, want := range map[int]int{
		0: DefaultLimit, -1: DefaultLimit, 1: 1, MaxLimit: MaxLimit, MaxLimit + 1: MaxLimit,
	} {
		page, next, err := s.Executors(t.Context(), engine.ExecutorQuery{Limit: limit})
		if err != nil || len(page) != want || next == "" {
			t.Errorf("limit %d: %d, next %q, %v; want %d", limit, len(page), next, err, want)
		}
	}
}
