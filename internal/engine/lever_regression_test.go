package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The comment of each test says what went wrong before it.

// heldStore is a mortal store whose lever can be held up, before or after it
// is stored, and whose undo records can't be written for a while.
type heldStore struct {
	*mortalStore
	before, after atomic.Int64 // pauses of SetLever
	undosFail     atomic.Bool
}

func (s *heldStore) SetLever(ctx context.Context, l engine.Lever) error {
	time.Sleep(time.Duration(s.before.Load()))
	err := s.mortalStore.SetLever(context.WithoutCancel(ctx), l) // as a write that was taken: it is not withdrawn
	time.Sleep(time.Duration(s.after.Load()))
	return err
}

func (s *heldStore) UpdateUndo(ctx context.Context, id engine.UndoID, fn func(*engine.UndoRecord) error) (engine.UndoRecord, error) {
	if s.undosFail.Load() {
		return engine.UndoRecord{}, engine.Errorf(engine.CodeUnwritable, "the file system is read-only")
	}
	return s.mortalStore.UpdateUndo(ctx, id, fn)
}

// held starts the daemon again on a heldStore.
func held(d *daemon, change func(*engine.Settings)) *heldStore {
	d.t.Helper()
	d.shutdown()
	if change != nil {
		change(&d.settings)
	}
	d.mortal = &mortalStore{Store: d.file}
	s := &heldStore{mortalStore: d.mortal}
	d.Engine = engine.New(d.settings, s, d.stage)
	if err := d.Start(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return s
}

// A halt file that appears while the lever is being released is not heeded:
// the file is there and the lever is off.
func TestAHaltFileThatAppearsDuringAReleaseHalts(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		file, changed := &haltFile{}, make(chan struct{}, 1)
		s := held(d, func(s *engine.Settings) { s.HaltFile, s.HaltFileChanged = file, changed })
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Second)
		s.before.Store(int64(20 * time.Millisecond)) // a commit
		go func() {
			time.Sleep(10 * time.Millisecond)
			_ = file.Write("smoke in the rack")
			changed <- struct{}{}
		}()
		_, err := d.ReleaseLever(t.Context(), "ben")
		in(time.Minute)
		if state := d.Lever(); !state.Engaged {
			t.Errorf("the halt file is there (%q) and nothing is halted; the release answered %v", state.HaltFile, err)
		}
	})
}

// A PUT during a release answers durable: true while the store says released.
func TestEngagingDuringAReleaseIsDurableWhenItSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Second)
		s := held(d, nil) // by an earlier daemon: nothing is reported of its stop any more
		in(time.Second)
		s.after.Store(int64(50 * time.Millisecond))
		go func() { _, _ = d.ReleaseLever(context.Background(), "ben") }()
		time.Sleep(10 * time.Millisecond) // the release is in the store, not yet in memory
		state := d.EngageLever(t.Context(), "cem", "it burns again")
		if !state.Durable {
			return // that would be honest
		}
		d.kill()
		in(time.Second)
		d.start()
		if !d.Lever().Engaged {
			t.Error("PUT /halt answered engaged and durable; after SIGKILL and restart the lever is off")
		}
	})
}

// What sees the first halt off goes on after the release, and takes back what
// runs of after the release left on purpose.
func TestAReleasedLeverTakesNothingBackAnyMore(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(10 * time.Second) // its grace
			return engine.Exit{Finished: true, Stopped: true}
		}
		d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(24 * time.Hour)})
			return succeed(ctx, s, sink)
		}
		d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "false alarm")
		if _, err := d.ReleaseLever(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		later := d.plan("test:Later", 2*time.Second) // all of its life is after the release
		in(time.Hour)
		if ex := d.is(later.ID, engine.Succeeded); ex.Undo != engine.UndoOpen {
			t.Errorf("its effect was to stay for a day; its undo is %s after %s", ex.Undo, time.Hour)
		}
	})
}

// What sees the first halt off gives the next a measure that is none of its own.
func TestTheMeasureOfAHaltIsItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return engine.Exit{Finished: true, Stopped: true}
		}
		d.plan("test:Slow", time.Second)
		d.plan("test:Slow", time.Hour)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "false alarm")
		_, _ = d.ReleaseLever(t.Context(), "ana")
		d.stage.attacks["test:Long"] = hold
		d.plan("test:Long", time.Second)
		in(time.Hour)
		stop := d.Lever().Stop
		if stop.Gone > time.Minute || stop.Undone > time.Minute {
			t.Errorf("a halt that was over in 5 s: %+v", stop)
		}
		in(2 * time.Hour)
		if stop := d.Lever().Stop; stop.Gone > time.Minute || stop.Undone > time.Minute {
			t.Errorf("a halt that was over in 5 s: %+v", stop)
		}
	})
}

// PUT twice: the runs it stopped count twice.
func TestPullingTwiceCountsRunsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return engine.Exit{Finished: true, Stopped: true}
		}
		d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "stop")
		d.EngageLever(t.Context(), "ana", "stop")
		d.EngageLever(t.Context(), "ana", "stop")
		if stop := d.Lever().Stop; stop.Runs != 1 {
			t.Errorf("stopped %d runs of 1", stop.Runs)
		}
	})
}

