package engine_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	days = 24 * time.Hour
	// kept is the history of these tests.
	kept = 120 * days
)

// archive watches what is deleted of the history.
type archive struct {
	engine.Store
	mu    sync.Mutex
	steps []archiveStep
	fail  func() error // may be nil
}

type archiveStep struct {
	at   time.Time
	done engine.Pruned
}

func (a *archive) PruneHistory(ctx context.Context, t time.Time, limit int, by engine.Abandonment) (engine.Pruned, error) {
	if a.fail != nil {
		if err := a.fail(); err != nil {
			return engine.Pruned{}, err
		}
	}
	done, err := a.Store.PruneHistory(ctx, t, limit, by)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = append(a.steps, archiveStep{time.Now(), done})
	return done, err
}

// deleting are the steps that deleted something.
func (a *archive) deleting() []archiveStep {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.steps), func(s archiveStep) bool {
		return len(s.done.Plans)+s.done.Executors+s.done.Undos == 0
	})
}

// withHistory starts the daemon anew with a history.
func withHistory(d *daemon, history time.Duration) *archive {
	d.t.Helper()
	d.shutdown()
	return again(d, history, nil)
}

// again starts a daemon that was ended. fail may be nil.
func again(d *daemon, history time.Duration, fail func() error) *archive {
	d.t.Helper()
	d.settings.History = history
	a := &archive{Store: d.file, fail: fail}
	d.mortal = &mortalStore{Store: a}
	d.Engine = engine.New(d.settings, d.mortal, d.stage)
	if err := d.Start(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return a
}

// exists says whether a plan is still there.
func (d *daemon) exists(id engine.PlanID) bool {
	d.t.Helper()
	_, err := d.Plan(d.t.Context(), id)
	if err != nil && engine.CodeOf(err) != engine.CodeNotFound {
		d.t.Fatal(err)
	}
	return err == nil
}

func TestAPlanIsKeptForItsTimeAndNoLonger(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, kept)
		short := d.plan(noop, time.Second)
		long := d.plan(noop, time.Second, 30*days)
		later := d.plan(noop, 300*days)
		in(kept)
		if !d.exists(short.ID) {
			t.Error("a plan went before its time")
		}
		in(2 * time.Hour)
		if d.exists(short.ID) || !d.exists(long.ID) {
			t.Errorf("after its time, short is there: %v; one that ended 30 days later: %v", d.exists(short.ID), d.exists(long.ID))
		}
		in(30 * days)
		if d.exists(long.ID) || !d.exists(later.ID) {
			t.Errorf("long is there: %v; one that is to run: %v", d.exists(long.ID), d.exists(later.ID))
		}
		in(150 * days)
		d.is(later.ID, engine.Succeeded)
		counts := mustStatus(d).Executors
		if len(counts) != 1 || counts[engine.Succeeded] != 1 {
			t.Errorf("executors left: %v", counts)
		}
	})
}

func TestWithoutAHistoryEverythingIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		a := withHistory(d, 0)
		plan := d.plan(noop, time.Second)
		in(2 * 365 * days)
		if !d.exists(plan.ID) || len(a.steps) > 0 {
			t.Errorf("it is there: %v; looks for it: %d", d.exists(plan.ID), len(a.steps))
		}
	})
}

// TestNoPlanWithAnUndoThatIsNotSettledGoes has undos that are open, that failed,
// and that are kept by policy.
func TestNoPlanWithAnUndoThatIsNotSettledGoes(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, kept)
		mend := failingUndo(d)
		failed := givenUp(d)
		d.stage.attacks["test:Open"] = harming(1, succeed)
		open := d.plan("test:Open", time.Second)
		keep := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Harm", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		in(5 * kept)
		if !d.exists(failed.Plan) || !d.exists(open.ID) {
			t.Fatalf("of a failed undo: %v, of an open one: %v", d.exists(failed.Plan), d.exists(open.ID))
		}
		if d.exists(keep.ID) {
			t.Error("what somebody wanted to stay keeps its plan for ever")
		}

		mend()
		for _, id := range []engine.PlanID{failed.Plan, open.ID} {
			if _, err := d.HaltExecutor(t.Context(), d.only(id).ID, "by hand"); err != nil {
				t.Fatal(err)
			}
		}
		in(kept - time.Hour)
		if !d.exists(failed.Plan) || !d.exists(open.ID) {
			t.Error("a plan went before its undo had been settled for so long")
		}
		in(2 * time.Hour)
		if d.exists(failed.Plan) || d.exists(open.ID) {
			t.Error("a plan whose undo is settled stays")
		}
	})
}

