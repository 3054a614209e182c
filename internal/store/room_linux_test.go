package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// untilFull creates plans until there is no room for another.
func untilFull(t *testing.T, s *Store) (created int) {
	t.Helper()
	for ; created < 10_000; created++ {
		p := planNamed("one more")
		err := s.CreatePlan(t.Context(), p, []engine.Executor{executorOf(p, engine.Missed, noon)}, nil)
		if err == nil {
			continue
		}
		wantCode(t, err, engine.CodeFull)
		if !strings.Contains(err.Error(), "no room on the disk for the store "+s.db.Path()) {
			t.Errorf("it says %v", err)
		}
		if _, err := s.Plan(t.Context(), p.ID); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("a plan refused: %v", err)
		}
		return created
	}
	t.Fatal("the disk does not get full")
	return 0
}

func TestAFullDisk(t *testing.T) {
	t.Run("tmpfs", func(t *testing.T) { tryAFullDisk(t, smallDisk(t, 12)) })
	t.Run("ext4", func(t *testing.T) { tryAFullDisk(t, smallExt4(t, 20)) })
}

func tryAFullDisk(t *testing.T, d *disk) {
	t.Helper()
	s := openAt(t, d.database(), WithReserve(1<<20))
	states := make([]engine.State, 60)
	for i := range states {
		states[i] = engine.Running
		if i%3 == 2 {
			states[i] = engine.Scheduled
		}
	}
	p, executors := stored(t, s, states...)
	for _, e := range executors {
		if e.State == engine.Running {
			r := recordOf(e, 1)
			r.Record = fmt.Appendf(nil, `{"long":%q}`, strings.Repeat("x", 20_000))
			wantNoError(t, s.AddUndo(t.Context(), r, 0))
		}
	}
	done, _ := stored(t, s)
	wantNoError(t, s.CreatePlan(t.Context(), planNamed("with receipt"), nil, &engine.Receipt{Key: "k", Created: noon}))

	d.fill()
	untilFull(t, s)
	before := records(t, s)
	wantOrdinaryRefused(t, s, executors)
	wantSame(t, "records after the refusals", records(t, s), before)
	check(t, s)

	for round := range 5 {
		goOn(t, s, executors, round)
	}
	finishAll(t, s, executors)
	check(t, s)

	wantNoError(t, s.Close())
	s = openAt(t, d.database(), WithReserve(1<<20))
	goOn(t, s, executors, 5)
	if n, err := s.PruneReceipts(t.Context(), at(1), 0); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	wantNoError(t, s.DeletePlan(t.Context(), done.ID))
	wantNoError(t, s.DeleteExecutor(t.Context(), executors[0].ID))
	check(t, s)

	d.empty()
	for range 100 {
		stored(t, s, engine.Scheduled)
	}
	_, err := s.Claim(t.Context(), idsOf(executors[2:3]), to(engine.Starting))
	wantNoError(t, err)
	_, err = s.Claim(t.Context(), idsOf(executors[2:3]), to(engine.Cancelled))
	wantNoError(t, err)
	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	check(t, s)
	size, err := s.room.size()
	wantNoError(t, err)
	if s.room.allocated < size+s.room.reserve {
		t.Errorf("the reserve is not whole again: %d allocated, %d of data", s.room.allocated, size)
	}
}

