package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnExecutorFiresAtItsTime(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, 3 * time.Second, time.Hour, 90 * 24 * time.Hour} {
		t.Run(delay.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.launchIn = 10 * time.Millisecond
				plan := d.plan(noop, delay)
				in(delay + 20*time.Millisecond)
				ex := d.is(plan.ID, engine.Succeeded)
				if n := d.stage.startsOf(ex.ID); n != 1 {
					t.Fatalf("started %d times", n)
				}
				limit := time.Duration(0) // its process waited for it
				if delay < 100*time.Millisecond {
					limit = 10 * time.Millisecond
				}
				if ex.Lag < 0 || ex.Lag > limit {
					t.Errorf("lag %s, want at most %s", ex.Lag, limit)
				}
				if ex.Started.IsZero() || ex.Finished.IsZero() || ex.Claim != nil {
					t.Errorf("incomplete: %+v", ex)
				}
			})
		})
	}
}

func TestAThousandDueAtOnceRunOnceEachInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Busy"] = lasting(200 * time.Millisecond)
		delays := make([]time.Duration, 1000)
		for i := range delays {
			delays[i] = time.Minute + time.Duration(i)*time.Millisecond
		}
		plan := d.plan("test:Busy", delays...)
		in(2 * time.Minute)
		for _, ex := range d.executors(plan.ID) {
			if n := d.stage.startsOf(ex.ID); n != 1 || ex.State != engine.Succeeded {
				t.Fatalf("%s: %s (%s), started %d times", ex.ID, ex.State, ex.Reason, n)
			}
		}
		if d.stage.maxAlive > 128 {
			t.Errorf("%d processes at once, the limit is 128", d.stage.maxAlive)
		}
		for i, s := range d.stage.starts[1:] {
			// Those that wait for a place get it in due order.
			if early := d.stage.starts[i].Due.Sub(s.Due); early > 200*time.Millisecond {
				t.Fatalf("start %d overtook another by %s", i, early)
			}
		}
		p, err := d.Plan(t.Context(), plan.ID)
		if err != nil || !p.Counts.Executed() || p.Counts.Total != 1000 {
			t.Errorf("plan counts %+v, error %v", p.Counts, err)
		}
	})
}

func TestExecutorsThatFindNoPlaceAreMissedWithTheReason(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.restartWith(func(s *engine.Settings) { s.MaxConcurrentRuns = 2 })
		d.stage.attacks["test:Long"] = lasting(10 * time.Minute)
		plan := d.plan("test:Long", time.Second, time.Second, 2*time.Second)
		in(2*time.Second + time.Minute + time.Second)
		last := d.executors(plan.ID)[2]
		if last.State != engine.Missed || !strings.Contains(last.Reason, "2 runs alive, the limit (--max-concurrent-runs)") {
			t.Fatalf("%s: %s", last.State, last.Reason)
		}
		in(20 * time.Minute)
		if n := d.stage.startsOf(last.ID); n != 0 {
			t.Error("a missed executor was started")
		}
	})
}

func TestDowntimeWithinTheGraceIsMadeUpForAndBeyondItIsMissed(t *testing.T) {
	for downtime, want := range map[time.Duration]engine.State{
		30 * time.Second: engine.Succeeded, 10 * time.Minute: engine.Missed,
	} {
		t.Run(downtime.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				plan := d.plan(noop, 10*time.Second)
				d.shutdown()
				in(10*time.Second + downtime)
				d.start()
				in(time.Second)
				d.is(plan.ID, want)
			})
		})
	}
}

func TestManyMissedExecutorsAreSettledAtStart(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		delays := make([]time.Duration, 5000)
		for i := range delays {
			delays[i] = time.Duration(i) * time.Second
		}
		d.shutdownFirst(func() engine.PlanID { return d.plan(noop, delays...).ID })
		in(24 * time.Hour)
		d.start()
		in(time.Second)
		list, _, err := d.Executors(t.Context(), engine.ExecutorQuery{States: engine.PendingStates})
		if err != nil || len(list) != 0 {
			t.Fatalf("%d executors pending, error %v", len(list), err)
		}
	})
}

func TestATimeoutStopsTheRunAndUndoesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Hold"] = harming(1, hold)
		plan := d.planWith(engine.PlanSpec{Name: "t", Attack: config("test:Hold", nil), Timeout: 5 * time.Second}, time.Second)
		in(7 * time.Second)
		ex := d.is(plan.ID, engine.TimedOut)
		if ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s", ex.Undo)
		}
	})
}

func TestOutcomes(t *testing.T) {
	outcomes := map[string]struct {
		attack attack
		state  engine.State
		reason string
	}{
		"an answer without failure is a success": {succeed, engine.Succeeded, ""},
		"a failure carries its message":          {fails, engine.Failed, "it did not work"},
		"no answer is a crash": {func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			return engine.Exit{Status: engine.ExitStatus{Code: -1, Signal: "killed"}}
		}, engine.Crashed, "its process ended without an answer (signal: killed)"},
		"an exit code is told": {func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			return engine.Exit{Status: engine.ExitStatus{Code: 3}}
		}, engine.Crashed, "its process ended without an answer (exit code 3)"},
		"what the host says of it is told once": {func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			return engine.Exit{Status: engine.ExitStatus{Code: 3}, Err: errors.New("its process ended without an answer: it exited with code 3")}
		}, engine.Crashed, "its process ended without an answer: it exited with code 3"},
	}
	for name, o := range outcomes {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:X"] = o.attack
				plan := d.plan("test:X", time.Second)
				in(2 * time.Second)
				if ex := d.is(plan.ID, o.state); ex.Reason != o.reason {
					t.Errorf("reason %q, want %q", ex.Reason, o.reason)
				}
			})
		})
	}
}

