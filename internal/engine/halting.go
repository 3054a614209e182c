package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// Lever returns the lever as it is now.
func (e *Engine) Lever() LeverState {
	state, durable, _ := e.lever.now()
	s := LeverState{Lever: state, Durable: durable}
	if f := e.settings.HaltFile; f != nil {
		if _, present := f.Read(); present {
			s.HaltFile = f.Path()
		}
	}
	if !state.Engaged {
		return s
	}
	s.Stopping, s.Undoing = e.live.started(), e.undoing.len()
	if state.Restored { // the others wait for their time
		return s
	}
	if counts, err := e.store.UndoCounts(context.Background()); err == nil { // every open one has been asked for
		s.Undoing = counts[RecordOpen] + counts[RecordUndoing]
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
	fresh := e.lever.engage(by, reason, time.Now())
	_ = failpoint.Hit(failpoint.EngineLever)
	if e.Ready() == nil { // else there is nothing to stop, or Start or Shutdown sees to it
		e.stopAll()
		if fresh {
			e.inBackground(e.seeOff)
		}
	}
	if fresh { // told when it is done: a log may block
		e.log.Warn("the lever is engaged: nothing starts, what runs is stopped and undone", "by", by, "reason", reason)
		e.totals.halted()
	}
	e.awaitStored(ctx)
	e.tellLever()
	poke(e.wake)
	e.changed.notify()
	return e.Lever()
}

// tellLever tells what the lever has come to, in order.
func (e *Engine) tellLever() {
	if e.teller == nil {
		return
	}
	now := e.Lever()
	e.teller.atOnce(func() (told []Change) {
		for _, state := range e.lever.takeUntold() {
			what := "released"
			if state.Engaged {
				what = "engaged"
			}
			now.Lever = state
			told = append(told, leverChange(what, now))
		}
		return told
	})
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
	turn, _, end := e.lever.turn(e.undos)
	end()
	// A second call finds no more than the first one did.
	e.lever.report(turn, func(stop *LeverStop, _ time.Duration) { stop.Runs = max(stop.Runs, runs) })
}

// seeOff has every harm in place taken back, and records how long it took until
// the last process was gone and the last undo at its end. It ends when the lever
// is released: what runs then is none of its business.
func (e *Engine) seeOff() {
	turn, held, end := e.lever.turn(e.undos)
	defer end()
	if !e.askBack(held) || e.live.empty(held) != nil {
		return
	}
	report := func(fn func(stop *LeverStop, since time.Duration)) bool {
		stop, changed := e.lever.report(turn, fn)
		if changed {
			e.totals.stopped(stop)
			poke(e.leverKept)
			e.changed.notify()
		}
		return changed
	}
	report(func(stop *LeverStop, since time.Duration) { stop.Gone = cmp.Or(stop.Gone, since) })
	if !e.askBack(held) || e.undosAtEnd(held) != nil { // for runs that were just ending
		return
	}
	counts, err := e.store.UndoCounts(held)
	if err != nil { // then it can't be said that all is undone
		if held.Err() == nil {
			e.log.Error("the undo records could not be counted", "error", err)
		}
		return
	}
	if report(func(stop *LeverStop, since time.Duration) {
		stop.Undone, stop.NotUndone = cmp.Or(stop.Undone, since), counts[RecordFailed]
	}) {
		state, _, _ := e.lever.now()
		e.log.Warn("the lever has stopped everything", "runs", state.Stop.Runs, "gone_after", state.Stop.Gone,
			"undone_after", state.Stop.Undone, "not_undone", state.Stop.NotUndone)
		e.tellStopped(state)
	}
}

// tellStopped tells that an engaged lever has stopped everything.
func (e *Engine) tellStopped(state Lever) {
	if e.teller == nil {
		return
	}
	e.tellLever()
	now := e.Lever()
	now.Lever = state
	e.teller.atOnce(func() []Change { return []Change{leverChange("stopped", now)} })
}

// askBack has every open or failed record executed now. The store may fail: it
// tries until that is done or ctx has ended, and says whether it is done.
func (e *Engine) askBack(ctx context.Context) bool {
	for pause := storeRetry; ctx.Err() == nil; pause = min(2*pause, leverRetry) {
		err := e.takeBackAll(ctx, RecordOpen, RecordFailed)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			e.log.Error("not every undo record could be asked for; it is tried again", "error", err)
			sleep(ctx, pause)
		}
	}
	return false
}

// ReleaseLever lets executors start again, once that is stored. CodeConflict
// while the halt file is there, and when somebody engages the lever meanwhile.
func (e *Engine) ReleaseLever(ctx context.Context, by string) (LeverState, error) {
	if err := e.Ready(); err != nil {
		return LeverState{}, err
	}
	_, _, calls := e.lever.now() // before the look at the file: who engages it from here on is noticed
	if f := e.settings.HaltFile; f != nil {
		if _, present := f.Read(); present {
			return LeverState{}, Errorf(CodeConflict,
				"the halt file %s is there and keeps the lever engaged; remove it, then release the lever", f.Path())
		}
	}
	by = cmp.Or(by, "somebody")
	released, err := e.storeRelease(ctx, by, calls)
	if err != nil {
		return LeverState{}, err
	}
	if released {
		e.log.Warn("the lever is released: executors start again", "by", by)
		e.tellLever()
		poke(e.wake)
		e.changed.notify()
	}
	return e.Lever(), nil
}

// storeRelease says whether there was anything to release. calls is how often
// the lever had been engaged when the release was asked for.
func (e *Engine) storeRelease(ctx context.Context, by string, calls int) (bool, error) {
	leave, err := e.leverStoring.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	state, _, _ := e.lever.now()
	if !state.Engaged {
		return false, nil
	}
	e.lever.releasing()
	defer poke(e.leverKept) // where it is not released: to store that it is engaged
	state.Engaged, state.ReleasedBy, state.ReleasedAt = false, by, time.Now().UTC().Round(0)
	state.Restored = false
	if err := e.store.SetLever(ctx, state); err != nil {
		return false, fmt.Errorf("store the release of the lever: %w", err)
	}
	if !e.lever.release(state, calls) {
		return false, Errorf(CodeConflict, "the lever was engaged anew while it was being released")
	}
	return true, nil
}