// A lever that is in the store is said not to be, for as long as undo takes.
func TestAStoredLeverIsSaidToBeStored(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, hold)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			time.Sleep(4 * time.Minute)
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		d.plan("test:Harm", time.Second)
		in(2 * time.Second)
		if state := d.EngageLever(t.Context(), "ana", "stop"); !state.Durable {
			t.Fatal("not durable at once")
		}
		in(time.Minute)
		if state := d.Lever(); !state.Durable {
			t.Error("durable: false, and the API warns that a restart would start executors again; the lever is in the store")
		}
	})
}

// The lever is pulled while undo records can't be written: what ended runs
// left in place is never taken back, though the store recovers.
func TestTheLeverUndoesEverythingOnceTheStoreRecovers(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		s := held(d, nil)
		d.stage.attacks["test:Stays"] = harming(1, succeed)
		stays := d.plan("test:Stays", time.Second)
		in(2 * time.Second)
		s.undosFail.Store(true)
		d.mortal.leverFails.Store(true)
		d.EngageLever(t.Context(), "ana", "stop")
		in(10 * time.Second)
		s.undosFail.Store(false)
		d.mortal.leverFails.Store(false)
		in(time.Hour)
		if ex := d.only(stays.ID); ex.Undo != engine.UndoUndone {
			t.Errorf("an hour after the store recovered its undo is %s; the lever says %+v", ex.Undo, d.Lever().Stop)
		}
	})
}

// A store that hangs rather than fails: no halt file, so a death loses the lever.
func TestTheHaltFileStandsInForAStoreThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		file := &haltFile{}
		s := held(d, func(s *engine.Settings) { s.HaltFile = file })
		s.before.Store(int64(10 * time.Minute)) // a disk that does not answer
		state := d.EngageLever(t.Context(), "ana", "stop")
		if !state.Engaged || state.Durable {
			t.Fatalf("%+v", state)
		}
		if _, there := file.Read(); !there {
			t.Error("it could not be stored within 3 s, and there is no halt file in its stead (decision 5)")
		}
		s.before.Store(0)
		d.kill()
		in(time.Hour)
		d.start()
		if !d.Lever().Engaged {
			t.Error("lost by the death of the daemon")
		}
	})
}

// PUT /halt is answered, the daemon dies before the run is over: what ran
// under "undo: keep" is stopped and not undone; without the death it is.
func TestWhatTheLeverStoppedIsUndoneThoughTheDaemonDies(t *testing.T) {
	for name, dies := range map[string]bool{"it lives": false, "it dies": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:Harm"] = harming(1, func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
					<-ctx.Done()
					time.Sleep(time.Second)
					return engine.Exit{Finished: true, Stopped: true}
				})
				plan := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Harm", nil), UndoPolicy: engine.UndoKeep}, time.Second)
				in(2 * time.Second)
				if state := d.EngageLever(t.Context(), "ana", "stop"); !state.Durable {
					t.Fatal("not durable")
				}
				if dies {
					d.kill()
					d.start()
				}
				in(time.Minute)
				if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
					t.Errorf("%s, undo %s", ex.State, ex.Undo)
				}
			})
		})
	}
}

// While an undo takes long, or fails for hours, nothing is exported of how
// long the processes took; and what is exported is of another halt.
func TestTheTimeToTheLastProcessIsExportedWhenItIsKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, hold)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			time.Sleep(4 * time.Minute)
			return engine.UndoAnswer{}, errors.New("no")
		}
		d.plan("test:Harm", time.Second)
		in(2 * time.Second)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Minute)
		if d.Lever().Stop.Gone == 0 {
			t.Fatal("not gone")
		}
		if mustStatus(d).Totals.LastHaltGone == 0 {
			t.Error("the last process is gone for a minute, and cmed_halt_last_gone_seconds is 0")
		}
	})
}

// A shutdown does not wait for the undo of a process that can't be ended.
func TestAShutdownDoesNotWaitForAStuckProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Stuck"] = harming(1, func(context.Context, engine.Start, engine.Sink) engine.Exit {
			return engine.Exit{Stuck: true, Err: errors.New("it outlived SIGKILL")}
		})
		plan := d.plan("test:Stuck", time.Second)
		in(100 * time.Millisecond)
		id := d.only(plan.ID).ID
		d.stage.mu.Lock()
		d.stage.stuck = []engine.ExecutorID{id}
		d.stage.mu.Unlock()
		in(2 * time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err := d.Shutdown(ctx)
		if took := time.Since(began); took > 5*time.Second || err != nil {
			t.Errorf("the shutdown took %s: %v", took, err)
		}
		synctest.Wait()
		d.start()
	})
}

// A run that is halted before its plugin says that it has started was on record as
// started when it ended, which is after the halt.
func TestAHaltedRunHasNotStartedAfterTheHalt(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.silent = true
		d.stage.attacks["test:Hold"] = hold
		plan := d.plan("test:Hold", time.Second)
		due := d.only(plan.ID).Due
		in(5 * time.Second)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Second)
		if ex := d.is(plan.ID, engine.Halted); !ex.Started.Equal(due) || ex.Finished.Before(due.Add(4*time.Second-time.Millisecond)) {
			t.Errorf("due at %s, it started at %s and ended at %s", due, ex.Started, ex.Finished)
		}
	})
}
