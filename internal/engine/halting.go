package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

const (
	// leverPatience is how long a call waits for the lever to be stored.
	leverPatience = 3 * time.Second
	// leverRetry is the longest pause between attempts to store it.
	leverRetry = 15 * time.Second
)

// Lever returns the lever as it is now.
func (e *Engine) Lever() LeverState {
	state, durable, _ := e.lever.now()
	s := LeverState{Lever: state, Durable: durable, Stopping: e.live.started(), Undoing: e.undoing.len()}
	if f := e.settings.HaltFile; f != nil {
		if _, present := f.Read(); present {
			s.HaltFile = f.Path()
		}
	}
	if state.Engaged { // every open record has been asked for
		if counts, err := e.store.UndoCounts(context.Background()); err == nil {
			s.Undoing = counts[RecordOpen] + counts[RecordUndoing]
		}
	}
	return s
}

// EngageLever has nothing start any more and stops and undoes what runs. It
// returns when nothing can start and everything is told to stop; what ran may
// still be ending then. It never fails: what could not be made durable is said
// in the answer and tried again. Engaging an engaged lever keeps who and why. It
// may be called at any time after New.
func (e *Engine) EngageLever(ctx context.Context, by, reason string) LeverState {
	by, reason = cmp.Or(by, "somebody"), cmp.Or(reason, "no reason given")
	if e.lever.engage(by, reason, time.Now()) {
		e.log.Warn("the lever is engaged: nothing starts, what runs is stopped and undone", "by", by, "reason", reason)
		e.totals.halted()
	}
	_ = failpoint.Hit(failpoint.EngineLever)
	if e.Ready() == nil { // else there is nothing to stop, or Start or Shutdown sees to it
		e.stopAll()
		e.inBackground(e.seeOff)
	}
	e.awaitStored(ctx)
	poke(e.wake)
	e.changed.notify()
	return e.Lever()
}

// stopAll tells all runs to stop.
func (e *Engine) stopAll() {
	state, _, _ := e.lever.now()
	why := &StopReason{
		State: Halted, Reason: fmt.Sprintf("the lever was engaged by %s: %s", state.By, state.Reason), Unstarted: Blocked,
	}
	runs := 0
	for _, r := range e.live.all() {
		// One that has not started is blocked at its time, if it comes to that.
		if !r.callOff(backToScheduled) && r.halt(why) {
			runs++
		}
	}
	e.lever.report(func(stop *LeverStop, _ time.Duration) { stop.Runs += runs })
}

// seeOff has every harm in place taken back, and records how long it took until
// the last process was gone and the last undo at its end.
func (e *Engine) seeOff() {
	ask := func() {
		if err := e.takeBackAll(e.undos); err != nil && e.undos.Err() == nil {
			e.log.Error("not every undo record could be asked for", "error", err)
		}
	}
	ask()
	if e.live.empty(e.undos) != nil {
		return
	}
	e.lever.report(func(stop *LeverStop, since time.Duration) { stop.Gone = cmp.Or(stop.Gone, since) })
	ask() // for runs that were just ending
	if e.undosAtEnd(e.undos) != nil {
		return
	}
	e.lever.report(func(stop *LeverStop, since time.Duration) {
		if stop.Undone == 0 {
			stop.Undone = since
			e.totals.stopped(*stop)
			e.log.Warn("the lever has stopped everything", "runs", stop.Runs, "gone_after", stop.Gone, "undone_after", stop.Undone)
		}
	})
	poke(e.leverKept)
	e.changed.notify()
}

// awaitStored has the lever stored, and waits a while for it. Before the start it
// does not: Start sees to it.
func (e *Engine) awaitStored(ctx context.Context) {
	poke(e.leverKept)
	ctx, cancel := context.WithTimeout(ctx, leverPatience)
	defer cancel()
	_ = e.changed.until(ctx, func() (bool, error) {
		_, durable, _ := e.lever.now()
		return durable || !e.keeping.Load(), nil
	})
}

