package engine

import (
	"context"
	"time"
)

// observedStore is a Store whose writes are told to a teller. What reads, and what
// writes nothing that people follow (runs, logs, receipts), is the store's own.
type observedStore struct {
	Store
	teller *teller
}

// CreatePlan implements Store. Nobody can change a plan before it is there, so its
// place in the line is taken before.
func (s *observedStore) CreatePlan(ctx context.Context, p Plan, executors []Executor, receipt *Receipt) error {
	news := s.teller.write()
	news.stand()
	var told []Change
	defer func() { news.end(told...) }()
	if err := s.Store.CreatePlan(ctx, p, executors, receipt); err != nil {
		return err
	}
	p.Counts, p.NextExecution = countOf(executors)
	told = []Change{planChange("created", p)}
	return nil
}

// countOf is what a store makes of a new plan's executors.
func countOf(executors []Executor) (c Counts, next time.Time) {
	c.Total = len(executors)
	for _, ex := range executors {
		if !ex.State.Final() {
			c.Pending++
		}
		if ex.State == Scheduled && (next.IsZero() || ex.Due.Before(next)) {
			next = ex.Due
		}
	}
	return c, next
}

// DeletePlan implements Store. Nothing comes after a deletion, so its place in the
// line is taken when it is done.
func (s *observedStore) DeletePlan(ctx context.Context, id PlanID) error {
	p, missing := s.Plan(ctx, id)
	if err := s.Store.DeletePlan(ctx, id); err != nil || missing != nil {
		return err
	}
	s.teller.write().end(planChange("deleted", p))
	return nil
}

// PruneHistory implements Store. Of the plans that are gone nothing but the id is
// known any more.
func (s *observedStore) PruneHistory(ctx context.Context, t time.Time, limit int, by Abandonment) (Pruned, error) {
	done, err := s.Store.PruneHistory(ctx, t, limit, by)
	told := make([]Change, len(done.Plans))
	for i, id := range done.Plans {
		told[i] = planChange("deleted", Plan{ID: id})
	}
	s.teller.write().end(told...)
	return done, err
}

// DeleteExecutor implements Store, as DeletePlan does.
func (s *observedStore) DeleteExecutor(ctx context.Context, id ExecutorID) error {
	ex, missing := s.Executor(ctx, id)
	if err := s.Store.DeleteExecutor(ctx, id); err != nil || missing != nil {
		return err
	}
	s.teller.write().end(executorChange("deleted", ex))
	return nil
}

// Transition implements Store.
func (s *observedStore) Transition(
	ctx context.Context, ids []ExecutorID, fn func(*Executor) error,
) ([]Executor, error) {
	return s.change(ctx, ids, fn, s.Store.Transition)
}

// Claim implements Store.
func (s *observedStore) Claim(ctx context.Context, ids []ExecutorID, fn func(*Executor) error) ([]Executor, error) {
	return s.change(ctx, ids, fn, s.Store.Claim)
}

// transition is Store.Transition or Store.Claim.
type transition func(ctx context.Context, ids []ExecutorID, fn func(*Executor) error) ([]Executor, error)

func (s *observedStore) change(
	ctx context.Context, ids []ExecutorID, fn func(*Executor) error, write transition,
) ([]Executor, error) {
	news := s.teller.write()
	var told []Change
	defer func() { news.end(told...) }()
	before := make(map[ExecutorID]Executor, len(ids))
	changed, err := write(ctx, ids, func(ex *Executor) error {
		news.stand()
		before[ex.ID] = *ex
		return fn(ex)
	})
	if err != nil {
		return nil, err
	}
	for _, ex := range changed {
		if c, ok := executorBecame(before[ex.ID], ex); ok {
			told = append(told, c)
		}
	}
	return changed, nil
}

// FinishRun implements Store.
func (s *observedStore) FinishRun(ctx context.Context, f Finish) (Executor, error) {
	news := s.teller.write()
	var told []Change
	defer func() { news.end(told...) }()
	var before Executor
	var undos []Change
	apply, undo := f.Apply, f.Undo
	f.Apply = func(ex *Executor) error {
		news.stand()
		before, undos = *ex, nil
		return apply(ex)
	}
	if undo != nil {
		f.Undo = func(u *UndoRecord) {
			was := *u
			undo(u)
			if undoBecame(was, *u) {
				undos = append(undos, undoChange(*u))
			}
		}
	}
	ex, err := s.Store.FinishRun(ctx, f)
	if err != nil {
		return Executor{}, err
	}
	if c, ok := executorBecame(before, ex); ok {
		told = append(told, c)
	}
	told = append(told, undos...)
	return ex, nil
}

// AddUndo implements Store, as CreatePlan does.
func (s *observedStore) AddUndo(ctx context.Context, r UndoRecord, limit int) error {
	news := s.teller.write()
	news.stand()
	var told []Change
	defer func() { news.end(told...) }()
	if err := s.Store.AddUndo(ctx, r, limit); err != nil {
		return err
	}
	told = []Change{undoChange(r)}
	return nil
}

// UpdateUndo implements Store.
func (s *observedStore) UpdateUndo(
	ctx context.Context, id UndoID, fn func(*UndoRecord) error,
) (UndoRecord, error) {
	news := s.teller.write()
	var told []Change
	defer func() { news.end(told...) }()
	var before UndoRecord
	u, err := s.Store.UpdateUndo(ctx, id, func(u *UndoRecord) error {
		news.stand()
		before = *u
		return fn(u)
	})
	if err != nil {
		return UndoRecord{}, err
	}
	if undoBecame(before, u) {
		told = []Change{undoChange(u)}
	}
	return u, nil
}

// undoBecame says whether there is something that people follow in a change of a
// record.
func undoBecame(before, after UndoRecord) bool {
	return before.State != after.State || !before.Due.Equal(after.Due) ||
		before.Attempts != after.Attempts || before.Outcome != after.Outcome || before.Message != after.Message
}
