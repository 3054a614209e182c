package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

var byHistory = engine.Abandonment{By: "history", Reason: "old", At: noon}

// pruneAll prunes until nothing is left to do, and returns how many steps that
// took.
func pruneAll(t *testing.T, s *Store, before time.Time, limit int) (all engine.Pruned, steps int) {
	t.Helper()
	for {
		step, err := s.PruneHistory(t.Context(), before, limit, byHistory)
		wantNoError(t, err)
		if step.Executors > limit {
			t.Errorf("%d executors in a step of %d", step.Executors, limit)
		}
		all.Plans = append(all.Plans, step.Plans...)
		all.Executors += step.Executors
		all.Undos += step.Undos
		check(t, s)
		if !step.More {
			return all, steps
		}
		if steps++; steps > 1000 {
			t.Fatal("pruning does not come to an end")
		}
	}
}

// TestOnlyWhatHasEndedIsPruned has plans of every kind; those which are not
// settled stay, whatever the time.
func TestOnlyWhatHasEndedIsPruned(t *testing.T) {
	s := openStore(t)
	var stay, ended []engine.PlanID
	for _, state := range engine.States {
		p, _ := stored(t, s, engine.Succeeded, state)
		if state.Final() {
			ended = append(ended, p.ID)
		} else {
			stay = append([]engine.PlanID{p.ID}, stay...)
		}
	}
	for _, state := range engine.RecordStates {
		p, executors := stored(t, s, engine.Succeeded, engine.Failed)
		r := recordOf(executors[1], 1)
		r.State = state
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
		if state.Unsettled() {
			stay = append([]engine.PlanID{p.ID}, stay...)
		} else {
			ended = append(ended, p.ID)
		}
	}
	before, err := s.PruneHistory(t.Context(), time.Now().Add(-time.Minute), 100, byHistory)
	wantNoError(t, err)
	wantSame(t, "what ended a minute ago", before, engine.Pruned{})
	pruned, _ := pruneAll(t, s, time.Now().Add(time.Second), 3)
	wantSame(t, "gone", pruned.Plans, ended)
	wantSame(t, "left", allPlans(t, s, engine.PlanQuery{All: true, Limit: 9}), stay)

	records, _, err := s.UndoRecords(t.Context(), engine.UndoQuery{States: []engine.RecordState{engine.RecordAbandoned}})
	wantNoError(t, err)
	for _, r := range records {
		if r.Abandoned == nil || r.Abandoned.By != "history" || !r.Finished.Equal(noon) {
			t.Errorf("the effect that is in place still: %+v", r)
		}
	}
}

// TestAPlanIsPrunedWhenItEndedNotWhenItWasMade: what brings a plan back keeps it.
func TestAPlanIsPrunedWhenItEndedNotWhenItWasMade(t *testing.T) {
	s := openStore(t)
	long, executors := stored(t, s, engine.Scheduled)
	short, _ := stored(t, s, engine.Succeeded)
	ended := time.Now()
	eventually(t, "the clock has gone on", func() bool { return time.Since(ended) > time.Millisecond })
	_, err := s.Transition(t.Context(), idsOf(executors), to(engine.Missed))
	wantNoError(t, err)
	first, _ := pruneAll(t, s, ended.Add(500*time.Microsecond), 10)
	wantSame(t, "ended first", first.Plans, []engine.PlanID{short.ID})

	_, err = s.Transition(t.Context(), idsOf(executors), to(engine.Scheduled))
	wantNoError(t, err)
	again, _ := pruneAll(t, s, time.Now().Add(time.Hour), 10)
	wantSame(t, "scheduled again", again.Plans, nil)
	_, err = s.Transition(t.Context(), idsOf(executors), to(engine.Cancelled))
	wantNoError(t, err)
	last, _ := pruneAll(t, s, time.Now().Add(time.Hour), 10)
	wantSame(t, "called off", last.Plans, []engine.PlanID{long.ID})
}

