package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// crashPath is the environment variable that makes the test binary a writer to
// be killed.
const crashPath = "CMED_TEST_STORE_CRASH"

// TestKilledInTheMiddle kills a process in the middle of its writes, again and
// again on one file, and expects every write it had acknowledged, and indexes
// that agree with the records.
func TestKilledInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	var acknowledged []string
	for _, after := range []int{1, 40, 90, 200} {
		acknowledged = append(acknowledged, killAfter(t, path, after)...)
		s := openAt(t, path)
		check(t, s)
		for _, line := range acknowledged {
			confirm(t, s, line)
		}
		check(t, s)
		wantNoError(t, s.Close())
	}
}

// killAfter starts a writer, kills it when it has acknowledged so many writes,
// and returns all it acknowledged.
func killAfter(t *testing.T, path string, after int) []string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	wantNoError(t, err)
	wantNoError(t, child.Start())
	var lines []string
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if len(lines) == after {
			wantNoError(t, child.Process.Kill())
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 || len(lines) < after {
		t.Fatalf("the writer was to be killed: %v, %d writes acknowledged", err, len(lines))
	}
	return lines
}

// confirm looks for what an acknowledgement stands for.
func confirm(t *testing.T, s *Store, line string) {
	t.Helper()
	kind, id, _ := strings.Cut(line, " ")
	var err error
	var ok bool
	switch kind {
	case "plan":
		var p engine.Plan
		p, err = s.Plan(t.Context(), engine.PlanID(id))
		ok = p.Counts.Total == 3
	case "failed":
		var e engine.Executor
		e, err = s.Executor(t.Context(), engine.ExecutorID(id))
		ok = e.State == engine.Failed && e.Undo == engine.UndoOpen
	case "lever":
		var l engine.Lever
		l, err = s.Lever(t.Context())
		ok = l.Engaged
	case "undone":
		var r engine.UndoRecord
		r, err = s.Undo(t.Context(), engine.UndoID{Executor: engine.ExecutorID(id), Sequence: 2})
		ok = r.State == engine.RecordUndone
	case "log":
		var log []engine.LogEntry
		log, err = s.Log(t.Context(), engine.ExecutorID(id), 0, 0)
		ok = len(log) == 3
	case "deleted":
		_, err = s.Plan(t.Context(), engine.PlanID(id))
		if ok = engine.CodeOf(err) == engine.CodeNotFound; ok {
			err = nil
		}
	}
	if err != nil || !ok {
		t.Errorf("acknowledged, and not there: %s (%v)", line, err)
	}
}

// writeUntilKilled writes from several goroutines and acknowledges each write
// on stdout, for ever. It returns only when something fails.
func writeUntilKilled(path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	failed := make(chan error)
	var out sync.Mutex
	acknowledge := func(kind, id string) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(kind, id)
	}
	for range 4 {
		go func() {
			for {
				if err := writeOnce(s, acknowledge); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// writeOnce leads one plan through a short life and deletes another.
func writeOnce(s *Store, acknowledge func(kind, id string)) error {
	ctx := context.Background()
	p, gone := planNamed("kept"), planNamed("gone")
	for _, plan := range []engine.Plan{p, gone} {
		var executors []engine.Executor
		for i := range 3 {
			executors = append(executors, executorOf(plan, engine.Scheduled, at(i)))
		}
		if err := s.CreatePlan(ctx, plan, executors, nil); err != nil {
			return err
		}
		for _, e := range executors {
			if err := runOnce(ctx, s, e); err != nil {
				return err
			}
			if plan.ID == p.ID {
				acknowledge("failed", string(e.ID))
				acknowledge("log", string(e.ID))
				acknowledge("undone", string(e.ID))
			}
		}
		if plan.ID == p.ID {
			acknowledge("plan", string(plan.ID))
		}
	}
	if err := s.DeletePlan(ctx, gone.ID); err != nil {
		return err
	}
	acknowledge("deleted", string(gone.ID))
	if err := s.SetLever(ctx, engine.Lever{Engaged: true, By: string(p.ID)}); err != nil {
		return err
	}
	acknowledge("lever", string(p.ID))
	return nil
}

func runOnce(ctx context.Context, s *Store, e engine.Executor) error {
	_, err := s.Transition(ctx, []engine.ExecutorID{e.ID}, func(e *engine.Executor) error {
		e.State = engine.Running
		return nil
	})
	if err != nil {
		return err
	}
	for sequence := range uint64(2) {
		if err := s.AddUndo(ctx, recordOf(e, sequence+1), 0); err != nil {
			return err
		}
	}
	if err := s.SaveRun(ctx, engine.Run{Executor: e.ID}, lines("one", "two")); err != nil {
		return err
	}
	_, err = s.FinishRun(ctx, engine.Finish{
		ID:    e.ID,
		Apply: func(e *engine.Executor) error { e.State = engine.Failed; return nil },
		Log:   lines("three"),
		Undo:  func(r *engine.UndoRecord) { r.Due = at(60) },
	})
	if err != nil {
		return err
	}
	_, err = s.UpdateUndo(ctx, recordOf(e, 2).UndoID, func(r *engine.UndoRecord) error {
		r.State, r.Due = engine.RecordUndone, time.Time{}
		return nil
	})
	return err
}