// TestWhatIsKeptIsOnRecordForAnotherTime: the effect is in place still when its
// plan goes, so that is said for as long again.
func TestWhatIsKeptIsOnRecordForAnotherTime(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, kept)
		d.stage.attacks["test:Harm"] = harming(1, fails)
		plan := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Harm", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		in(kept + 2*time.Hour)
		if d.exists(plan.ID) {
			t.Fatal("the plan is there still")
		}
		abandoned := func() []engine.UndoRecord {
			list, _, err := d.file.UndoRecords(t.Context(), engine.UndoQuery{States: []engine.RecordState{engine.RecordAbandoned}})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		list := abandoned()
		if len(list) != 1 || list[0].Abandoned == nil || !strings.Contains(list[0].Abandoned.By, "history") ||
			list[0].Abandoned.Reason != "its plan ended more than 120 days ago" {
			t.Fatalf("on record: %+v", list)
		}
		in(kept - 3*time.Hour)
		if len(abandoned()) != 1 {
			t.Error("it went before its time")
		}
		in(6 * time.Hour)
		if len(abandoned()) != 0 {
			t.Error("it stays for ever")
		}
	})
}

// TestALargePlanIsDeletedAcrossRestarts kills the daemon in the middle, again and
// again.
func TestALargePlanIsDeletedAcrossRestarts(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, 0)
		const many = 900
		plan := d.plan(noop, slices.Repeat([]time.Duration{time.Second}, many)...)
		in(time.Hour)
		time.Sleep(kept)
		d.kill()
		left, kills := many, 0
		for d.exists(plan.ID) {
			steps := 0
			a := again(d, kept, func() error { // dies in the third step
				if steps++; steps > 2 {
					return errDead
				}
				return nil
			})
			in(time.Second)
			now := len(d.executors(plan.ID))
			if kills++; now >= left && now > 0 || kills > many {
				t.Fatalf("%d executors of %d are left after %d starts", now, left, kills)
			}
			for _, s := range a.deleting() {
				if s.done.Executors > 25 {
					t.Errorf("%d executors in one step", s.done.Executors)
				}
			}
			left = now
			d.kill()
		}
		if kills < 5 {
			t.Errorf("it took only %d starts", kills)
		}
		d.start()
		if counts := mustStatus(d).Executors; len(counts) > 0 {
			t.Errorf("executors left: %v", counts)
		}
	})
}

// TestDueRunsGoBeforeTheHistory has much to delete while something is due nearly
// every second.
func TestDueRunsGoBeforeTheHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, 0)
		for range 10 {
			d.plan(noop, slices.Repeat([]time.Duration{time.Second}, 60)...)
		}
		in(time.Hour)
		time.Sleep(kept)
		d.shutdown()
		start := time.Now()
		a := again(d, kept, nil)
		var due []time.Time
		var delays []time.Duration
		for i := range 20 {
			delay := time.Duration(i+1) * 1100 * time.Millisecond
			delays, due = append(delays, delay), append(due, time.Now().Add(delay))
		}
		plan := d.plan(noop, delays...)
		in(10 * time.Minute)
		for _, ex := range d.executors(plan.ID) {
			if ex.State != engine.Succeeded || ex.Lag > time.Millisecond {
				t.Errorf("%s, %s late", ex.State, ex.Lag)
			}
		}
		steps := a.deleting()
		if len(steps) < 12 {
			t.Errorf("600 executors in %d steps", len(steps))
		}
		for _, s := range steps {
			for _, at := range due {
				if before := at.Sub(s.at); before > 0 && before < time.Second && s.at.Sub(start) > time.Second {
					t.Errorf("a step %s before something was due", before)
				}
			}
		}
	})
}

