package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestAfterAKill(t *testing.T) {
	cases := map[string]struct {
		killAt   time.Duration // after the plan; it is due after 10 s
		downtime time.Duration
		newBoot  bool
		want     engine.State
		started  int
	}{
		"long before its time, it still runs":                      {time.Second, time.Second, false, engine.Succeeded, 1},
		"claimed and back before its time, it runs":                {10*time.Second - 60*time.Millisecond, 10 * time.Millisecond, false, engine.Succeeded, 1},
		"claimed and back after its time, it counts as lost":       {10*time.Second - 60*time.Millisecond, time.Second, false, engine.Lost, 0},
		"claimed and the machine started anew, it counts as lost":  {10*time.Second - 60*time.Millisecond, 10 * time.Millisecond, true, engine.Lost, 0},
		"while it ran, it is lost and never repeated":              {11 * time.Second, time.Second, false, engine.Lost, 1},
		"after it ended, nothing changes":                          {80 * time.Second, time.Second, false, engine.Succeeded, 1},
		"away at its time but back within the grace, it runs late": {5 * time.Second, 20 * time.Second, false, engine.Succeeded, 1},
		"away beyond the grace, it is missed":                      {5 * time.Second, time.Hour, false, engine.Missed, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:Minute"] = harming(1, lasting(time.Minute))
				plan := d.plan("test:Minute", 10*time.Second)
				in(c.killAt)
				d.kill()
				if c.newBoot {
					d.boot = "boot-2"
				}
				in(c.downtime)
				d.start()
				in(3 * time.Minute)
				ex := d.is(plan.ID, c.want)
				if n := d.stage.startsOf(ex.ID); n != c.started {
					t.Errorf("started %d times, want %d", n, c.started)
				}
				if ex.State == engine.Lost && ex.Started.IsZero() {
					t.Error("lost, but started is not set")
				}
				if wasHarmed := c.started == 1 && c.want == engine.Lost; wasHarmed && ex.Undo != engine.UndoUndone {
					t.Errorf("undo %s", ex.Undo)
				}
			})
		})
	}
}

func TestAnUndoInterruptedByAKillIsExecutedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:X"] = harming(1, fails)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			dead := d.stage.dead
			select {
			case <-dead.Done():
				return engine.UndoAnswer{}, errors.New("killed")
			case <-time.After(time.Minute):
				return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
			}
		}
		plan := d.plan("test:X", time.Second)
		in(2 * time.Second)
		if ex := d.is(plan.ID, engine.Failed); ex.Undo != engine.UndoUndoing {
			t.Fatalf("undo %s", ex.Undo)
		}
		d.kill()
		in(time.Hour)
		d.start()
		in(2 * time.Minute)
		if ex := d.is(plan.ID, engine.Failed); ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s after the restart", ex.Undo)
		}
	})
}

func TestShutdownStopsUndoesAndGivesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Hold"] = harming(1, hold)
		running := d.plan("test:Hold", time.Second)
		waiting := d.plan(noop, 5*time.Second)
		later := d.plan(noop, time.Hour)
		in(5*time.Second - 50*time.Millisecond)
		d.is(waiting.ID, engine.Starting)
		d.shutdown()
		ex := d.is(running.ID, engine.Halted)
		if ex.Undo != engine.UndoUndone || ex.Reason != "the daemon was shut down" || d.stage.alive != 0 {
			t.Errorf("undo %s, reason %q, %d processes", ex.Undo, ex.Reason, d.stage.alive)
		}
		d.is(waiting.ID, engine.Scheduled)
		d.is(later.ID, engine.Scheduled)
		if _, err := d.CreatePlan(t.Context(), engine.PlanSpec{Name: "late"}); engine.CodeOf(err) != engine.CodeClosed {
			t.Errorf("a plan after the end: %v", err)
		}
		d.start()
		in(2 * time.Hour)
		d.is(waiting.ID, engine.Succeeded)
		d.is(later.ID, engine.Succeeded)
		d.is(running.ID, engine.Halted)
	})
}
