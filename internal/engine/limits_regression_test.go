package engine_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The comment of each test says what went wrong before it.

// Executors that wait for --max-open-undos are not looked at when a record
// is abandoned, or when a run takes its own harm back: they are missed.
func TestASettledRecordLetsWhatWaitsForItStart(t *testing.T) {
	for name, settle := range map[string]func(d *daemon, id engine.UndoID){
		"abandoned": func(d *daemon, id engine.UndoID) {
			if _, err := d.AbandonUndo(d.t.Context(), id, "ana", "scrapped"); err != nil {
				d.t.Fatal(err)
			}
		},
		"its plan deleted with ?abandon_undo=true": func(d *daemon, id engine.UndoID) {
			u, err := d.UndoRecord(d.t.Context(), id)
			if err != nil {
				d.t.Fatal(err)
			}
			if _, err := d.DeletePlan(d.t.Context(), u.Plan, true); err != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				under(d, engine.Limits{OpenUndos: 1})
				d.stage.attacks["test:Two"] = harming(1, succeed)
				first := d.plan("test:Two", 5*time.Second)
				in(6 * time.Second)
				waits := d.planWith(engine.PlanSpec{Name: "w", Attack: config("test:Two", nil), MisfireGrace: time.Hour}, 5*time.Second)
				in(30 * time.Second)
				d.is(waits.ID, engine.Scheduled)
				settle(d, engine.UndoID{Executor: d.only(first.ID).ID, Sequence: 1})
				in(50 * time.Minute)
				d.is(waits.ID, engine.Succeeded)
			})
		})
	}
	t.Run("undone by its run", func(t *testing.T) {
		inBubble(t, func(t *testing.T, d *daemon) {
			under(d, engine.Limits{OpenUndos: 1})
			d.stage.attacks["test:Self"] = harming(1, func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
				time.Sleep(30 * time.Second)
				sink.Undone(1, engine.UndoAnswer{Outcome: engine.OutcomeUndone})
				return lasting(10*time.Minute)(ctx, s, sink)
			})
			d.plan("test:Self", 5*time.Second)
			d.stage.attacks["test:Harm"] = harming(1, succeed)
			waits := d.plan("test:Harm", 10*time.Second) // grace: a minute
			in(5 * time.Minute)
			d.is(waits.ID, engine.Succeeded)
		})
	})
}

// The lists know a ref by one of its names only.
func TestADeniedAliasIsDenied(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{Deny: []string{"test.Noop"}})
		aliased := &aliasedStage{stage: d.stage}
		d.shutdown()
		d.mortal = &mortalStore{Store: d.file}
		d.Engine = engine.New(d.settings, d.mortal, aliased)
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := d.CreatePlan(t.Context(), engine.PlanSpec{
			Name: "p", Attack: config("test.Noop", nil), Planner: config(listed, map[string]any{"at": instants(time.Second)}),
		})
		if engine.CodeOf(err) != engine.CodeDenied {
			t.Errorf("--deny-attack test.Noop; a plan of test.Noop: %v", err)
		}
		in(time.Minute)
		if n := len(d.stage.startsSeen()); n > 0 {
			t.Errorf("what is denied ran %d times", n)
		}
	})
}

// aliasedStage offers test:Noop under test.Noop, too.
type aliasedStage struct{ *stage }

func (s *aliasedStage) Offer(kind engine.Kind, ref engine.Ref) (engine.Offer, error) {
	if ref == "test.Noop" {
		ref = noop
	}
	o, err := s.stage.Offer(kind, ref)
	if ref == noop {
		o.Aliases = []engine.Ref{"test.Noop"}
	}
	return o, err
}

// slowQuiet is never quiet; asked by a run that is about to start it takes its
// time, as a goroutine may that is not given a core.
type slowQuiet struct{ asked atomic.Int32 }

