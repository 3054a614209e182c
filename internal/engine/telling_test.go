package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// tellerOf returns a teller and what it has told.
func tellerOf() (*teller, *[]string) {
	told := &[]string{}
	return newTeller(func(c Change) { *told = append(*told, c.Type) }), told
}

func change(what string) Change { return Change{Type: what} }

func TestWhatStandsFirstIsToldFirst(t *testing.T) {
	line, told := tellerOf()
	first, second, third, failed := line.write(), line.write(), line.write(), line.write()
	first.stand()
	failed.stand()
	second.stand()
	third.stand()
	second.end(change("2a"), change("2b"))
	third.end(change("3"))
	if len(*told) > 0 {
		t.Errorf("told %q before the first has ended", *told)
	}
	first.end(change("1"))
	if want := []string{"1"}; !slices.Equal(*told, want) {
		t.Errorf("told %q, want %q", *told, want)
	}
	failed.end()
	if want := []string{"1", "2a", "2b", "3"}; !slices.Equal(*told, want) {
		t.Errorf("told %q, want %q", *told, want)
	}
	if line.line.Len() > 0 {
		t.Errorf("%d are left in the line", line.line.Len())
	}
}

func TestAWriteThatIsAppliedAnewStandsAnew(t *testing.T) {
	line, told := tellerOf()
	again, other := line.write(), line.write()
	again.stand()
	other.stand()
	again.stand() // its transaction was rolled back, the other's was not
	again.end(change("again"))
	other.end(change("other"))
	if want := []string{"other", "again"}; !slices.Equal(*told, want) {
		t.Errorf("told %q, want %q", *told, want)
	}
}

func TestAWriteThatNeverStoodHoldsNobodyUp(t *testing.T) {
	line, told := tellerOf()
	line.write() // of somebody whose turn has not come
	line.write().end()
	line.write().end(change("last"))
	if want := []string{"last"}; !slices.Equal(*told, want) {
		t.Errorf("told %q, want %q", *told, want)
	}
}

// twice is a store that applies each change twice, as it does when the first
// transaction had to be rolled back; the executor is another the second time.
type twice struct {
	Store
	executors [2]Executor
	undo      UndoRecord
	err       error
}

func (s *twice) Transition(_ context.Context, _ []ExecutorID, fn func(*Executor) error) (changed []Executor, err error) {
	for _, ex := range s.executors {
		changed = nil
		if err = fn(&ex); err == nil {
			changed = []Executor{ex}
		}
	}
	if errors.Is(err, ErrSkip) {
		err = nil
	}
	return changed, errors.Join(err, s.err)
}

func (s *twice) FinishRun(_ context.Context, f Finish) (last Executor, err error) {
	for _, ex := range s.executors {
		if err := f.Apply(&ex); err != nil {
			return last, err
		}
		u := s.undo
		f.Undo(&u)
		last = ex
	}
	return last, s.err
}

func TestOfAWriteThatIsAppliedTwiceTheLastCounts(t *testing.T) {
	store := &twice{executors: [2]Executor{{ID: "x", State: Starting}, {ID: "x", State: Scheduled}}}
	line, told := tellerOf()
	observed := &observedStore{store, line}
	change := func(fn func(*Executor) error) {
		t.Helper()
		if _, err := observed.Transition(t.Context(), []ExecutorID{"x"}, fn); !errors.Is(err, store.err) {
			t.Error(err)
		}
	}
	change(func(ex *Executor) error { // back to scheduled, which the second time it is
		ex.State = Scheduled
		return nil
	})
	change(func(ex *Executor) error {
		if ex.State != Starting {
			return ErrSkip
		}
		ex.State = Running
		return nil
	})
	finish := Finish{
		ID: "x", Apply: func(ex *Executor) error { ex.State = Halted; return nil },
		Undo: func(u *UndoRecord) { u.Due = time.Unix(1, 0) },
	}
	if _, err := observed.FinishRun(t.Context(), finish); err != nil {
		t.Error(err)
	}
	store.err = errors.New("disk gone")
	change(func(ex *Executor) error { ex.State = Missed; return nil })
	if _, err := observed.FinishRun(t.Context(), finish); !errors.Is(err, store.err) {
		t.Error(err)
	}
	if want := []string{"executor.halted", "undo."}; !slices.Equal(*told, want) {
		t.Errorf("told %q, want %q", *told, want)
	}
	if line.line.Len() > 0 {
		t.Errorf("%d are left in the line", line.line.Len())
	}
}
