package engine_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestTheLeverStopsUndoesAndBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(2, hold)
		running := d.plan("test:Harm", time.Second)
		next := d.plan(noop, 10*time.Second)
		far := d.plan(noop, time.Hour)
		in(2 * time.Second)

		state := d.EngageLever(t.Context(), "ana", "the site is down")
		if !state.Engaged || !state.Durable || state.By != "ana" || state.Stopping+state.Stop.Runs == 0 {
			t.Errorf("answer %+v", state)
		}
		in(time.Minute)
		halted := d.is(running.ID, engine.Halted)
		if halted.Undo != engine.UndoUndone || !strings.Contains(halted.Reason, "ana: the site is down") {
			t.Errorf("undo %s, reason %q", halted.Undo, halted.Reason)
		}
		blocked := d.is(next.ID, engine.Blocked)
		if !strings.Contains(blocked.Reason, "ana") || !strings.Contains(blocked.Reason, "the site is down") || !blocked.Started.IsZero() {
			t.Errorf("blocked: %+v", blocked)
		}
		if stop := d.Lever().Stop; stop.Runs != 1 || stop.Undone == 0 || stop.Gone == 0 {
			t.Errorf("stop %+v", stop)
		}
		if _, err := d.ReleaseLever(t.Context(), "ben"); err != nil {
			t.Fatal(err)
		}
		in(2 * time.Hour)
		d.is(far.ID, engine.Succeeded)
	})
}

func TestWhatWaitsForItsTimeStartsIfTheLeverIsReleasedBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.plan(noop, 10*time.Second)
		in(10*time.Second - 500*time.Millisecond)
		d.is(plan.ID, engine.Starting)
		d.EngageLever(t.Context(), "ana", "wait")
		in(100 * time.Millisecond)
		d.is(plan.ID, engine.Scheduled)
		if d.stage.alive != 0 {
			t.Errorf("%d processes wait behind the lever", d.stage.alive)
		}
		if _, err := d.ReleaseLever(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		in(time.Second)
		d.is(plan.ID, engine.Succeeded)
	})
}

func TestTheLeverSurvivesWhateverEndsTheDaemon(t *testing.T) {
	for name, end := range map[string]func(*daemon){"shutdown": (*daemon).shutdown, "kill": (*daemon).kill} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.EngageLever(t.Context(), "ana", "no more")
				end(d)
				d.start()
				state := d.Lever()
				if !state.Engaged || state.By != "ana" || state.Reason != "no more" {
					t.Fatalf("after the restart %+v", state)
				}
				plan := d.plan(noop, 5*time.Second)
				in(10 * time.Second)
				d.is(plan.ID, engine.Blocked)
				if _, err := d.ReleaseLever(t.Context(), "ben"); err != nil {
					t.Fatal(err)
				}
				end(d)
				d.start()
				if state := d.Lever(); state.Engaged || state.ReleasedBy != "ben" {
					t.Errorf("after release and restart %+v", state)
				}
			})
		})
	}
}

func TestEngagingTwiceKeepsWhoAndWhy(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.EngageLever(t.Context(), "ana", "first")
		in(time.Minute)
		state := d.EngageLever(t.Context(), "ben", "second")
		if state.By != "ana" || state.Reason != "first" || !state.Durable {
			t.Errorf("%+v", state)
		}
		if again, err := d.ReleaseLever(t.Context(), "cem"); err != nil || again.Engaged {
			t.Errorf("%+v, %v", again, err)
		}
		if again, err := d.ReleaseLever(t.Context(), "dan"); err != nil || again.ReleasedBy != "cem" {
			t.Errorf("released twice: %+v, %v", again, err)
		}
	})
}

// haltFile is a halt file in memory.
type haltFile struct {
	mu   sync.Mutex
	text string
	is   bool
}

func (f *haltFile) Path() string { return "/state/halt" }

func (f *haltFile) Read() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text, f.is
}

func (f *haltFile) Write(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.is = text, true
	return nil
}