func wantOrdinaryRefused(t *testing.T, s *Store, executors []engine.Executor) {
	t.Helper()
	running, scheduled := executors[0], executors[2]
	large := planNamed("large")
	large.Attack.Doc = fmt.Appendf(nil, `{"long":%q}`, strings.Repeat("x", 1<<20))
	message := []engine.LogEntry{{Message: strings.Repeat("x", 1<<20)}}
	r := recordOf(running, 2)
	r.Record = fmt.Appendf(nil, `{"long":%q}`, strings.Repeat("x", 1<<20))
	_, claim := s.Claim(t.Context(), idsOf(executors), func(e *engine.Executor) error {
		if e.State != engine.Scheduled {
			return engine.ErrSkip
		}
		e.State, e.Reason = engine.Starting, strings.Repeat("x", 50_000)
		return nil
	})
	for what, err := range map[string]error{
		"CreatePlan": s.CreatePlan(t.Context(), large, nil, nil),
		"Claim":      claim,
		"AddUndo":    s.AddUndo(t.Context(), r, 0),
		"SaveRun":    s.SaveRun(t.Context(), engine.Run{Executor: running.ID}, message),
		"AppendLog":  s.AppendLog(t.Context(), running.ID, message),
		"PutCached":  s.PutCached("k", make([]byte, 1<<20)),
	} {
		if engine.CodeOf(err) != engine.CodeFull {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if e, err := s.Executor(t.Context(), scheduled.ID); err != nil || e.State != engine.Scheduled {
		t.Errorf("not claimed, and yet %+v, %v", e, err)
	}
}

// goOn is what a daemon must be able to write when the disk is full.
func goOn(t *testing.T, s *Store, executors []engine.Executor, round int) {
	t.Helper()
	for i, e := range executors {
		wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: i%2 == 0, Reason: fmt.Sprint(round, i)}))
		if e.State != engine.Running {
			_, err := s.Transition(t.Context(), []engine.ExecutorID{e.ID}, func(e *engine.Executor) error {
				e.State, e.Reason = engine.Blocked, fmt.Sprint("round ", round)
				return nil
			})
			wantNoError(t, err)
			continue
		}
		id := engine.UndoID{Executor: e.ID, Sequence: 1}
		r, err := s.UpdateUndo(t.Context(), id, func(r *engine.UndoRecord) error {
			r.State, r.Attempts, r.Due = engine.RecordStates[round%3], round, at(round)
			return nil
		})
		wantNoError(t, err)
		if len(r.Record) < 20_000 {
			t.Errorf("the document of %s is %.40s", id, r.Record)
		}
	}
}

// finishAll ends the runs with more than there is room for.
func finishAll(t *testing.T, s *Store, executors []engine.Executor) {
	t.Helper()
	log := lines(strings.Repeat("x", 1<<20), "the end")
	for _, e := range executors {
		if e.State != engine.Running {
			continue
		}
		_, err := s.FinishRun(t.Context(), engine.Finish{
			ID: e.ID, Apply: to(engine.Halted), Log: log, Run: &engine.Run{Executor: e.ID, PID: 7},
			Undo: func(r *engine.UndoRecord) { r.State, r.Due = engine.RecordOpen, at(60) },
		})
		wantNoError(t, err)
		run, err := s.Run(t.Context(), e.ID)
		wantNoError(t, err)
		stored, err := s.Log(t.Context(), e.ID, 0, 0)
		wantNoError(t, err)
		if run.PID != 7 || run.LogDropped != len(log) || len(stored) > 0 {
			t.Errorf("finished as %+v, with %d lines of log", run, len(stored))
		}
	}
}

func TestInOneBatchOnlyOrdinaryWritesAreRefused(t *testing.T) {
	d := smallDisk(t, 8)
	s := openAt(t, d.database(), WithReserve(1<<20))
	_, executors := stored(t, s, engine.Scheduled)
	d.fill()
	untilFull(t, s)
	h := hold(t, s)
	var transactions []int
	refused := h.write(t, t.Context(), func(tx *txn) error {
		return tx.put(bucketCache, []byte("large"), make([]byte, 1<<20))
	})
	done := make(chan error)
	go func() {
		_, err := s.Transition(t.Context(), idsOf(executors), to(engine.Missed))
		done <- err
	}()
	eventually(t, "it is queued", func() bool { return len(s.queue) == 2 })
	h.done()
	wantNoError(t, <-done)
	wantCode(t, *refused, engine.CodeFull)

	// The other way round: what fits is not refused with what does not.
	d.empty()
	stored(t, s, engine.Scheduled)
	d.fill()
	h = hold(t, s)
	small := h.write(t, t.Context(), putting("small", &transactions, nil))
	refused = h.write(t, t.Context(), func(tx *txn) error {
		return tx.put(bucketCache, []byte("large"), make([]byte, 4<<20))
	})
	last := h.write(t, t.Context(), putting("last", &transactions, nil))
	h.done()
	wantCode(t, *refused, engine.CodeFull)
	wantNoError(t, errors.Join(*small, *last))
	wantCached(t, s, "last", "small")
	check(t, s)
}