// TestWhatWasDueLaterIsKeptUntilThen calls a plan off long before it was due.
func TestWhatWasDueLaterIsKeptUntilThen(t *testing.T) {
	s := openStore(t)
	p := planNamed("called off")
	due := time.Now().Add(100 * time.Hour).UTC().Truncate(time.Microsecond)
	early, late := executorOf(p, engine.Cancelled, noon), executorOf(p, engine.Cancelled, due)
	wantNoError(t, s.CreatePlan(t.Context(), p, []engine.Executor{late, early}, nil))
	for _, before := range []time.Time{time.Now().Add(time.Hour), due} {
		pruned, _ := pruneAll(t, s, before, 10)
		wantSame(t, "pruned too early", pruned.Plans, nil)
	}
	pruned, _ := pruneAll(t, s, due.Add(time.Microsecond), 10)
	wantSame(t, "pruned", pruned.Plans, []engine.PlanID{p.ID})
}

// TestPruningTakesSmallSteps has one plan with many executors and one run with
// many undo records, and the store opened anew in between.
func TestPruningTakesSmallSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	const many = 250
	large := planNamed("large")
	executors := make([]engine.Executor, many)
	for i := range executors {
		executors[i] = executorOf(large, engine.Succeeded, at(i))
	}
	wantNoError(t, s.CreatePlan(t.Context(), large, executors, nil))
	deep, runs := stored(t, s, engine.Succeeded)
	for n := range uint64(many) {
		r := recordOf(runs[0], n)
		r.State = engine.RecordUndone
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
	}
	before, steps, gone := time.Now().Add(time.Hour), 0, []engine.PlanID(nil)
	for more := true; more; steps++ {
		step, err := s.PruneHistory(t.Context(), before, 10, byHistory)
		wantNoError(t, err)
		more = step.More
		gone = append(gone, step.Plans...)
		if steps%20 == 0 {
			wantNoError(t, s.Close())
			s = openAt(t, path)
			check(t, s)
		}
	}
	if steps < 2*many/10 {
		t.Errorf("%d executors and %d records took %d steps of 10", many, many, steps)
	}
	wantSame(t, "gone", gone, []engine.PlanID{large.ID, deep.ID})
	check(t, s)
}

// TestRecordsOfDeletedExecutorsGoWhenTheyAreOld: those of executors that are
// there stay, and those that were given up lately.
func TestRecordsOfDeletedExecutorsGoWhenTheyAreOld(t *testing.T) {
	s := openStore(t)
	now := time.Now()
	given := func(abandoned time.Time, deleted bool) string {
		_, executors := stored(t, s, engine.Failed, engine.Scheduled)
		r := recordOf(executors[0], 1)
		r.State, r.Abandoned = engine.RecordAbandoned, &engine.Abandonment{By: "alice", At: abandoned}
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
		if deleted {
			wantNoError(t, s.DeleteExecutor(t.Context(), executors[0].ID))
		}
		return r.String()
	}
	given(now.Add(-time.Hour), true)
	there := []string{given(now.Add(-time.Hour), false), given(now.Add(time.Hour), true)}

	pruned, _ := pruneAll(t, s, now.Add(-time.Minute), 10)
	wantSame(t, "of executors made since", pruned, engine.Pruned{})
	pruned, _ = pruneAll(t, s, now.Add(time.Minute), 10)
	wantSame(t, "deleted", pruned.Undos, 1)
	var left []string
	for _, r := range allUndos(t, s, engine.UndoQuery{Limit: 9}) {
		left = append(left, r.String())
	}
	wantSame(t, "left", left, there)
}