// TestABusyDaemonDeletesTooAndEndsAtOnce has something due each second, so that
// there is no good moment.
func TestABusyDaemonDeletesTooAndEndsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, 0)
		old := d.plan(noop, slices.Repeat([]time.Duration{time.Second}, 200)...)
		in(time.Hour)
		time.Sleep(kept)
		var delays []time.Duration
		for i := range 120 {
			delays = append(delays, time.Duration(i+1)*500*time.Millisecond)
		}
		d.plan(noop, delays...)
		d.shutdown()
		a := again(d, kept, nil)
		in(15 * time.Second)
		if len(a.deleting()) == 0 {
			t.Error("nothing was deleted")
		}
		start := time.Now()
		d.shutdown()
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %s to end", took)
		}
		again(d, kept, nil)
		in(5 * time.Minute)
		if d.exists(old.ID) {
			t.Error("the old plan is there still")
		}
	})
}

// TestABusyDaemonCatchesUp has something due twice a second, and more to delete
// than one step in ten seconds would.
func TestABusyDaemonCatchesUp(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		withHistory(d, 0)
		old := d.plan(noop, slices.Repeat([]time.Duration{time.Second}, 1000)...)
		in(time.Hour)
		time.Sleep(kept)
		var delays []time.Duration
		for i := range 240 {
			delays = append(delays, time.Duration(i+1)*500*time.Millisecond)
		}
		d.plan(noop, delays...)
		d.shutdown()
		again(d, kept, nil)
		in(time.Minute)
		if d.exists(old.ID) {
			t.Error("after a minute the old plan is there still")
		}
	})
}

// endless always has more to delete, and counts how often receipts are deleted.
type endless struct {
	engine.Store
	steps, receipts atomic.Int64
}

func (s *endless) PruneHistory(context.Context, time.Time, int, engine.Abandonment) (engine.Pruned, error) {
	time.Sleep(time.Second) // of the bubble
	s.steps.Add(1)
	return engine.Pruned{Executors: 1, More: true}, nil
}

func (s *endless) PruneReceipts(ctx context.Context, t time.Time, limit int) (int, error) {
	s.receipts.Add(1)
	return s.Store.PruneReceipts(ctx, t, limit)
}

func TestALongHistoryDoesNotKeepReceiptsFromGoing(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.shutdown()
		d.settings.History = kept
		s := &endless{Store: d.file}
		d.mortal = &mortalStore{Store: s}
		d.Engine = engine.New(d.settings, d.mortal, d.stage)
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		in(10*time.Hour + time.Minute)
		if n := s.receipts.Load(); n < 10 || n > 12 || s.steps.Load() < 30_000 {
			t.Errorf("in ten hours: %d steps, and receipts %d times", s.steps.Load(), n)
		}
	})
}

// TestAStoreThatFailsIsAskedAgainWithinTheHour, and not all the time.
func TestAStoreThatFailsIsAskedAgainWithinTheHour(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var asked atomic.Int64
		var broken atomic.Bool
		d.shutdown()
		again(d, kept, func() error {
			asked.Add(1)
			if broken.Load() {
				return engine.Errorf(engine.CodeUnwritable, "the disk is gone")
			}
			return nil
		})
		plan := d.plan(noop, time.Second)
		in(kept - time.Hour)
		broken.Store(true)
		asked.Store(0)
		in(10 * time.Hour)
		if n := asked.Load(); n < 9 || n > 11 || !d.exists(plan.ID) {
			t.Errorf("asked %d times in ten hours", n)
		}
		broken.Store(false)
		in(time.Hour)
		synctest.Wait()
		if d.exists(plan.ID) {
			t.Error("it is not deleted when that works again")
		}
	})
}
