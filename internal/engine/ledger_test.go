package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// failingUndo makes every undo fail until it is told otherwise.
func failingUndo(d *daemon) (mend func()) {
	broken := true
	d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
		if broken {
			return engine.UndoAnswer{Outcome: engine.OutcomeFailed, Message: "no way"}, nil
		}
		return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
	}
	return func() { broken = false }
}

// givenUp leaves one record that has failed and returns it.
func givenUp(d *daemon) engine.UndoRecord {
	d.t.Helper()
	d.stage.attacks["test:Harm"] = harming(1, fails)
	plan := d.plan("test:Harm", time.Second)
	in(10 * time.Minute)
	_, records, err := d.RunOf(d.t.Context(), d.only(plan.ID).ID)
	if err != nil || len(records) != 1 || records[0].State != engine.RecordFailed {
		d.t.Fatalf("records %+v, %v", records, err)
	}
	return records[0]
}

func TestAnUndoIsTriedWithLongerPausesUntilItIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.restartWith(func(s *engine.Settings) { s.UndoAttempts = 10 })
		var at []time.Time
		d.stage.undo = func(call engine.UndoCall) (engine.UndoAnswer, error) {
			at = append(at, time.Now())
			if call.Attempt != len(at) {
				t.Errorf("attempt %d is called the %d", len(at), call.Attempt)
			}
			return engine.UndoAnswer{}, errors.New("crashed")
		}
		record := givenUp(d)
		if record.Attempts != 10 || !record.Due.IsZero() || record.Finished.IsZero() {
			t.Errorf("%+v", record)
		}
		want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
		for i, pause := range want {
			if got := at[i+1].Sub(at[i]).Round(time.Second); got != pause*time.Second {
				t.Errorf("pause %d is %s, want %ds", i+1, got, pause)
			}
		}
		if totals := mustStatus(d).Totals; totals.UndosFailed != 1 || totals.UndoAttempts[engine.OutcomeFailed] != 10 {
			t.Errorf("totals %+v", totals)
		}
	})
}

func mustStatus(d *daemon) engine.Status {
	d.t.Helper()
	status, err := d.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return status
}

func TestAGivenUpUndoIsTriedAgainByHandAndAtTheNextStart(t *testing.T) {
	ways := map[string]func(*daemon, engine.UndoID){
		"by hand": func(d *daemon, id engine.UndoID) {
			if u, err := d.RetryUndo(d.t.Context(), id); err != nil || u.State != engine.RecordOpen || u.Attempts != 0 {
				d.t.Errorf("%+v, %v", u, err)
			}
		},
		"at the next start": func(d *daemon, _ engine.UndoID) { d.restartWith(func(*engine.Settings) {}) },
		"after a kill":      func(d *daemon, _ engine.UndoID) { d.kill(); d.start() },
		"by the lever":      func(d *daemon, _ engine.UndoID) { d.EngageLever(d.t.Context(), "ana", "stop") },
	}
	for name, again := range ways {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				mend := failingUndo(d)
				record := givenUp(d)
				mend()
				again(d, record.UndoID)
				in(time.Minute)
				if u, err := d.UndoRecord(t.Context(), record.UndoID); err != nil || u.State != engine.RecordUndone {
					t.Errorf("%+v, %v", u, err)
				}
			})
		})
	}
}

func TestAnAbandonedUndoStaysOnRecordAndIsNotTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		failingUndo(d)
		id := givenUp(d).UndoID
		if _, err := d.AbandonUndo(t.Context(), id, "ana", " "); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("without a reason: %v", err)
		}
		u, err := d.AbandonUndo(t.Context(), id, "ana", "the machine is scrapped")
		if err != nil || u.State != engine.RecordAbandoned || u.Abandoned == nil || u.Abandoned.By != "ana" {
			t.Fatalf("%+v, %v", u, err)
		}
		tries := len(d.stage.undos)
		d.restartWith(func(*engine.Settings) {})
		d.EngageLever(t.Context(), "ben", "stop")
		in(time.Hour)
		if len(d.stage.undos) != tries {
			t.Error("it was tried again")
		}
		if _, err := d.AbandonUndo(t.Context(), id, "ana", "again"); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("abandoned twice: %v", err)
		}
		plan := u.Plan
		if _, err := d.DeletePlan(t.Context(), plan, false); err != nil {
			t.Errorf("its plan can't be deleted: %v", err)
		}
		list, _, err := d.UndoRecords(t.Context(), engine.UndoQuery{States: []engine.RecordState{engine.RecordAbandoned}})
		if err != nil || len(list) != 1 || list[0].Abandoned.Reason != "the machine is scrapped" {
			t.Errorf("after the deletion of its plan: %+v, %v", list, err)
		}
		if _, err := d.RetryUndo(t.Context(), id); engine.CodeOf(err) != engine.CodeConflict || !strings.Contains(err.Error(), "deleted") {
			t.Errorf("retry without its plan: %v", err)
		}
	})
}