func (f *haltFile) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.is = false
}

func TestTheHaltFileEngagesLatchesAndHoldsTheRelease(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		file, changed := &haltFile{}, make(chan struct{}, 1)
		d.restartWith(func(s *engine.Settings) { s.HaltFile, s.HaltFileChanged = file, changed })
		_ = file.Write("smoke in the rack")
		changed <- struct{}{}
		in(time.Second)
		if state := d.Lever(); !state.Engaged || state.Reason != "smoke in the rack" || state.HaltFile != "/state/halt" ||
			!strings.Contains(state.By, "/state/halt") {
			t.Fatalf("%+v", state)
		}
		_, err := d.ReleaseLever(t.Context(), "ana")
		if engine.CodeOf(err) != engine.CodeConflict || !strings.Contains(err.Error(), "/state/halt") {
			t.Errorf("release with the file there: %v", err)
		}
		file.remove()
		changed <- struct{}{}
		in(time.Second)
		if !d.Lever().Engaged {
			t.Error("removing the file released the lever")
		}
		if _, err := d.ReleaseLever(t.Context(), "ana"); err != nil {
			t.Error(err)
		}
		_ = file.Write("") // while the daemon is away
		d.restartWith(func(*engine.Settings) {})
		if state := d.Lever(); !state.Engaged || state.Reason == "" {
			t.Errorf("after the restart %+v", state)
		}
	})
}

func TestALeverThatCannotBeStoredStillStopsEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		file := &haltFile{}
		d.restartWith(func(s *engine.Settings) { s.HaltFile = file })
		d.stage.attacks["test:Hold"] = hold
		plan := d.plan("test:Hold", time.Second)
		in(2 * time.Second)
		d.mortal.leverFails.Store(true)
		called := time.Now()
		state := d.EngageLever(t.Context(), "ana", "disk and site are down")
		if !state.Engaged || state.Durable {
			t.Errorf("answer %+v", state)
		}
		if took := time.Since(called); took > 5*time.Second {
			t.Errorf("the answer took %s", took)
		}
		in(time.Second)
		d.is(plan.ID, engine.Halted)
		if text, is := file.Read(); !is || !strings.Contains(text, "ana: disk and site are down") {
			t.Errorf("halt file %q, %v", text, is)
		}
		d.mortal.leverFails.Store(false)
		in(time.Minute)
		if state := d.Lever(); !state.Durable {
			t.Error("it was not stored when the store worked again")
		}
		file.remove()
		d.kill()
		d.start()
		if !d.Lever().Engaged {
			t.Error("lost by the restart")
		}
	})
}

func TestAReleaseThatCannotBeStoredIsNone(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Second)
		d.mortal.leverFails.Store(true)
		if _, err := d.ReleaseLever(t.Context(), "ana"); err == nil {
			t.Error("released without being stored")
		}
		if !d.Lever().Engaged {
			t.Error("the lever is off")
		}
	})
}

func TestTheLeverTakesBackWhatEndedRunsLeftInPlaceButNotWhatIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Stays"] = harming(1, succeed)
		d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(24 * time.Hour)})
			return succeed(ctx, s, sink)
		}
		stays, later := d.plan("test:Stays", time.Second), d.plan("test:Later", time.Second)
		kept := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Stays", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Minute)
		for plan, want := range map[engine.PlanID]engine.UndoState{
			stays.ID: engine.UndoUndone, later.ID: engine.UndoUndone, kept.ID: engine.UndoKept,
		} {
			if got := d.only(plan).Undo; got != want {
				t.Errorf("undo %s, want %s", got, want)
			}
		}
	})
}

