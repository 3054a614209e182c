package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// under starts the daemon again with limits.
func under(d *daemon, limits engine.Limits) {
	d.t.Helper()
	d.restartWith(func(s *engine.Settings) { s.Limits = limits })
}

func seconds(n int) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = 5*time.Second + time.Duration(i)*time.Millisecond
	}
	return list
}

func TestOverTheLimitOfAPlanItsExecutorsWaitAndOthersPass(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerPlan: 2})
		d.stage.attacks["test:Long"] = lasting(10 * time.Second)
		crowded := d.plan("test:Long", seconds(6)...)
		other := d.plan("test:Long", 6*time.Second)
		in(7 * time.Second)
		if n := len(d.stage.startsSeen()); n != 3 {
			t.Errorf("%d runs alive, want two of the one plan and one of the other", n)
		}
		d.is(other.ID, engine.Running)
		in(time.Minute)
		for i, ex := range d.executors(crowded.ID) {
			if ex.State != engine.Succeeded {
				t.Errorf("executor %d is %s: %s", i, ex.State, ex.Reason)
			}
		}
		for i := 1; i < len(d.stage.startsSeen()); i++ {
			if d.stage.startsSeen()[i].Plan == d.stage.startsSeen()[i-1].Plan && d.stage.startsSeen()[i].Due.Before(d.stage.startsSeen()[i-1].Due) {
				t.Error("they did not start in due order")
			}
		}
	})
}

func TestOverTheLimitOfARefExecutorsWaitThenAreMissedWithTheReason(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerRef: 1})
		d.stage.attacks["test:Long"] = lasting(10 * time.Minute)
		first, second := d.plan("test:Long", 5*time.Second), d.plan("test:Long", 6*time.Second)
		quick := d.plan(noop, 7*time.Second)
		in(20 * time.Minute)
		d.is(first.ID, engine.Succeeded)
		d.is(quick.ID, engine.Succeeded)
		if ex := d.is(second.ID, engine.Missed); !strings.Contains(ex.Reason, "--max-runs-per-ref") {
			t.Errorf("reason %q", ex.Reason)
		}
	})
}

func TestManyWaitBehindALimitWithoutHidingOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerPlan: 1})
		d.stage.attacks["test:Long"] = lasting(time.Minute)
		d.planWith(engine.PlanSpec{Name: "crowd", Attack: config("test:Long", nil), MisfireGrace: 12 * time.Hour}, seconds(400)...)
		other := d.plan(noop, 6*time.Second)
		in(8 * time.Second)
		d.is(other.ID, engine.Succeeded)
		in(7 * time.Hour)
		if n := len(d.stage.startsSeen()); n != 401 {
			t.Errorf("%d runs, want 401", n)
		}
	})
}

func TestAnExecutorThatWaitsCanBeMovedHaltedAndDeleted(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerRef: 1})
		d.stage.attacks["test:Long"] = lasting(30 * time.Second)
		d.plan("test:Long", 5*time.Second)
		moved, halted, deleted := d.plan("test:Long", 6*time.Second), d.plan("test:Long", 7*time.Second), d.plan("test:Long", 8*time.Second)
		in(10 * time.Second)
		id := d.is(moved.ID, engine.Scheduled).ID
		if _, _, err := d.MoveExecutor(t.Context(), id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.HaltExecutor(t.Context(), d.only(halted.ID).ID, "no"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.DeletePlan(t.Context(), deleted.ID, false); err != nil {
			t.Fatal(err)
		}
		in(30 * time.Minute)
		if n := len(d.stage.startsSeen()); n != 1 {
			t.Errorf("%d runs, want 1", n)
		}
		in(time.Hour)
		d.is(moved.ID, engine.Succeeded)
		d.is(halted.ID, engine.Cancelled)
	})
}

func TestOverTheHourlyLimitExecutorsAreBlockedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerHour: 3})
		plan := d.plan(noop, seconds(5)...)
		late := d.plan(noop, 61*time.Minute)
		in(10 * time.Second)
		states := map[engine.State]int{}
		for _, ex := range d.executors(plan.ID) {
			states[ex.State]++
			if ex.State == engine.Blocked && !strings.Contains(ex.Reason, "--max-runs-per-hour") {
				t.Errorf("reason %q", ex.Reason)
			}
		}
		if states[engine.Succeeded] != 3 || states[engine.Blocked] != 2 {
			t.Errorf("%v", states)
		}
		d.kill() // the count outlives the daemon
		d.start()
		again := d.plan(noop, 5*time.Second)
		in(10 * time.Second)
		d.is(again.ID, engine.Blocked)
		in(2 * time.Hour)
		d.is(late.ID, engine.Succeeded)
	})
}

func TestOverTheLimitOfOpenUndosNoHarmIsDone(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{OpenUndos: 2})
		d.stage.attacks["test:Harm"] = harming(3, succeed)
		d.stage.attacks["test:Two"] = harming(2, succeed)
		third := d.plan("test:Harm", 5*time.Second)
		in(6 * time.Second)
		ex := d.is(third.ID, engine.Failed)
		if !strings.Contains(ex.Reason, "--max-open-undos") {
			t.Errorf("reason %q", ex.Reason)
		}
		in(time.Second)
		two := d.plan("test:Two", 5*time.Second)
		in(6 * time.Second)
		d.is(two.ID, engine.Succeeded) // its two records stay open
		waits := d.plan("test:Two", 5*time.Second)
		in(30 * time.Second)
		d.is(waits.ID, engine.Scheduled)
		if _, err := d.HaltExecutor(t.Context(), d.only(two.ID).ID, "undo it"); err != nil {
			t.Fatal(err)
		}
		in(10 * time.Second)
		d.is(waits.ID, engine.Succeeded)
	})
}

