package engine

import (
	"context"
	"iter"
	"time"
)

// Plan returns a plan with its secrets redacted.
func (e *Engine) Plan(ctx context.Context, id PlanID) (Plan, error) {
	p, err := e.store.Plan(ctx, id)
	if err != nil {
		return Plan{}, err
	}
	return redactPlan(p), nil
}

// Plans lists plans, newest first, with their secrets redacted.
func (e *Engine) Plans(ctx context.Context, q PlanQuery) ([]Plan, Cursor, error) {
	plans, next, err := e.store.Plans(ctx, q)
	for i := range plans {
		plans[i] = redactPlan(plans[i])
	}
	return plans, next, err
}

// Executor returns one executor.
func (e *Engine) Executor(ctx context.Context, id ExecutorID) (Executor, error) {
	ex, err := e.store.Executor(ctx, id)
	ex.Args = nil // may hold secrets
	return ex, err
}

// Executors lists executors by due time.
func (e *Engine) Executors(ctx context.Context, q ExecutorQuery) ([]Executor, Cursor, error) {
	list, next, err := e.store.Executors(ctx, q)
	for i := range list {
		list[i].Args = nil
	}
	return list, next, err
}

// RunOf returns the run of an executor, live or stored, and its undo records.
// A zero Run when it has none yet.
func (e *Engine) RunOf(ctx context.Context, id ExecutorID) (Run, []UndoRecord, error) {
	if _, err := e.store.Executor(ctx, id); err != nil {
		return Run{}, nil, err
	}
	undos, err := e.store.Undos(ctx, id)
	if err != nil {
		return Run{}, nil, err
	}
	if r := e.live.peek(id); r != nil && r.hasStarted() {
		return r.record(), undos, nil
	}
	run, err := e.store.Run(ctx, id)
	if CodeOf(err) == CodeNotFound {
		return Run{}, undos, nil
	}
	return run, undos, err
}

// Log returns log entries after the sequence given, live ones included.
func (e *Engine) Log(ctx context.Context, id ExecutorID, after uint64, limit int) ([]LogEntry, error) {
	if _, err := e.store.Executor(ctx, id); err != nil {
		return nil, err
	}
	// The live run first: what it stores in the meantime is found in the store.
	r := e.live.peek(id)
	entries, err := e.store.Log(ctx, id, after, limit)
	if err != nil || r == nil {
		return entries, err
	}
	if n := len(entries); n > 0 {
		after = entries[n-1].Seq
	}
	return append(entries, r.log.after(after, limit-len(entries))...), nil
}

// logPage is how many entries FollowLog reads at once.
const logPage = 500

// FollowLog yields log entries as they come, until the executor is final and
// none of its undo records is being or about to be executed, until ctx ends, or
// an error.
func (e *Engine) FollowLog(ctx context.Context, id ExecutorID, after uint64) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		for {
			changed := e.changed.next()
			var written <-chan struct{}
			if r := e.live.peek(id); r != nil {
				written = r.log.changed.next()
			}
			ended, err := e.logEnded(ctx, id) // asked before reading: nothing can come after
			var entries []LogEntry
			if err == nil {
				entries, err = e.Log(ctx, id, after, logPage)
			}
			if err != nil {
				yield(LogEntry{}, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
				after = entry.Seq
			}
			if len(entries) == logPage {
				continue
			}
			if ended || ctx.Err() != nil || e.undos.Err() != nil {
				return
			}
			sleep(ctx, -1, changed, written)
		}
	}
}

// logEnded says whether nothing will be added to an executor's log by itself.
func (e *Engine) logEnded(ctx context.Context, id ExecutorID) (bool, error) {
	ex, err := e.store.Executor(ctx, id)
	if err != nil {
		return false, err
	}
	if !ex.State.Final() || e.live.peek(id) != nil {
		return false, nil
	}
	due, err := e.undoDue(ctx, id)
	return !due, err
}

// undoDue says whether an undo of the executor is under way or due by now.
func (e *Engine) undoDue(ctx context.Context, id ExecutorID) (bool, error) {
	if e.undoing.has(id) {
		return true, nil
	}
	records, err := e.store.Undos(ctx, id)
	if err != nil {
		return false, err
	}
	now := time.Now()
	for _, u := range records {
		retrying := u.Attempts > 0 && u.State != RecordFailed
		if !u.Due.IsZero() && (retrying || !u.Due.After(now)) {
			return true, nil
		}
	}
	return false, nil
}