func (q *slowQuiet) At(time.Time) string {
	pcs := make([]uintptr, 20)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "takeOff") {
			q.asked.Add(1)
			time.Sleep(50 * time.Millisecond)
		}
		if !more {
			return ""
		}
	}
}

func (*slowQuiet) Next(time.Time) time.Time { return time.Time{} }

// A run that has just got its right to start is counted neither as waiting
// nor as started: a pass of the scheduler in that moment starts one too many.
func TestTheHourlyLimitIsNeverExceeded(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerHour: 1, Quiet: &slowQuiet{}})
		d.stage.attacks["test:Long"] = lasting(time.Minute)
		d.plan("test:Long", 10*time.Second)
		in(10*time.Second + 10*time.Millisecond) // it has begun and is not counted yet
		second := d.plan("test:Long", 0)         // due now
		in(30 * time.Second)
		if n := len(d.stage.startsSeen()); n != 1 {
			t.Errorf("%d runs were started within an hour, the limit is 1 (the second is %s)", n, d.only(second.ID).State)
		}
	})
}

// After a restart with a lower limit only the oldest starts are counted.
func TestTheRateWindowCountsTheNewestStarts(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		early := make([]time.Duration, 1000) // a page
		for i := range early {
			early[i] = 5 * time.Second
		}
		late := make([]time.Duration, 100)
		for i := range late {
			late[i] = 50 * time.Minute
		}
		d.plan(noop, early...)
		d.plan(noop, late...)
		in(55 * time.Minute)
		if n := len(d.stage.startsSeen()); n != 1100 {
			t.Fatalf("%d runs", n)
		}
		under(d, engine.Limits{RunsPerHour: 10})
		again := d.plan(noop, 10*time.Minute) // minute 65: a hundred were started in the hour before
		in(11 * time.Minute)
		if ex := d.only(again.ID); ex.State != engine.Blocked {
			t.Errorf("it is %s: 101 starts within an hour, the limit is 10", ex.State)
		}
	})
}

// With more than 20,000 executors behind a limit the reason of those that do
// not fit the queue is a lie.
func TestTheReasonOfWhatWaitedTooLongIsTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 21,000 executors")
	}
	inBubble(t, func(t *testing.T, d *daemon) {
		under(d, engine.Limits{RunsPerRef: 1})
		d.stage.attacks["test:Long"] = lasting(10 * time.Minute)
		d.plan("test:Long", 4*time.Second)
		var last engine.Plan
		for range 3 {
			delays := make([]time.Duration, 7000)
			for i := range delays {
				delays[i] = 5 * time.Second
			}
			last = d.plan("test:Long", delays...)
		}
		in(20 * time.Minute)
		reasons := map[string]int{}
		q := engine.ExecutorQuery{Plan: last.ID, Limit: 1000}
		for {
			page, next, err := d.Executors(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, ex := range page {
				if ex.State == engine.Missed && !strings.Contains(ex.Reason, "--max-runs-per-ref") {
					reasons[ex.Reason]++
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		for reason, n := range reasons {
			t.Errorf("%d missed: %q", n, reason)
		}
	})
}

// A record whose executor was deleted is retried though nothing can undo it.
func TestARecordOfADeletedExecutorIsNotRetried(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		failingUndo(d)
		id := givenUp(d).UndoID
		u, _ := d.UndoRecord(t.Context(), id)
		d.stage.attacks[noop] = succeed
		if _, err := d.DeleteExecutor(t.Context(), id.Executor, true); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plan(t.Context(), u.Plan); err != nil {
			t.Fatal(err)
		}
		u, err := d.RetryUndo(t.Context(), id)
		if engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("accepted: %s, %v", u.State, err)
		}
		in(time.Hour)
		if u, _ := d.UndoRecord(t.Context(), id); u.State != engine.RecordAbandoned {
			t.Errorf("the record was abandoned, and is %s after %d attempts: %s", u.State, u.Attempts, u.Message)
		}
	})
}
