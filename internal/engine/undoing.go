package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

const (
	// undoWorkers bounds the executors whose records are executed at once.
	undoWorkers = 32
	// longestUndoPause bounds the pause between two attempts.
	longestUndoPause = time.Minute
)

// undoPause is the pause after the n-th failed attempt: 1 s, doubled each time.
func undoPause(n int) time.Duration {
	return min(time.Second<<min(n-1, 10), longestUndoPause)
}

// undoLoop executes undo records when they are due, until the engine stops.
// Records of one run are executed one after the other, the newest first, and
// never while its process lives.
func (e *Engine) undoLoop() {
	busy := func(id ExecutorID) bool {
		return e.undoing.has(id) || e.live.peek(id) != nil || e.stuck.has(id)
	}
	for e.undos.Err() == nil {
		pause, err := e.undoPass(time.Now().UTC(), busy)
		if err != nil {
			if e.undos.Err() != nil {
				return
			}
			e.log.Error("the undo loop could not read the store; it tries again", "error", err)
			pause = storeRetry
		}
		sleep(e.undos, pause, e.undo)
	}
}

// undoPass sets off what is due and returns how long nothing else will be;
// negative: until woken.
func (e *Engine) undoPass(now time.Time, busy func(ExecutorID) bool) (time.Duration, error) {
	for e.undoing.len() < undoWorkers {
		records, err := e.store.DueUndos(e.undos, now, undoWorkers, busy)
		if err != nil {
			return 0, err
		}
		if len(records) == 0 {
			next, err := e.store.NextUndo(e.undos, busy)
			if err != nil || next.IsZero() {
				return -1, err
			}
			return max(next.Sub(now), time.Millisecond), nil
		}
		for _, record := range records {
			if e.undoing.len() < undoWorkers && e.undoing.add(record.Executor) {
				e.background.Go(func() { e.undoRun(record.Executor) })
			}
		}
	}
	return -1, nil // a worker that ends wakes the loop
}

// undoRun executes the due records of one run, the newest first. One that
// fails does not stop the others.
func (e *Engine) undoRun(id ExecutorID) {
	defer func() {
		e.undoing.remove(id)
		e.changed.notify()
		poke(e.undo)
		poke(e.wake) // somebody may wait for an undo to be settled
	}()
	records, err := e.store.Undos(e.undos, id)
	if err != nil {
		e.log.Error("the undo records of a run could not be read", "executor", id, "error", err)
		sleep(e.undos, storeRetry)
		return
	}
	now := time.Now().UTC()
	for _, record := range slices.Backward(records) {
		if record.Due.IsZero() || record.Due.After(now) || e.undos.Err() != nil {
			continue
		}
		if err := e.undoOne(record.UndoID); err != nil {
			e.log.Error("an undo could not be recorded; it will be tried again", "undo", record.UndoID, "error", err)
			sleep(e.undos, storeRetry)
		}
	}
}

// undoOne makes one attempt at one record. The error is the store's.
func (e *Engine) undoOne(id UndoID) error {
	wanted := false
	record, err := e.store.UpdateUndo(e.undos, id, func(u *UndoRecord) error {
		wanted = u.State.Unsettled() && !u.Due.IsZero()
		if !wanted { // abandoned or settled since the list was read
			return ErrSkip
		}
		u.State = RecordUndoing
		u.Attempts++
		return nil
	})
	switch {
	case CodeOf(err) == CodeNotFound, err == nil && !wanted:
		return nil
	case err != nil:
		return err
	}
	e.changed.notify()
	_ = failpoint.Hit(failpoint.EngineUndoAttempt)
	answer := e.attempt(record)
	_ = failpoint.Hit(failpoint.EngineUndoAnswer)
	interrupted := e.undos.Err() != nil && !answer.Outcome.Settles()
	now := time.Now().UTC()
	record, err = e.store.UpdateUndo(context.Background(), id, func(u *UndoRecord) error {
		if u.State != RecordUndoing { // abandoned in the meantime
			return ErrSkip
		}
		applyAnswer(u, answer, now, interrupted, e.settings.UndoAttempts)
		return nil
	})
	if err != nil {
		return err
	}
	_ = failpoint.Hit(failpoint.EngineUndoDone)
	e.totals.undoAttempted(answer.Outcome, record.State == RecordFailed)
	e.reportUndo(record)
	return nil
}

// applyAnswer moves a record on after an attempt. An attempt that the shutdown
// interrupted doesn't count.
func applyAnswer(u *UndoRecord, a UndoAnswer, now time.Time, interrupted bool, attempts int) {
	u.Outcome, u.Message = a.Outcome, a.Message
	switch {
	case a.Outcome.Settles():
		u.State, u.Due, u.Finished = RecordUndone, time.Time{}, now
	case interrupted:
		u.State, u.Due = RecordOpen, now
		u.Attempts--
	case u.Attempts < attempts:
		u.State, u.Due = RecordOpen, now.Add(undoPause(u.Attempts))
	default:
		u.State, u.Due, u.Finished = RecordFailed, time.Time{}, now
	}
}