// keepLever stores the lever whenever it has changed, until the engine ends.
// While the store fails, the halt file stands in for it.
func (e *Engine) keepLever() {
	defer e.changed.notify()
	defer e.keeping.Store(false)
	pause := time.Duration(-1)
	for {
		err := e.storeLever()
		switch {
		case err == nil:
			pause = -1
		case pause < 0:
			e.log.Error("the lever could not be stored; it holds as long as the daemon lives, and is tried again", "error", err)
			e.writeHaltFile()
			pause = 100 * time.Millisecond
		default:
			pause = min(2*pause, leverRetry)
		}
		e.changed.notify()
		if e.undos.Err() != nil { // that was the last time
			return
		}
		sleep(e.undos, pause, e.leverKept)
	}
}

// storeLever stores the state as it is now.
func (e *Engine) storeLever() error {
	ctx, cancel := context.WithTimeout(context.Background(), leverRetry)
	defer cancel()
	leave, err := e.leverStoring.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for {
		state, durable, _ := e.lever.now()
		if durable {
			return nil
		}
		if err := e.store.SetLever(ctx, state); err != nil {
			return err
		}
		_ = failpoint.Hit(failpoint.EngineLeverStored)
		if e.lever.stored(state) {
			return nil
		}
	}
}

// writeHaltFile leaves word of an engaged lever for the next start.
func (e *Engine) writeHaltFile() {
	state, _, _ := e.lever.now()
	if e.settings.HaltFile == nil || !state.Engaged {
		return
	}
	if err := e.settings.HaltFile.Write(fmt.Sprintf("%s: %s", state.By, state.Reason)); err != nil {
		e.log.Error("the halt file could not be written either", "file", e.settings.HaltFile.Path(), "error", err)
	}
}

// ReleaseLever lets executors start again, once that is stored. CodeConflict
// while the halt file is there, and when somebody engages the lever meanwhile.
func (e *Engine) ReleaseLever(ctx context.Context, by string) (LeverState, error) {
	if err := e.Ready(); err != nil {
		return LeverState{}, err
	}
	if f := e.settings.HaltFile; f != nil {
		if _, present := f.Read(); present {
			return LeverState{}, Errorf(CodeConflict,
				"the halt file %s is there and keeps the lever engaged; remove it, then release the lever", f.Path())
		}
	}
	by = cmp.Or(by, "somebody")
	released, err := e.storeRelease(ctx, by)
	if err != nil {
		return LeverState{}, err
	}
	if released {
		e.log.Warn("the lever is released: executors start again", "by", by)
		poke(e.wake)
		e.changed.notify()
	}
	return e.Lever(), nil
}

// storeRelease says whether there was anything to release.
func (e *Engine) storeRelease(ctx context.Context, by string) (bool, error) {
	leave, err := e.leverStoring.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	state, _, calls := e.lever.now()
	if !state.Engaged {
		return false, nil
	}
	state.Engaged, state.ReleasedBy, state.ReleasedAt = false, by, time.Now().UTC().Round(0)
	if err := e.store.SetLever(ctx, state); err != nil {
		return false, fmt.Errorf("store the release of the lever: %w", err)
	}
	if !e.lever.release(state, calls) {
		poke(e.leverKept) // to store that it is engaged
		return false, Errorf(CodeConflict, "the lever was engaged anew while it was being released")
	}
	return true, nil
}

// loadLever takes over what an earlier daemon stored, and looks at the halt file.
func (e *Engine) loadLever(ctx context.Context) error {
	stored, err := e.store.Lever(ctx)
	if err != nil {
		return fmt.Errorf("read the lever: %w", err)
	}
	e.lever.adopt(stored)
	e.lookAtHaltFile()
	if why := e.lever.refuses(); why != "" {
		e.log.Warn("nothing will start: " + why + "; DELETE /api/1/halt releases it")
	}
	return nil
}

// lookAtHaltFile engages the lever when the halt file is there.
func (e *Engine) lookAtHaltFile() {
	f := e.settings.HaltFile
	if f == nil {
		return
	}
	text, present := f.Read()
	if present && e.lever.refuses() == "" {
		e.EngageLever(e.undos, "the halt file "+f.Path(), cmp.Or(text, "the file does not say why"))
	}
}

// watchHaltFile looks at the halt file whenever something about it changed.
func (e *Engine) watchHaltFile() {
	for e.undos.Err() == nil {
		sleep(e.undos, -1, e.settings.HaltFileChanged)
		if e.undos.Err() == nil {
			e.lookAtHaltFile()
		}
	}
}
