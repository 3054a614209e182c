package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// sink puts what a live run reports on its record.
type sink struct {
	engine *Engine
	run    *liveRun
	job    job
	// writes are those that must not hold up the plugin.
	writes sync.WaitGroup
}

// Started records that the run runs, without holding it up.
func (s *sink) Started(at time.Time) {
	s.writes.Go(func() {
		_, err := s.engine.store.Transition(context.Background(), []ExecutorID{s.run.executor.ID}, func(ex *Executor) error {
			if ex.State != Starting {
				return ErrSkip
			}
			ex.State, ex.Started, ex.Lag = Running, at.UTC(), at.Sub(ex.Due)
			return nil
		})
		if err != nil {
			s.engine.log.Warn("the start of a run could not be stored yet", "executor", s.run.executor.ID, "error", err)
		}
		s.engine.save(s.run) // so that a run that gets lost is known by its process and binary
		s.engine.changed.notify()
	})
}

func (s *sink) Log(e LogEntry) {
	s.run.log.append(s.job.scrub.entry(e), func() { s.engine.save(s.run) })
}

func (s *sink) Progress(p Progress) {
	p.Message = s.job.scrub.text(p.Message)
	s.run.update(func(r *Run) { r.Progress = &p })
}

func (s *sink) Targets(targets []Target) {
	s.run.update(func(r *Run) {
		r.Targets = slices.Clone(r.Targets) // who looks at the run has the old one
		for _, t := range targets {
			r.tell(s.job.scrub.target(t))
		}
	})
}

func (s *sink) Result(doc json.RawMessage) {
	s.run.update(func(r *Run) { r.Result = s.job.scrub.doc(doc) })
}

// Undo makes a record durable before the plugin may do the harm.
func (s *sink) Undo(n NewUndo) error {
	if !s.job.offer.CanUndo {
		return fmt.Errorf("%s says that it cannot undo, so no record is taken", s.job.offer.Ref)
	}
	err := s.engine.store.AddUndo(context.Background(), UndoRecord{
		UndoID: UndoID{Executor: s.run.executor.ID, Sequence: n.Sequence},
		Plan:   s.job.plan.ID, Ref: s.job.offer.Ref, Digest: s.job.offer.Digest,
		Record: n.Record, Description: s.job.scrub.text(n.Description),
		Created: time.Now().UTC(), UndoAt: n.UndoAt, State: RecordOpen,
	}, s.engine.settings.Limits.OpenUndos)
	if CodeOf(err) == CodeLimited {
		err = fmt.Errorf("%w (--max-open-undos)", err)
	}
	if err != nil {
		s.note("error", "an undo record could not be stored: "+err.Error())
	}
	s.engine.changed.notify()
	return err
}

// Undone records that the run took back a harm itself. When that can't be
// stored the record stays open and is executed again: undo is at least once.
func (s *sink) Undone(sequence uint64, a UndoAnswer) {
	id := UndoID{Executor: s.run.executor.ID, Sequence: sequence}
	_, err := s.engine.store.UpdateUndo(context.Background(), id, func(u *UndoRecord) error {
		u.Outcome, u.Message = a.Outcome, s.job.scrub.text(a.Message)
		if a.Outcome.Settles() {
			u.State, u.Due, u.Finished = RecordUndone, time.Time{}, time.Now().UTC()
		}
		return nil
	})
	if err != nil {
		s.note("warn", fmt.Sprintf("undo record %d: what the run reported could not be stored: %s", sequence, err))
	}
	s.engine.changed.notify()
	poke(s.engine.wake) // somebody may wait for it to be settled
}

// note adds a line of the engine's own to the run's log.
func (s *sink) note(level, text string) {
	s.Log(LogEntry{At: time.Now().UTC(), Level: level, Source: "cmed", Message: text})
}

// save stores what is known of a live run, and what it has logged so far.
func (e *Engine) save(r *liveRun) {
	r.storing.Lock()
	defer r.storing.Unlock()
	if r.sealed { // its end is stored already, log and all
		return
	}
	entries := r.log.take(false)
	if err := e.store.SaveRun(context.Background(), r.record(), entries); err != nil {
		r.log.giveBack(len(entries))
		e.log.Warn("part of a run's record could not be stored", "executor", r.executor.ID, "error", err)
	}
}