func TestAnAttackThatVanishedFailsWithoutStarting(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Gone"] = succeed
		plan := d.plan("test:Gone", time.Minute)
		d.stage.mu.Lock()
		delete(d.stage.attacks, "test:Gone")
		d.stage.mu.Unlock()
		in(2 * time.Minute)
		ex := d.is(plan.ID, engine.Failed)
		if !ex.Started.IsZero() || !strings.Contains(ex.Reason, "test:Gone") {
			t.Errorf("started %v, reason %q", ex.Started, ex.Reason)
		}
	})
}

func TestTheRunIsOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Talk"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			sink.Log(engine.LogEntry{At: time.Now(), Level: "info", Source: "attack", Message: "token is s3cr3t-value"})
			sink.Targets([]engine.Target{{ID: "i-1", State: "hit"}})
			sink.Progress(engine.Progress{Percent: 50, Message: "half of s3cr3t-value"})
			sink.Result([]byte(`{"ok":true,"echo":"s3cr3t-value"}`))
			return engine.Exit{Finished: true, Status: engine.ExitStatus{CPU: time.Second, Stderr: "s3cr3t-value"}}
		}
		plan := d.planWith(engine.PlanSpec{Name: "t", Attack: config("test:Talk", map[string]any{"token": "s3cr3t-value"})}, time.Second)
		in(2 * time.Second)
		ex := d.is(plan.ID, engine.Succeeded)
		run, _, err := d.RunOf(t.Context(), ex.ID)
		if err != nil {
			t.Fatal(err)
		}
		log, err := d.Log(t.Context(), ex.ID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%+v %s %+v %+v %+v %s", run, run.Result, run.Progress, run.Exit, log, plan.Attack.Doc)
		if strings.Contains(shown, "s3cr3t") {
			t.Errorf("a secret is shown: %s", shown)
		}
		if len(log) != 1 || len(run.Targets) != 1 || run.Digest != "d1" || run.PID != 4711 || run.Progress.Percent != 50 {
			t.Errorf("incomplete: %s", shown)
		}
		if got := string(d.stage.starts[0].Config.Args()); !strings.Contains(got, "s3cr3t-value") {
			t.Errorf("the attack itself was given %s", got)
		}
	})
}

func TestALogIsCappedInTheMiddleAndReadableWhileTheRunLives(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		const lines = 10_000
		d.stage.attacks["test:Flood"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			for i := range lines {
				sink.Log(engine.LogEntry{Level: "info", Source: "attack", Message: fmt.Sprintf("line %d %s", i, strings.Repeat("x", 100))})
			}
			return lasting(time.Minute)(ctx, s, sink)
		}
		plan := d.plan("test:Flood", time.Second)
		in(2 * time.Second)
		id := d.only(plan.ID).ID
		live, err := d.Log(t.Context(), id, 0, lines)
		if err != nil || len(live) == 0 {
			t.Fatalf("%d live lines, error %v", len(live), err)
		}
		in(2 * time.Minute)
		stored, err := d.Log(t.Context(), id, 0, lines)
		if err != nil || len(stored) != len(live) {
			t.Fatalf("%d stored lines, %d live, error %v", len(stored), len(live), err)
		}
		first, last := stored[0], stored[len(stored)-1]
		if first.Seq != 1 || last.Seq != lines {
			t.Errorf("kept %d to %d of %d", first.Seq, last.Seq, lines)
		}
		run, _, err := d.RunOf(t.Context(), id)
		if err != nil || run.LogDropped != lines-len(stored) {
			t.Errorf("%d dropped on record, %d lines kept, error %v", run.LogDropped, len(stored), err)
		}
	})
}

func TestALogCanBeFollowedToItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = harming(1, func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			for i := range 5 {
				time.Sleep(time.Second)
				sink.Log(engine.LogEntry{Level: "info", Source: "attack", Message: fmt.Sprint(i)})
			}
			return fails(ctx, s, sink)
		})
		plan := d.plan("test:Slow", 10*time.Second)
		var seen []string
		var at []time.Time
		for entry, err := range d.FollowLog(t.Context(), d.only(plan.ID).ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, entry.Source+":"+entry.Message)
			at = append(at, time.Now())
		}
		if len(seen) < 6 || seen[4] != "attack:4" || !strings.HasPrefix(seen[len(seen)-1], "undo:") {
			t.Errorf("seen %q", seen)
		}
		if at[1].Sub(at[0]) != time.Second {
			t.Errorf("lines came %s apart", at[1].Sub(at[0]))
		}
	})
}
