package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The comment of each test says what went wrong before it.

// A dead man's switch is thrown away when the run ends badly under "undo:
// keep"; when it ends well it works. "Whatever the plan says", says settle.
func TestUndoAtHoldsHoweverTheRunEnds(t *testing.T) {
	for name, end := range map[string]attack{"well": succeed, "badly": fails} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.attacks["test:Later"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
					_ = sink.Undo(engine.NewUndo{Sequence: 1, Record: []byte(`{}`), UndoAt: time.Now().Add(time.Hour)})
					return end(ctx, s, sink)
				}
				plan := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Later", nil), UndoPolicy: engine.UndoKeep}, time.Second)
				in(2 * time.Hour)
				if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
					t.Errorf("%s; an hour after its undo_at its undo is %s", ex.State, ex.Undo)
				}
			})
		})
	}
}

// The daemon dies after PUT /halt was answered and before every record was
// asked for. "cmed reap" is to do what a start does first; a start would undo it.
func TestReapUndoesWhatTheLeverAskedFor(t *testing.T) {
	for name, again := range map[string]func(*testing.T, *daemon){
		"a start": func(_ *testing.T, d *daemon) { d.start(); in(time.Minute) },
		"reap": func(t *testing.T, d *daemon) {
			done, err := engine.New(d.settings, d.file, d.stage).Settle(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", done)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				s := held(d, nil)
				d.stage.attacks["test:Stays"] = harming(1, succeed)
				stays := d.plan("test:Stays", time.Second)
				in(2 * time.Second)
				s.undosFail.Store(true) // the death comes before they are written
				if state := d.EngageLever(t.Context(), "ana", "stop"); !state.Durable {
					t.Fatal("not durable")
				}
				d.kill()
				again(t, d)
				if ex := d.only(stays.ID); ex.Undo != engine.UndoUndone {
					t.Errorf("its undo is %s", ex.Undo)
				}
			})
		})
	}
}

// POST /executors/{id}/halt is answered, the daemon dies before the run is
// over: what ran under "undo: keep" is not undone.
func TestWhatWasHaltedByHandIsUndoneThoughTheDaemonDies(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Harm"] = harming(1, func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(time.Second)
			return engine.Exit{Finished: true, Stopped: true}
		})
		plan := d.planWith(engine.PlanSpec{Name: "k", Attack: config("test:Harm", nil), UndoPolicy: engine.UndoKeep}, time.Second)
		in(2 * time.Second)
		if _, err := d.HaltExecutor(t.Context(), d.only(plan.ID).ID, "stop it"); err != nil {
			t.Fatal(err)
		}
		d.kill()
		d.start()
		in(time.Minute)
		if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
			t.Errorf("%s, undo %s", ex.State, ex.Undo)
		}
	})
}
