package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestHaltAtEachPointOfALife(t *testing.T) {
	points := map[string]struct {
		after   time.Duration
		state   engine.State
		started int
	}{
		"while scheduled":         {0, engine.Cancelled, 0},
		"while its process waits": {10*time.Second - 30*time.Millisecond, engine.Cancelled, 0},
		"while it runs":           {11 * time.Second, engine.Halted, 1},
		"after it ended":          {80 * time.Second, engine.Succeeded, 1},
	}
	for name, p := range points {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:Minute"] = harming(2, lasting(time.Minute))
				plan := d.plan("test:Minute", 10*time.Second)
				in(p.after)
				if _, err := d.HaltExecutor(t.Context(), d.only(plan.ID).ID, "enough"); err != nil {
					t.Fatal(err)
				}
				in(5 * time.Minute)
				ex := d.is(plan.ID, p.state)
				if n := d.stage.startsOf(ex.ID); n != p.started {
					t.Errorf("started %d times", n)
				}
				if p.started == 1 && ex.Undo != engine.UndoUndone {
					t.Errorf("undo %s", ex.Undo)
				}
				if p.state != engine.Succeeded && ex.Reason != "enough" {
					t.Errorf("reason %q", ex.Reason)
				}
				if d.stage.alive != 0 {
					t.Errorf("%d processes left", d.stage.alive)
				}
			})
		})
	}
}

func TestMovedWhileItsProcessWaitsItFiresOnlyAtTheNewTime(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.plan(noop, 10*time.Second)
		in(10*time.Second - 20*time.Millisecond)
		ex := d.is(plan.ID, engine.Starting)
		moved, warnings, err := d.MoveExecutor(t.Context(), ex.ID, time.Now().Add(time.Hour))
		if err != nil || len(warnings) > 0 || moved.State != engine.Scheduled {
			t.Fatalf("%+v, %q, %v", moved, warnings, err)
		}
		in(59 * time.Minute)
		if n := d.stage.startsOf(ex.ID); n != 0 {
			t.Fatal("it fired at the old time")
		}
		in(2 * time.Minute)
		d.is(plan.ID, engine.Succeeded)
		if n := d.stage.startsOf(ex.ID); n != 1 {
			t.Errorf("started %d times", n)
		}
	})
}

func TestMoveByState(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Hold"] = hold
		running := d.plan("test:Hold", time.Second)
		done := d.plan(noop, time.Second)
		missed := d.plan(noop, -time.Hour)
		in(2 * time.Second)
		for plan, want := range map[engine.PlanID]string{
			running.ID: "is running, so it cannot be moved", done.ID: "has run already (succeeded)",
		} {
			_, _, err := d.MoveExecutor(t.Context(), d.only(plan).ID, time.Now().Add(time.Hour))
			if engine.CodeOf(err) != engine.CodeConflict || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want a conflict: %s", err, want)
			}
		}
		ex := d.is(missed.ID, engine.Missed)
		if _, warnings, err := d.MoveExecutor(t.Context(), ex.ID, time.Now().Add(-time.Hour)); err != nil || len(warnings) != 1 {
			t.Errorf("moved into the past: warnings %q, error %v", warnings, err)
		}
		d.is(missed.ID, engine.Missed)
		_, warnings, err := d.MoveExecutor(t.Context(), ex.ID, time.Now().Add(-30*time.Second))
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "due at once") {
			t.Fatalf("moved into the grace: warnings %q, error %v", warnings, err)
		}
		in(time.Second)
		d.is(missed.ID, engine.Succeeded)
		_, _, err = d.MoveExecutor(t.Context(), engine.NewExecutorID(), time.Now())
		if engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("unknown id: %v", err)
		}
	})
}

func TestAMoveWarnsOfWhatWillBlockIt(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.plan(noop, time.Hour)
		d.EngageLever(t.Context(), "ana", "stop")
		_, warnings, err := d.MoveExecutor(t.Context(), d.only(plan.ID).ID, time.Now().Add(time.Minute))
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "what is due before it is released will be blocked") {
			t.Errorf("warnings %q, error %v", warnings, err)
		}
	})
}

func TestDeletionStopsAndUndoesFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Hold"] = harming(2, hold)
		plan := d.plan("test:Hold", time.Second, time.Second, time.Hour)
		in(2 * time.Second)
		deletion, err := d.DeletePlan(t.Context(), plan.ID, false)
		if err != nil || !deletion.Done {
			t.Fatalf("%+v, %v", deletion, err)
		}
		if len(d.stage.undone()) != 4 || d.stage.alive != 0 {
			t.Errorf("%d undone, %d processes left", len(d.stage.undone()), d.stage.alive)
		}
		if _, err := d.Plan(t.Context(), plan.ID); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("the plan is still there: %v", err)
		}
		in(2 * time.Hour)
		if len(d.stage.starts) != 2 {
			t.Errorf("%d starts", len(d.stage.starts))
		}
	})
}

func TestDeletionThatTakesLongGoesOnByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = harming(1, hold)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			time.Sleep(time.Minute)
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		plan := d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		begun := time.Now()
		deletion, err := d.DeletePlan(t.Context(), plan.ID, false)
		if err != nil || deletion.Done || time.Since(begun) != 10*time.Second {
			t.Fatalf("%+v, %v after %s", deletion, err, time.Since(begun))
		}
		if _, err := d.Plan(t.Context(), plan.ID); err != nil {
			t.Errorf("gone before it is undone: %v", err)
		}
		in(time.Minute)
		if _, err := d.Plan(t.Context(), plan.ID); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("still there: %v", err)
		}
	})
}

func TestDeletionWithAnUndoThatFailed(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Fail"] = harming(1, fails)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			return engine.UndoAnswer{}, errors.New("no way back")
		}
		plan := d.plan("test:Fail", time.Second)
		in(time.Minute)
		ex := d.is(plan.ID, engine.Failed)
		if ex.Undo != engine.UndoFailed || len(d.stage.undone()) != 3 {
			t.Fatalf("undo %s after %d attempts", ex.Undo, len(d.stage.undone()))
		}
		_, err := d.DeletePlan(t.Context(), plan.ID, false)
		if engine.CodeOf(err) != engine.CodeConflict || !strings.Contains(err.Error(), string(ex.ID)) {
			t.Fatalf("error %v, want a conflict that names the executor", err)
		}
		if deletion, err := d.DeletePlan(t.Context(), plan.ID, true); err != nil || !deletion.Done {
			t.Fatalf("%+v, %v", deletion, err)
		}
		left, _, err := d.file.UndoRecords(t.Context(), engine.UndoQuery{States: engine.ReversibleStates, Limit: 10})
		if err != nil || len(left) != 0 {
			t.Errorf("%d undos open, error %v", len(left), err)
		}
	})
}

func TestHaltingAPlanHaltsAllOfIt(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Hold"] = harming(1, hold)
		plan := d.plan("test:Hold", time.Second, 2*time.Second+50*time.Millisecond, time.Hour)
		in(2 * time.Second)
		n, err := d.HaltPlan(t.Context(), plan.ID, "all of it")
		if err != nil || n != 3 {
			t.Fatalf("halted %d, error %v", n, err)
		}
		in(time.Minute)
		want := []engine.State{engine.Halted, engine.Cancelled, engine.Cancelled}
		for i, ex := range d.executors(plan.ID) {
			if ex.State != want[i] {
				t.Errorf("executor %d: %s, want %s", i, ex.State, want[i])
			}
		}
	})
}

func TestConcurrentCallsOnOneExecutor(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		for i := range 50 {
			plan := d.plan(noop, 60*time.Millisecond)
			id := d.only(plan.ID).ID
			time.Sleep(time.Duration(i) * 2 * time.Millisecond)
			go func() { _, _, _ = d.MoveExecutor(t.Context(), id, time.Now().Add(time.Minute)) }()
			go func() { _, _ = d.HaltExecutor(t.Context(), id, "x") }()
			go func() { _, _, _ = d.MoveExecutor(t.Context(), id, time.Now().Add(-time.Second)) }()
			synctest.Wait()
			if n := d.stage.startsOf(id); n > 1 {
				t.Fatalf("started %d times", n)
			}
		}
		in(2 * time.Minute)
		list, _, err := d.Executors(t.Context(), engine.ExecutorQuery{States: engine.PendingStates})
		if err != nil || len(list) != 0 {
			t.Fatalf("%d pending, %v", len(list), err)
		}
	})
}

func TestALargePlanIsCalledOffInFewWrites(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		delays := make([]time.Duration, 3000)
		for i := range delays {
			delays[i] = time.Hour + time.Duration(i)*time.Second
		}
		halted, deleted := d.plan(noop, delays...), d.plan(noop, delays...)
		if n, err := d.HaltPlan(t.Context(), halted.ID, ""); err != nil || n != len(delays) {
			t.Errorf("halted %d, error %v", n, err)
		}
		if deletion, err := d.DeletePlan(t.Context(), deleted.ID, false); err != nil || !deletion.Done {
			t.Errorf("%+v, %v", deletion, err)
		}
		if n := d.mortal.transitions.Load(); n > 20 {
			t.Errorf("%d writes", n)
		}
		in(24 * time.Hour)
		if len(d.stage.starts) > 0 {
			t.Error("some ran")
		}
	})
}

func TestAHaltThatComesWhileTheEndIsBeingStoredStillTakesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Quick"] = harming(1, succeed)
		plan := d.plan("test:Quick", time.Second)
		id := d.only(plan.ID).ID
		d.mortal.finishIn.Store(int64(2 * time.Second))
		in(2 * time.Second)
		d.is(plan.ID, engine.Running) // its process has ended
		if _, err := d.HaltExecutor(t.Context(), id, "late"); err != nil {
			t.Fatal(err)
		}
		in(time.Second)
		if ex := d.is(plan.ID, engine.Succeeded); ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s", ex.Undo)
		}
		_, _, err := d.MoveExecutor(t.Context(), id, time.Now().Add(time.Hour))
		if err == nil || !strings.Contains(err.Error(), "has run already") {
			t.Errorf("moved: %v", err)
		}
	})
}
