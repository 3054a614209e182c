package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// observed starts the daemon anew with somebody who is told.
func (d *daemon) observed() *mirror {
	d.t.Helper()
	m := newMirror(d.t)
	d.restartWith(func(s *engine.Settings) { s.Observe = m.changed })
	return m
}

// told fails unless exactly these types were told since the last call.
func (m *mirror) told(want ...string) {
	m.t.Helper()
	if got := m.seen(); !slices.Equal(got, want) {
		m.t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestALifeIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		m := d.observed()
		d.stage.attacks["test:Harm"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			time.Sleep(time.Second)
			return harming(1, fails)(ctx, s, sink)
		}
		plan := d.plan("test:Harm", 10*time.Second)
		m.told("plan.created")
		id := d.only(plan.ID).ID
		if _, _, err := d.MoveExecutor(t.Context(), id, time.Now().Add(20*time.Second)); err != nil {
			t.Fatal(err)
		}
		m.told("executor.moved")
		if _, _, err := d.MoveExecutor(t.Context(), id, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		m.told("executor.missed")
		if _, _, err := d.MoveExecutor(t.Context(), id, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		m.told("executor.moved")
		in(5 * time.Minute)
		m.told("executor.starting", "executor.running", "undo.open", "executor.failed", "undo.open", "undo.undoing", "undo.undone")
		m.matches(d, plan.ID)
		if _, err := d.DeleteExecutor(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		m.told("executor.deleted")
		if _, err := d.DeletePlan(t.Context(), plan.ID, false); err != nil {
			t.Fatal(err)
		}
		m.told("plan.deleted")
	})
}

func TestAPlanIsToldAsItIsStored(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var told []engine.Change
		d.restartWith(func(s *engine.Settings) {
			s.Observe = func(c engine.Change) { told = append(told, c) }
		})
		stored := d.planWith(engine.PlanSpec{
			Name: "test", Attack: config(noop, nil), Labels: map[string]string{"team": "a"},
		}, -time.Hour, 2*time.Hour, time.Hour)
		if len(told) != 1 || told[0].Plan == nil {
			t.Fatalf("told %+v", told)
		}
		p := *told[0].Plan
		if p.ID != stored.ID || p.Counts != stored.Counts || !p.NextExecution.Equal(stored.NextExecution) || p.Labels["team"] != "a" {
			t.Errorf("told\n%+v\nstored\n%+v", p, stored)
		}
		if got := string(p.Planner.Doc); got != fmt.Sprintf(`{"ref":%q}`, listed) {
			t.Errorf("the planner's config is told as %s", got)
		}
	})
}

func TestHistoryTellsWhatItDeletes(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		m := newMirror(t)
		d.restartWith(func(s *engine.Settings) { s.Observe, s.History = m.changed, 24*time.Hour })
		plan := d.plan(noop, time.Second)
		in(time.Hour)
		m.seen()
		in(26 * time.Hour)
		m.told("plan.deleted")
		if _, err := d.Plan(t.Context(), plan.ID); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("the plan is there: %v", err)
		}
	})
}

// What was refused, or changed nothing, is not told.
func TestWhatDidNotHappenIsNotTold(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		m := d.observed()
		plan := d.plan(noop, time.Minute)
		ex := d.only(plan.ID)
		m.told("plan.created")
		d.mortal.dead.Store(true)
		_, _, err := d.MoveExecutor(t.Context(), ex.ID, time.Now().Add(time.Hour))
		if !errors.Is(err, errDead) {
			t.Errorf("move: %v", err)
		}
		if _, err := d.CreatePlan(t.Context(), engine.PlanSpec{
			Name: "test", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Minute)}),
		}); !errors.Is(err, errDead) {
			t.Errorf("create: %v", err)
		}
		d.mortal.dead.Store(false)
		if _, _, err := d.MoveExecutor(t.Context(), ex.ID, ex.Due); err != nil { // to where it is
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.HaltExecutor(ended, ex.ID, ""); err == nil {
			t.Error("a call that was given up halted")
		}
		m.told()
	})
}

func TestTheLeverIsToldInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		m := d.observed()
		d.EngageLever(t.Context(), "me", "a drill")
		d.EngageLever(t.Context(), "somebody else", "too")
		in(time.Second)
		m.told("lever.engaged", "lever.stopped")
		if _, err := d.ReleaseLever(t.Context(), "me"); err != nil {
			t.Fatal(err)
		}
		m.told("lever.released")
		if _, err := d.ReleaseLever(t.Context(), "me"); err != nil {
			t.Fatal(err)
		}
		m.told()
		for range 20 { // the mirror checks that they take turns
			go d.EngageLever(t.Context(), "me", "again and again")
			go func() { _, _ = d.ReleaseLever(t.Context(), "me") }() // may come too early
			time.Sleep(time.Millisecond)
		}
		in(time.Minute)
		if engaged := d.Lever().Engaged; engaged != m.engaged {
			t.Errorf("the lever is engaged: %t; told was %t", engaged, m.engaged)
		}
	})
}

// A lever that the store can't keep is told all the same: it holds.
func TestALeverThatCannotBeStoredIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var told []engine.Change
		d.restartWith(func(s *engine.Settings) {
			s.Observe = func(c engine.Change) { told = append(told, c) }
		})
		d.mortal.leverFails.Store(true)
		d.EngageLever(t.Context(), "me", "a drill")
		if len(told) == 0 || told[0].Type != "lever.engaged" || told[0].Lever.Durable || told[0].Lever.Reason != "a drill" {
			t.Errorf("told %+v", told)
		}
		d.mortal.leverFails.Store(false)
		in(time.Minute)
	})
}

// However late the callers of the store hear that their writes are done, and in
// whatever order: what is told is what happened, in its order.
func TestWhoHearsLateStillTellsInOrder(t *testing.T) {
	for seed := range 3 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				rng := rand.New(rand.NewPCG(uint64(seed), 9))
				refs := actors(d)
				m := d.observed()
				d.mortal.late.Store(int64(80 * time.Millisecond))
				var plans []engine.PlanID
				for range 20 {
					delays := make([]time.Duration, 1+rng.IntN(6))
					for i := range delays {
						delays[i] = time.Duration(rng.IntN(3000)) * time.Millisecond
					}
					plan := d.plan(refs[rng.IntN(len(refs))], delays...)
					plans = append(plans, plan.ID)
					for _, ex := range d.executors(plan.ID) {
						wait, move := time.Duration(rng.IntN(4000))*time.Millisecond, rng.IntN(2) == 0
						go func() {
							time.Sleep(wait)
							if move {
								_, _, _ = d.MoveExecutor(t.Context(), ex.ID, time.Now().Add(wait))
							} else {
								_, _ = d.HaltExecutor(t.Context(), ex.ID, "meddled with")
							}
						}()
					}
					time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
				}
				in(2 * time.Hour)
				for _, id := range plans {
					m.matches(d, id)
				}
			})
		})
	}
}