func TestDeletionsMakeRoomOnAFullDisk(t *testing.T) {
	d := smallDisk(t, 8)
	s := openAt(t, d.database(), WithReserve(1<<20))
	var plans []engine.PlanID
	for range 30 {
		p := planNamed("old")
		p.Attack.Doc = fmt.Appendf(nil, `{"long":%q}`, strings.Repeat("x", 30_000))
		wantNoError(t, s.CreatePlan(t.Context(), p, nil, nil))
		plans = append(plans, p.ID)
	}
	d.fill()
	untilFull(t, s)
	// Some of the reserve is used up.
	wantNoError(t, s.update(t.Context(), urgent, 1, func(tx *txn) error {
		return tx.put(bucketCache, []byte("urgent"), make([]byte, 300<<10))
	}))
	wantCode(t, s.CreatePlan(t.Context(), planNamed("small"), nil, nil), engine.CodeFull)
	for _, id := range plans {
		wantNoError(t, s.DeletePlan(t.Context(), id))
	}
	if n := untilFull(t, s); n < 20 {
		t.Errorf("room for %d plans where 30 large ones were", n)
	}
	check(t, s)
}

func TestWhatIsLargerThanTheReserveIsRefused(t *testing.T) {
	d := smallDisk(t, 8)
	s := openAt(t, d.database(), WithReserve(1<<20))
	d.fill()
	untilFull(t, s)
	before := records(t, s)
	for range 3 {
		err := s.update(t.Context(), urgent, 1, func(tx *txn) error {
			return tx.put(bucketCache, []byte("large"), make([]byte, 3<<20))
		})
		wantCode(t, err, engine.CodeFull)
	}
	wantSame(t, "records", records(t, s), before)
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true}))
	check(t, s)
}

// TestTheAuditLeavesRoomForTheLever fills the disk with what went well.
func TestTheAuditLeavesRoomForTheLever(t *testing.T) {
	d := smallDisk(t, 8)
	s := openAt(t, d.database(), WithReserve(1<<20))
	d.fill()
	untilFull(t, s)
	stored := 0
	for ; stored < 10_000; stored++ {
		_, err := s.AppendAudit(t.Context(), audit.Entry{At: noon, Outcome: audit.OK, Detail: strings.Repeat("x", 4000)})
		if err != nil {
			wantCode(t, err, engine.CodeFull)
			break
		}
	}
	if most := 10_000; stored < 20 || stored == most {
		t.Errorf("%d entries were stored", stored)
	}
	wantNoError(t, s.update(t.Context(), urgent, 1, func(tx *txn) error {
		return tx.put(bucketCache, []byte("urgent"), make([]byte, 300<<10))
	}))
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true}))
	check(t, s)
}

// TestALargePlanIsDeletedWithinTheReserve is about the reserve as it is when
// nothing else is said.
func TestALargePlanIsDeletedWithinTheReserve(t *testing.T) {
	d := smallDisk(t, 96)
	s := openAt(t, d.database())
	p := planNamed("large")
	executors := make([]engine.Executor, 10_000)
	for i := range executors {
		executors[i] = executorOf(p, engine.Succeeded, at(i))
	}
	wantNoError(t, s.CreatePlan(t.Context(), p, executors, nil))
	d.fill()
	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	check(t, s)
}

func TestTheFileHasItsPlaceOnTheDisk(t *testing.T) {
	d := smallDisk(t, 64)
	wantNoError(t, openAt(t, d.database(), WithReserve(0)).Close())
	wantNoError(t, os.Truncate(d.database(), 3<<20)) // a hole
	s := openAt(t, d.database())
	for i := range 10 {
		info, err := os.Stat(d.database())
		wantNoError(t, err)
		blocks := info.Sys().(*syscall.Stat_t).Blocks * 512
		if blocks < info.Size() || info.Size() < s.room.allocated {
			t.Errorf("%d bytes have their place of the file's %d, which counts on %d", blocks, info.Size(), s.room.allocated)
		}
		wantNoError(t, s.PutCached(fmt.Sprint(i), make([]byte, 1<<20)))
	}
}

// TestANewStoreOnAFullDisk has it made when there is no room for all of what an
// empty one needs; it must be possible to make it later.
func TestANewStoreOnAFullDisk(t *testing.T) {
	for pages := range int64(24) {
		d := smallDisk(t, 2)
		d.fill()
		info, err := os.Stat(d.filler())
		wantNoError(t, err)
		wantNoError(t, os.Truncate(d.filler(), info.Size()-pages*int64(os.Getpagesize())))
		s, err := Open(d.database(), WithReserve(0))
		if err == nil {
			wantNoError(t, s.Close())
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d pages free: %v", pages, err)
		}
		d.empty()
		stored(t, openAt(t, d.database(), WithReserve(0)), engine.Scheduled)
	}
}