// A store that was restored has its lever engaged, though nobody halted anything:
// nothing starts, and what was to stay stays until somebody does halt.
func TestARestorationTakesNothingBackBeforeItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Stays"] = harming(1, succeed)
		d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(24 * time.Hour)})
			return succeed(ctx, s, sink)
		}
		d.stage.attacks["test:Kept"] = harming(1, func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			return engine.Exit{Finished: true, Stopped: true}
		})
		stays, later := d.plan("test:Stays", time.Second), d.plan("test:Later", time.Second)
		kept := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Kept", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		waits := d.plan(noop, time.Hour)
		in(2 * time.Second)
		d.kill() // in the middle of one of them, as a backup is made
		if err := d.file.SetLever(t.Context(), engine.Lever{Engaged: true, By: "restore", At: time.Now(), Restored: true}); err != nil {
			t.Fatal(err)
		}
		d.start()
		in(2 * time.Hour)
		d.is(waits.ID, engine.Blocked)
		for plan, want := range map[engine.PlanID]engine.UndoState{
			stays.ID: engine.UndoOpen, later.ID: engine.UndoOpen, kept.ID: engine.UndoKept,
		} {
			if got := d.only(plan).Undo; got != want {
				t.Errorf("undo %s after the restoration, want %s", got, want)
			}
		}
		if n := d.Lever().Undoing; n != 0 {
			t.Errorf("%d records are said to be still to be undone", n)
		}
		if state := d.EngageLever(t.Context(), "ana", "stop"); state.By != "ana" || state.Restored {
			t.Errorf("the halt is not hers: %+v", state)
		}
		in(time.Minute)
		for _, plan := range []engine.PlanID{stays.ID, later.ID} {
			if got := d.only(plan).Undo; got != engine.UndoUndone {
				t.Errorf("undo %s after a halt", got)
			}
		}
		if state, err := d.ReleaseLever(t.Context(), "ana"); err != nil || state.Engaged {
			t.Errorf("%+v, %v", state, err)
		}
	})
}

func TestALeverEngagedBeforeTheStartHolds(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.plan(noop, 10*time.Second)
		d.shutdown()
		d.mortal = &mortalStore{Store: d.file}
		d.Engine = engine.New(d.settings, d.mortal, d.stage)
		if state := d.EngageLever(t.Context(), "SIGUSR1", "told to"); !state.Engaged {
			t.Fatalf("%+v", state)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		in(20 * time.Second)
		d.is(plan.ID, engine.Blocked)
		d.kill()
		d.start()
		if !d.Lever().Engaged {
			t.Error("not stored")
		}
	})
}

func TestAPlanMadeUnderTheLeverWarns(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.EngageLever(t.Context(), "ana", "stop")
		created, err := d.CreatePlan(t.Context(), engine.PlanSpec{
			Name: "p", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
		})
		if err != nil || len(created.Warnings) != 1 || !strings.Contains(created.Warnings[0], "lever is engaged (by ana") {
			t.Errorf("%q, %v", created.Warnings, err)
		}
	})
}

func TestALeverEngagedDuringTheShutdownIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return engine.Exit{Finished: true, Stopped: true}
		}
		plan := d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.shutdown()
		}()
		in(time.Second)
		if state := d.EngageLever(t.Context(), "ana", "late"); !state.Engaged || !state.Durable {
			t.Errorf("%+v", state)
		}
		<-ended
		d.start()
		if state := d.Lever(); !state.Engaged || state.By != "ana" {
			t.Errorf("after the restart %+v", state)
		}
		d.is(plan.ID, engine.Halted)
	})
}

func TestTheLeverUndoesTheNewestRecordOfARunFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Many"] = harming(40, succeed)
		plan := d.plan("test:Many", time.Second)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Minute)
		if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
			t.Fatalf("undo %s", ex.Undo)
		}
		if order := d.stage.undone(); len(order) != 40 || !slices.IsSortedFunc(order, func(a, b uint64) int { return cmp.Compare(b, a) }) {
			t.Errorf("undone in the order %v", order)
		}
	})
}

func TestAStopThatCannotBeCountedIsNotSaidToBeUndone(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.mortal.countFails.Store(true)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Minute)
		if stop := d.Lever().Stop; stop.Gone == 0 || stop.Undone != 0 {
			t.Errorf("stop %+v", stop)
		}
	})
}
