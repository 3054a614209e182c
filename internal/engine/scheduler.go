package engine

import (
	"slices"
	"time"
)

const (
	// lookAhead is how far the scheduler reads into the future.
	lookAhead = maxLead + time.Second
	// slack is how many executors beyond the free places a pass reads, so that
	// it sees those that waited too long.
	slack = 16
	// sweep is how many a pass reads once it has found some that will not run.
	sweep = 1000
	// storeRetry is the pause after the store failed.
	storeRetry = time.Second
)

// schedule claims executors shortly before they are due, until the engine
// stops. It sleeps until the next one, however far, and is woken by whatever
// brings an earlier one or frees a place.
func (e *Engine) schedule() {
	for e.loops.Err() == nil {
		pause, err := e.pass()
		if err != nil {
			if e.loops.Err() != nil {
				return
			}
			pause = storeRetry
		}
		e.tellTrouble(err)
		sleep(e.loops, pause, e.wake)
	}
}

// tellTrouble logs that the scheduler fails, and that it works again, once each.
func (e *Engine) tellTrouble(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	before := e.trouble.Swap(&text)
	if before == nil && err == nil || before != nil && *before == text {
		return
	}
	if err != nil {
		e.log.Error("nothing can be started: the scheduler could not read or claim; it tries again", "error", err)
	} else {
		e.log.Info("the scheduler reads and claims")
	}
}

// watchClock wakes the loops when the wall clock was set.
func (e *Engine) watchClock() {
	for e.undos.Err() == nil {
		sleep(e.undos, -1, e.settings.ClockChanged)
		poke(e.wake)
		poke(e.undo)
		poke(e.quiet)
	}
}

// pass handles all that is to be handled now and returns how long nothing else
// will be; negative: until woken.
func (e *Engine) pass() (time.Duration, error) {
	limit := slack
	for {
		now := time.Now().UTC() // afresh: a claim may have waited for its commit
		a, err := e.newAdmission(e.loops, now)
		if err != nil {
			return 0, err
		}
		near, err := e.store.Due(e.loops, now.Add(lookAhead), limit+a.places, e.queue.has)
		if err != nil {
			return 0, err
		}
		s := a.sort(near)
		switch {
		case len(s.late) > 0:
			err, limit = e.miss(s.late, now), sweep
		case len(s.blocked) > 0:
			err, limit = e.block(s.blocked), sweep
		case len(s.claims) > 0:
			err = e.claim(s.claims)
		case e.queue.add(s.waiting) > 0: // there may be others behind them
		default:
			return e.nextPass(s, len(near) > 0)
		}
		if err != nil {
			return 0, err
		}
	}
}

// sorted is what is to become of the executors of the near future, each list in
// due order.
type sorted struct {
	late    []queued // because is what it waited for, "" where that is not known
	blocked []queued // because is why
	claims  []Executor
	waiting []queued // new in the queue, or known
	// next is when the first of the others is to be looked at again; zero: there
	// is none.
	next time.Time
}

// sort decides over the executors read and those that wait already.
func (a *admission) sort(near []Executor) sorted {
	list := append(a.engine.queue.front(a.now, a.room), near...)
	slices.SortStableFunc(list, compareDue)
	var s sorted
	later := func(t time.Time) {
		if s.next.IsZero() || t.Before(s.next) {
			s.next = t
		}
	}
	var candidates []Executor
	for _, ex := range list {
		expiry := ex.Due.Add(ex.MisfireGrace)
		verdict, why := a.judge(ex)
		if a.now.After(expiry) {
			if verdict != mustWait || expiry.Before(a.engine.began) {
				why = "" // it did not wait, or not for us
			}
			s.late = append(s.late, queued{ex, why})
			continue
		}
		switch {
		case verdict == mayStart:
			a.admit(ex)
			candidates = append(candidates, ex)
		case verdict == refused && ex.Due.After(a.now):
			later(ex.Due)
		case verdict == refused:
			s.blocked = append(s.blocked, queued{ex, why})
		case verdict == mustWait && !ex.Due.Add(-lead(a.admitted+1, a.engine.settings.Cores)).After(a.now):
			s.waiting = append(s.waiting, queued{ex, why})
			later(expiry.Add(time.Millisecond))
		case verdict == mustWait:
			later(ex.Due.Add(-lead(a.admitted+1, a.engine.settings.Cores)))
		default:
			later(expiry.Add(time.Millisecond))
		}
	}
	n := due(candidates, a.now, a.engine.settings.Cores)
	s.claims = candidates[:n]
	for i, ex := range candidates[n:] {
		later(ex.Due.Add(-lead(n+i+1, a.engine.settings.Cores)))
	}
	return s
}

// due says how many executors at the head of the list must be claimed now.
func due(list []Executor, now time.Time, cores int) int {
	n := 0
	for i, ex := range list {
		if !ex.Due.Add(-lead(i+1, cores)).After(now) {
			n = i + 1
		}
	}
	return n
}

// nextPass says when there is something to do again.
func (e *Engine) nextPass(s sorted, near bool) (time.Duration, error) {
	pause := time.Duration(-1)
	if !s.next.IsZero() {
		pause = max(time.Until(s.next), time.Millisecond)
	}
	if near {
		// While something is near, a step of the clock is noticed within a
		// second even where the system does not announce it.
		return min(pause, time.Second), nil
	}
	next, err := e.store.NextDue(e.loops, e.queue.has)
	if err != nil || next.IsZero() {
		return pause, err
	}
	// Read again when it comes near: others may come with it.
	far := max(time.Until(next.Add(-lookAhead)), time.Millisecond)
	if pause < 0 {
		return far, nil
	}
	return min(pause, far), nil
}
