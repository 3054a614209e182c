package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestUndoGoesNewestFirstAndOneFailureDoesNotStopTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Three"] = harming(3, fails)
		d.stage.undo = func(call engine.UndoCall) (engine.UndoAnswer, error) {
			if call.Record.Sequence == 2 {
				return engine.UndoAnswer{Outcome: engine.OutcomeRetry, Message: "not yet"}, nil
			}
			return engine.UndoAnswer{Outcome: engine.OutcomeNothingToDo}, nil
		}
		plan := d.plan("test:Three", time.Second)
		in(time.Minute)
		if got := d.stage.undone(); !slices.Equal(got, []uint64{3, 2, 1, 2, 2}) {
			t.Errorf("undone in the order %v", got)
		}
		ex := d.is(plan.ID, engine.Failed)
		if ex.Undo != engine.UndoFailed {
			t.Errorf("undo %s", ex.Undo)
		}
		p, err := d.Plan(t.Context(), plan.ID)
		if err != nil || p.Counts.Executed() {
			t.Errorf("a plan with a failed undo counts as executed (%v)", err)
		}
		// Mended by hand.
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		if _, err := d.HaltExecutor(t.Context(), ex.ID, "again"); err != nil {
			t.Fatal(err)
		}
		in(time.Second)
		if ex := d.is(plan.ID, engine.Failed); ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s after it was asked for again", ex.Undo)
		}
	})
}

func TestWhatBecomesOfARecordWhenTheRunEnds(t *testing.T) {
	cases := map[string]struct {
		policy engine.UndoPolicy
		then   attack
		after  time.Duration
		want   engine.UndoState
	}{
		"a success leaves it open":              {"", succeed, time.Hour, engine.UndoOpen},
		"a failure takes it back":               {"", fails, time.Second, engine.UndoUndone},
		"a failure under keep keeps it":         {engine.UndoKeep, fails, time.Hour, engine.UndoKept},
		"a success under keep keeps it":         {engine.UndoKeep, succeed, time.Hour, engine.UndoKept},
		"a timeout under keep keeps it":         {engine.UndoKeep, hold, 2 * time.Hour, engine.UndoKept},
		"a timeout takes it back":               {"", hold, 2 * time.Hour, engine.UndoUndone},
		"a run that undid itself is not undone": {"", undoesItself, time.Second, engine.UndoUndone},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:X"] = harming(1, c.then)
				plan := d.planWith(engine.PlanSpec{Name: "t", Attack: config("test:X", nil), UndoPolicy: c.policy}, time.Second)
				in(time.Second + c.after)
				ex := d.only(plan.ID)
				if ex.Undo != c.want {
					t.Errorf("undo %s, want %s", ex.Undo, c.want)
				}
				if name == "a run that undid itself is not undone" && len(d.stage.undone()) != 0 {
					t.Error("it was undone again")
				}
				// Whatever was left can be taken back by hand.
				if _, err := d.HaltExecutor(t.Context(), ex.ID, "by hand"); err != nil {
					t.Fatal(err)
				}
				in(time.Second)
				if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
					t.Errorf("undo %s after halt by hand", ex.Undo)
				}
			})
		})
	}
}

func undoesItself(_ context.Context, _ engine.Start, sink engine.Sink) engine.Exit {
	sink.Undone(1, engine.UndoAnswer{Outcome: engine.OutcomeUndone})
	return engine.Exit{Finished: true}
}

func TestUndoAtFiresAcrossARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		inBubble(t, func(t *testing.T, d *daemon) {
			d.stage.attacks["test:Switch"] = func(_ context.Context, _ engine.Start, sink engine.Sink) engine.Exit {
				err := sink.Undo(engine.NewUndo{Sequence: 1, Record: json.RawMessage(`{}`), UndoAt: time.Now().Add(time.Hour)})
				if err != nil {
					t.Error(err)
				}
				return engine.Exit{Finished: true}
			}
			plan := d.plan("test:Switch", time.Second)
			in(30 * time.Minute)
			if restart {
				d.kill()
				d.start()
			}
			if ex := d.is(plan.ID, engine.Succeeded); ex.Undo != engine.UndoOpen {
				t.Fatalf("undo %s before its time", ex.Undo)
			}
			in(30*time.Minute + 2*time.Second)
			if ex := d.is(plan.ID, engine.Succeeded); ex.Undo != engine.UndoUndone {
				t.Errorf("undo %s after its time (restart: %v)", ex.Undo, restart)
			}
		})
	}
}

func TestAHarmIsRefusedWhenItsRecordCannotBeStored(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var refused error
		d.stage.attacks["test:X"] = func(_ context.Context, _ engine.Start, sink engine.Sink) engine.Exit {
			d.mortal.dead.Store(true)
			refused = sink.Undo(engine.NewUndo{Sequence: 1, Record: json.RawMessage(`{}`)})
			d.mortal.dead.Store(false)
			return engine.Exit{Finished: true, Failure: &engine.Failure{Message: refused.Error()}}
		}
		plan := d.plan("test:X", time.Second)
		in(2 * time.Second)
		if !errors.Is(refused, errDead) {
			t.Errorf("refused with %v", refused)
		}
		if ex := d.is(plan.ID, engine.Failed); ex.Undo != engine.UndoNone {
			t.Errorf("undo %s", ex.Undo)
		}
	})
}

func TestUndoWaitsUntilTheProcessIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var alive int
		d.stage.attacks["test:X"] = harming(1, func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(5 * time.Second) // its grace
			return engine.Exit{Finished: true, Stopped: true}
		})
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			alive = d.stage.alive
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		plan := d.plan("test:X", time.Second)
		in(2 * time.Second)
		if _, err := d.HaltPlan(t.Context(), plan.ID, "x"); err != nil {
			t.Fatal(err)
		}
		in(time.Minute)
		if ex := d.is(plan.ID, engine.Halted); ex.Undo != engine.UndoUndone || alive != 0 {
			t.Errorf("undo %s with %d processes alive", ex.Undo, alive)
		}
	})
}