func TestRecordsOfALiveRunAreNotChangedByHand(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, hold)
		plan := d.plan("test:Harm", time.Second)
		in(2 * time.Second)
		id := engine.UndoID{Executor: d.is(plan.ID, engine.Running).ID, Sequence: 1}
		if _, err := d.RetryUndo(t.Context(), id); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("retry: %v", err)
		}
		if _, err := d.AbandonUndo(t.Context(), id, "ana", "no"); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("abandon: %v", err)
		}
		if _, err := d.RetryUndo(t.Context(), engine.UndoID{Executor: engine.NewExecutorID(), Sequence: 1}); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("retry of none: %v", err)
		}
	})
}

func TestUndoWaitsForAProcessThatCannotBeEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, hold)
		plan := d.plan("test:Harm", time.Second)
		in(2 * time.Second)
		id := d.only(plan.ID).ID
		d.kill()
		d.stage.stuck = []engine.ExecutorID{id}
		d.start()
		in(10 * time.Minute)
		d.is(plan.ID, engine.Lost)
		if len(d.stage.undos) != 0 {
			t.Fatal("undone while its process lives")
		}
		d.stage.mu.Lock()
		d.stage.stuck = nil
		d.stage.mu.Unlock()
		in(time.Minute)
		if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s", ex.Undo)
		}
	})
}

// TestSettle is what "cmed reap" does in place of a dead daemon.
func TestSettle(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(2, hold)
		d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(time.Hour)})
			return succeed(ctx, s, sink)
		}
		running, later, far := d.plan("test:Harm", time.Second), d.plan("test:Later", time.Second), d.plan(noop, time.Minute)
		in(2 * time.Second)
		d.kill()
		d.stage.undo = func(call engine.UndoCall) (engine.UndoAnswer, error) {
			if call.Record.Sequence == 1 && call.Attempt < 3 {
				return engine.UndoAnswer{Outcome: engine.OutcomeRetry}, nil
			}
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		reaper := engine.New(d.settings, d.file, d.stage)
		done, err := reaper.Settle(t.Context())
		if err != nil || done.Lost != 1 || done.Undone != 2 || done.Open != 1 || done.Failed != 0 {
			t.Errorf("%+v, %v", done, err)
		}
		if err := reaper.Start(t.Context()); engine.CodeOf(err) != engine.CodeClosed {
			t.Errorf("started after settling: %v", err)
		}
		d.start()
		d.is(running.ID, engine.Lost)
		d.is(far.ID, engine.Scheduled)
		in(2 * time.Hour)
		if ex := d.only(later.ID); ex.Undo != engine.UndoUndone {
			t.Errorf("undo %s", ex.Undo)
		}
	})
}

func TestADeletionLeavesWhatStaysInPlaceOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, succeed)
		kept := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Harm", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		in(2 * time.Second)
		if done, err := d.DeletePlan(t.Context(), kept.ID, false); err != nil || !done.Done {
			t.Fatalf("%+v, %v", done, err)
		}
		list, _, err := d.UndoRecords(t.Context(), engine.UndoQuery{})
		if err != nil || len(list) != 1 || list[0].State != engine.RecordAbandoned || list[0].Abandoned == nil ||
			list[0].Abandoned.Reason != "its undo was kept" || !strings.Contains(list[0].Abandoned.By, string(kept.ID)) {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestAStopSaysHowManyUndosFailedAndAnAbandonedOneIsNotNone(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		failingUndo(d)
		record := givenUp(d)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Minute)
		if stop := d.Lever().Stop; stop.Undone == 0 || stop.NotUndone != 1 {
			t.Errorf("stop %+v", stop)
		}
		if _, err := d.AbandonUndo(t.Context(), record.UndoID, "ana", "scrapped"); err != nil {
			t.Fatal(err)
		}
		if ex, err := d.Executor(t.Context(), record.Executor); err != nil || ex.Undo != engine.UndoAbandoned {
			t.Errorf("undo %s, %v", ex.Undo, err)
		}
	})
}

func TestSettleTriesAFailedUndoOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		failingUndo(d)
		givenUp(d)
		d.EngageLever(t.Context(), "ana", "stop") // which does not make it more often
		in(time.Minute)
		d.kill()
		tries := len(d.stage.undos)
		begun := time.Now()
		done, err := engine.New(d.settings, d.file, d.stage).Settle(t.Context())
		if err != nil || done.Failed != 1 || len(d.stage.undos) != tries+1 || time.Since(begun) > 5*time.Second {
			t.Errorf("%+v, %v, %d tries, %s", done, err, len(d.stage.undos)-tries, time.Since(begun))
		}
		d.start()
	})
}

// TestSettlingARestorationTakesNothingBackBeforeItsTime: its lever is engaged, though
// nobody halted anything.
func TestSettlingARestorationTakesNothingBackBeforeItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(24 * time.Hour)})
			return succeed(ctx, s, sink)
		}
		later := d.plan("test:Later", time.Second)
		in(2 * time.Second)
		d.kill()
		if err := d.file.SetLever(t.Context(), engine.Lever{Engaged: true, By: "restore", At: time.Now(), Restored: true}); err != nil {
			t.Fatal(err)
		}
		done, err := engine.New(d.settings, d.file, d.stage).Settle(t.Context())
		if err != nil || done.Undone != 0 || done.Open != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		d.start()
		in(time.Minute)
		if got := d.only(later.ID).Undo; got != engine.UndoOpen {
			t.Errorf("undo %s, a day before its time", got)
		}
	})
}