// TestAHistoryThatIsNotWhatItListsComesToAnEnd has a plan listed where it is not,
// one whose counts can't be read, and a record that can't.
func TestAHistoryThatIsNotWhatItListsComesToAnEnd(t *testing.T) {
	s := openStore(t)
	var plans []engine.Plan
	for range 4 {
		p, _ := stored(t, s, engine.Succeeded, engine.Failed)
		plans = append(plans, p)
	}
	_, executors := stored(t, s, engine.Failed)
	orphan := recordOf(executors[0], 1)
	orphan.State = engine.RecordAbandoned
	wantNoError(t, s.AddUndo(t.Context(), orphan, 0))
	wantNoError(t, s.DeletePlan(t.Context(), executors[0].PlanID))
	wantNoError(t, s.update(t.Context(), urgent, 1, func(t *txn) error {
		stale, unreadable := must(idKey(plans[0].ID)), must(idKey(plans[1].ID))
		return errors.Join(
			t.put(bucketHistory, historyKey(noon, stale), present),
			t.put(bucketCounts, unreadable, []byte("{")),
			t.put(bucketUndos, sequenceKey(must(idKey(orphan.Executor)), 1), []byte("{")),
		)
	}))
	var gone []engine.PlanID
	var damaged []string
	steps := 0
	for more := true; more; steps++ {
		step, err := s.PruneHistory(t.Context(), time.Now().Add(time.Hour), 25, byHistory)
		wantNoError(t, err)
		if step.Damaged != nil {
			damaged = append(damaged, step.Damaged.Error())
		}
		gone, more = append(gone, step.Plans...), step.More
		if steps > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	wantSame(t, "gone", gone, []engine.PlanID{plans[0].ID, plans[2].ID, plans[3].ID})
	if len(damaged) != 2 || !strings.Contains(damaged[0], string(plans[1].ID)) || !strings.Contains(damaged[1], "undo record") {
		t.Errorf("told: %q", damaged)
	}
	again, err := s.PruneHistory(t.Context(), time.Now().Add(time.Hour), 25, byHistory)
	wantNoError(t, err)
	wantSame(t, "found again", again, engine.Pruned{})
}

// TestKeptRecordsGoInSmallStepsToo has a run with many whose effect stays.
func TestKeptRecordsGoInSmallStepsToo(t *testing.T) {
	s := openStore(t)
	_, runs := stored(t, s, engine.Succeeded)
	const many, limit = 100, 10
	for n := range uint64(many) {
		r := recordOf(runs[0], n)
		r.State = engine.RecordKept
		wantNoError(t, s.AddUndo(t.Context(), r, 0))
	}
	abandoned := 0
	for more := true; more; {
		step, err := s.PruneHistory(t.Context(), time.Now().Add(time.Hour), limit, byHistory)
		wantNoError(t, err)
		more = step.More
		counts, err := s.UndoCounts(t.Context())
		wantNoError(t, err)
		if n := counts[engine.RecordAbandoned] - abandoned; n > limit {
			t.Errorf("%d records in a step of %d", n, limit)
		}
		if abandoned = counts[engine.RecordAbandoned]; abandoned == many {
			break // and now their time begins
		}
		check(t, s)
	}
	wantSame(t, "abandoned", abandoned, many)
	pruneAll(t, s, time.Now().Add(-time.Hour), limit)
}

// TestARestoredHistoryIsKeptForItsTime: who restores an old backup, or puts it in its
// place by hand, wants to see what was then.
func TestARestoredHistoryIsKeptForItsTime(t *testing.T) {
	for name, restore := range map[string]func(t *testing.T, backup string) *Store{
		"restored": func(t *testing.T, backup string) *Store {
			path := filepath.Join(t.TempDir(), "cme.db")
			_, err := Restore(t.Context(), Restoration{Backup: backup, Path: path}, nil)
			wantNoError(t, err)
			return openAt(t, path)
		},
		"by hand": func(t *testing.T, backup string) *Store { return openAt(t, backup) },
		"by hand, and opened again": func(t *testing.T, backup string) *Store {
			wantNoError(t, openAt(t, backup).Close())
			return openAt(t, backup)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			p, _ := stored(t, s, engine.Succeeded)
			backup := filepath.Join(t.TempDir(), "backup")
			snapshotTo(t, s, backup)
			before := time.Now()
			restored := restore(t, backup)
			pruned, _ := pruneAll(t, restored, before, 10)
			wantSame(t, "deleted since it ended before the restoration", pruned.Plans, nil)
			pruned, _ = pruneAll(t, restored, time.Now(), 10)
			wantSame(t, "deleted later", pruned.Plans, []engine.PlanID{p.ID})
		})
	}
}
