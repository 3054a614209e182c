package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestSimulation lets random users, failures and kills loose on an engine, and
// checks what must always hold: no executor is started twice unless it was
// moved after it certainly had not run, every executor reaches a final state
// with a reason, every harm of a run that did not end well is undone, and no
// process is left.
func TestSimulation(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				simulate(t, d, rand.New(rand.NewPCG(uint64(seed), 1)))
			})
		})
	}
}

func simulate(t *testing.T, d *daemon, rng *rand.Rand) {
	refs := actors(d)
	m := newMirror(t)
	d.restartWith(func(s *engine.Settings) {
		s.Observe = m.changed
		s.MaxConcurrentRuns = 5
		s.Limits = engine.Limits{RunsPerRef: 3, RunsPerPlan: 2, RunsPerHour: 150, OpenUndos: 4}
	})
	var plans []engine.PlanID
	for range 60 {
		switch pick := rng.IntN(10); {
		case pick < 4:
			delays := make([]time.Duration, 1+rng.IntN(8))
			for i := range delays {
				delays[i] = time.Duration(rng.IntN(20_000)) * time.Millisecond
			}
			plans = append(plans, d.plan(refs[rng.IntN(len(refs))], delays...).ID)
		case pick < 8 && len(plans) > 0:
			meddle(t, d, rng, plans[rng.IntN(len(plans))])
		case pick == 8:
			d.kill()
			in(time.Duration(rng.IntN(5000)) * time.Millisecond)
			d.start()
		default:
			pullTheLever(t, d, rng)
		}
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
	}
	in(6 * time.Hour)
	for _, id := range plans {
		for _, ex := range d.executors(id) {
			checkFinal(t, d, ex)
		}
		m.matches(d, id)
	}
	if d.stage.alive != 0 {
		t.Errorf("%d processes left", d.stage.alive)
	}
}

// actors puts attacks of all tempers on the stage.
func actors(d *daemon) []engine.Ref {
	d.stage.launchIn = 10 * time.Millisecond
	d.stage.attacks["sim:Quick"] = succeed
	d.stage.attacks["sim:Fails"] = harming(2, fails)
	d.stage.attacks["sim:Lasts"] = harming(1, func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
		return lasting(time.Duration(s.Seed%20)*time.Second)(ctx, s, sink)
	})
	d.stage.attacks["sim:Crashes"] = harming(1, func(context.Context, engine.Start, engine.Sink) engine.Exit {
		return engine.Exit{Status: engine.ExitStatus{Code: 2}}
	})
	d.stage.undo = func(call engine.UndoCall) (engine.UndoAnswer, error) {
		if call.Attempt == 1 && call.Seed%3 == 0 {
			return engine.UndoAnswer{Outcome: engine.OutcomeRetry}, nil
		}
		return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
	}
	return []engine.Ref{"sim:Quick", "sim:Fails", "sim:Lasts", "sim:Crashes"}
}

// pullTheLever engages the lever, checks that nothing starts while it is engaged,
// and releases it.
func pullTheLever(t *testing.T, d *daemon, rng *rand.Rand) {
	before := len(d.stage.startsSeen())
	d.EngageLever(t.Context(), "sim", "for a while")
	starts := d.stage.startsSeen() // one may have been on its way
	if rng.IntN(3) == 0 {
		d.kill()
		d.start()
	}
	in(time.Duration(rng.IntN(8000)) * time.Millisecond)
	if now := d.stage.startsSeen(); len(now) != len(starts) {
		t.Errorf("%d runs were started under the lever (%d before it)", len(now)-len(starts), before)
	}
	if _, err := d.ReleaseLever(t.Context(), "sim"); err != nil {
		t.Errorf("release: %v", err)
	}
}

// meddle does to one executor what a user may do.
func meddle(t *testing.T, d *daemon, rng *rand.Rand, plan engine.PlanID) {
	list := d.executors(plan)
	id := list[rng.IntN(len(list))].ID
	var err error
	if rng.IntN(2) == 0 {
		_, err = d.HaltExecutor(t.Context(), id, "meddled with")
	} else {
		_, _, err = d.MoveExecutor(t.Context(), id, time.Now().Add(time.Duration(rng.IntN(10_000))*time.Millisecond))
	}
	if code := engine.CodeOf(err); code != "" && code != engine.CodeConflict {
		t.Errorf("meddle: %v", err)
	}
}

func checkFinal(t *testing.T, d *daemon, ex engine.Executor) {
	t.Helper()
	if !ex.State.Final() {
		t.Errorf("%s is %s at the end", ex.ID, ex.State)
	}
	if ex.State != engine.Succeeded && ex.Reason == "" {
		t.Errorf("%s is %s without a reason", ex.ID, ex.State)
	}
	n := d.stage.startsOf(ex.ID)
	if n > 1 {
		t.Errorf("%s was started %d times (%s: %s)", ex.ID, n, ex.State, ex.Reason)
	}
	if ran := !ex.Started.IsZero(); n == 1 && !ran || ran == ex.State.NeverRan() {
		t.Errorf("%s is %s, started %d times, on record as started: %v", ex.ID, ex.State, n, ran)
	}
	if ex.State != engine.Succeeded && ex.Undo.Unsettled() {
		t.Errorf("%s is %s and its undo %s", ex.ID, ex.State, ex.Undo)
	}
}