func TestAttacksThatTheListsForbid(t *testing.T) {
	cases := map[string]struct {
		limits engine.Limits
		flag   string
	}{
		"one that is denied":            {engine.Limits{Deny: []string{"test:*"}}, "--deny-attack"},
		"one that is not allowed":       {engine.Limits{Allow: []string{"other:*"}}, "--allow-attack"},
		"an irreversible one":           {engine.Limits{Irreversible: engine.IrreversibleDeny}, "--irreversible=deny"},
		"an irreversible one not asked": {engine.Limits{Irreversible: engine.IrreversibleAsk}, "allow_irreversible"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.effect = engine.EffectIrreversible
				earlier := d.plan(noop, time.Hour)
				under(d, c.limits)
				spec := engine.PlanSpec{
					Name: "p", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
				}
				_, err := d.CreatePlan(t.Context(), spec)
				if code := engine.CodeOf(err); code != engine.CodeDenied && code != engine.CodeInvalid || !strings.Contains(err.Error(), c.flag) {
					t.Errorf("%s: %v", code, err)
				}
				in(2 * time.Hour)
				if ex := d.is(earlier.ID, engine.Blocked); !strings.Contains(ex.Reason, c.flag) {
					t.Errorf("reason %q", ex.Reason)
				}
				if len(d.stage.startsSeen()) != 0 {
					t.Error("it ran")
				}
			})
		})
	}
}

func TestAPlanThatAllowsTheIrreversibleRuns(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.effect = engine.EffectIrreversible
		under(d, engine.Limits{Irreversible: engine.IrreversibleAsk})
		plan := d.planWith(engine.PlanSpec{Name: "p", Attack: config(noop, nil), AllowIrreversible: true}, time.Second)
		dry := d.planWith(engine.PlanSpec{Name: "p", Attack: config(noop, nil), DryRun: true}, time.Second)
		in(2 * time.Second)
		d.is(plan.ID, engine.Succeeded)
		d.is(dry.ID, engine.Succeeded)
	})
}

// nights are quiet from 22:00 to 06:00 UTC.
type nights struct{}

func (nights) At(t time.Time) string {
	if h := t.UTC().Hour(); h >= 22 || h < 6 {
		return "22:00-06:00 UTC"
	}
	return ""
}

func (nights) Next(t time.Time) time.Time {
	next := time.Date(t.UTC().Year(), t.UTC().Month(), t.UTC().Day(), 22, 0, 0, 0, time.UTC)
	if !next.After(t) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

func TestQuietHours(t *testing.T) {
	for _, stops := range []bool{false, true} {
		t.Run(fmt.Sprint("stopping what runs: ", stops), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) { // begins at midnight
				under(d, engine.Limits{Quiet: nights{}, QuietStops: stops})
				d.stage.attacks["test:Long"] = harming(1, lasting(10*time.Minute))
				quiet := d.plan(noop, time.Hour)
				in(2 * time.Hour)
				if ex := d.is(quiet.ID, engine.Blocked); !strings.Contains(ex.Reason, "quiet hours") {
					t.Errorf("reason %q", ex.Reason)
				}
				evening := time.Date(2000, 1, 1, 21, 55, 0, 0, time.UTC)
				long := d.plan("test:Long", time.Until(evening))
				morning := d.plan(noop, time.Until(evening.Add(9*time.Hour)))
				in(time.Until(evening.Add(time.Hour)))
				want := engine.Succeeded
				if stops {
					want = engine.Halted
				}
				ex := d.is(long.ID, want)
				if stops && (ex.Undo != engine.UndoUndone || !strings.Contains(ex.Reason, "quiet hours") || ex.Finished.Minute() != 0) {
					t.Errorf("%+v", ex)
				}
				in(12 * time.Hour)
				d.is(morning.ID, engine.Succeeded)
			})
		})
	}
}

func TestNothingStartsThatCannotBeClaimed(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		soon, later := d.plan(noop, 5*time.Second), d.plan(noop, 10*time.Minute)
		d.mortal.full.Store(true)
		in(5 * time.Minute)
		if ex := d.is(soon.ID, engine.Missed); !strings.Contains(ex.Reason, "the disk is full") {
			t.Errorf("reason %q", ex.Reason)
		}
		d.mortal.full.Store(false)
		in(10 * time.Minute)
		d.is(later.ID, engine.Succeeded)
	})
}

func TestStatusNamesEveryLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerRef: 1, RunsPerHour: 5, Deny: []string{"bad:*"}, Quiet: nights{}})
		d.stage.attacks["test:Hold"] = hold
		d.plan("test:Hold", 7*time.Hour)
		in(7*time.Hour + time.Second)
		status, err := d.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range status.Limits {
			got = append(got, fmt.Sprint(l.Name, " ", l.Limit, " ", l.Used, " ", l.Reached))
		}
		want := "max-concurrent-runs 128 1 false; max-runs-per-ref 1 1 true; max-runs-per-plan none 1 false; " +
			"max-runs-per-hour 5 1 false; max-open-undos none 0 false; allow-attack none -1 false; " +
			"deny-attack bad:* -1 false; quiet-hours {} -1 false"
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("limits %s\nwant   %s", text, want)
		}
	})
}