// attempt runs the plugin's undo for a record.
func (e *Engine) attempt(record UndoRecord) UndoAnswer {
	ctx, cancel := context.WithTimeout(e.undos, e.settings.UndoTimeout)
	defer cancel()
	call, scrub, err := e.undoCall(ctx, record)
	if err != nil {
		return UndoAnswer{Outcome: OutcomeFailed, Message: err.Error()}
	}
	log := &runLog{} // with the bounds of a run's
	answer, err := e.host.Undo(ctx, call, func(entry LogEntry) {
		log.append(scrub.entry(entry), func() { e.appendLog(record.Executor, log.take(false)) })
	})
	e.appendLog(record.Executor, log.take(true))
	if err != nil {
		answer = UndoAnswer{Outcome: OutcomeFailed, Message: err.Error()}
	}
	answer.Message = scrub.text(answer.Message)
	return answer
}

// undoCall puts together what the plugin needs to undo a record.
func (e *Engine) undoCall(ctx context.Context, record UndoRecord) (UndoCall, scrubber, error) {
	ex, err := e.store.Executor(ctx, record.Executor)
	if err != nil {
		return UndoCall{}, scrubber{}, fmt.Errorf("read its executor: %w", err)
	}
	plan, err := e.store.Plan(ctx, record.Plan)
	if err != nil {
		return UndoCall{}, scrubber{}, fmt.Errorf("read its plan: %w", err)
	}
	config, err := configOf(plan, ex)
	if err != nil {
		return UndoCall{}, scrubber{}, err
	}
	return UndoCall{
		Record: record, Config: config, Seed: ex.Seed, Attempt: record.Attempts, Timeout: e.settings.UndoTimeout,
	}, newScrubber(config, e.secretsOf(plan, config)), nil
}

// secretsOf returns pointers to the secrets in a config of the plan's attack,
// as far as they are known now.
func (e *Engine) secretsOf(plan Plan, config Config) []string {
	secrets := plan.AttackSecrets
	if offer, err := e.host.Offer(KindAttack, config.Ref); err == nil {
		secrets = append(offer.Compiled.Secrets(config.Doc), secrets...)
	}
	return secrets
}

// reportUndo tells the log of the run and the daemon's what an attempt came to.
func (e *Engine) reportUndo(u UndoRecord) {
	level, daemon := "info", e.log.Info
	switch u.State {
	case RecordFailed:
		level, daemon = "error", e.log.Error
	case RecordOpen:
		level, daemon = "warn", e.log.Warn
	default:
	}
	text := fmt.Sprintf("undo record %d, attempt %d: %s", u.Sequence, u.Attempts, u.Outcome)
	if u.Message != "" {
		text += ": " + u.Message
	}
	e.appendLog(u.Executor, []LogEntry{{At: time.Now().UTC(), Level: level, Source: "undo", Message: text}})
	daemon("undo attempted", "executor", u.Executor, "record", u.Sequence, "ref", u.Ref, "attempt", u.Attempts,
		"outcome", u.Outcome, "state", u.State, "message", u.Message)
	e.changed.notify()
}

// appendLog adds entries to the log of a run that has ended; the store numbers
// them.
func (e *Engine) appendLog(id ExecutorID, entries []LogEntry) {
	if len(entries) == 0 {
		return
	}
	for i := range entries {
		entries[i] = clip(entries[i])
		entries[i].Seq = 0
	}
	if err := e.store.AppendLog(context.Background(), id, entries); err != nil {
		e.log.Warn("part of an undo's log could not be stored", "executor", id, "error", err)
	}
	e.changed.notify()
}

// undosAtRest waits until no undo is under way or due.
func (e *Engine) undosAtRest(ctx context.Context) error {
	poke(e.undo)
	return e.changed.until(ctx, func() (bool, error) {
		if e.undoing.len() > 0 {
			return false, nil
		}
		next, err := e.store.NextUndo(ctx, e.stuck.has) // theirs waits for the next start
		if err != nil {
			return false, err
		}
		return next.IsZero() || next.After(time.Now()), nil
	})
}

// undosAtEnd waits until no undo is under way or to come.
func (e *Engine) undosAtEnd(ctx context.Context) error {
	poke(e.undo)
	return e.changed.until(ctx, func() (bool, error) {
		if e.undoing.len() > 0 {
			return false, nil
		}
		next, err := e.store.NextUndo(ctx, e.stuck.has)
		return err == nil && next.IsZero(), err
	})
}
