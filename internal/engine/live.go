package engine

import (
	"context"
	"sync"
	"time"
)

// liveRun is an executor from its claim until the end of its run is stored. It
// is first waiting for its due time; then it is either started or called off,
// never both.
type liveRun struct {
	executor Executor // as claimed
	log      *runLog
	// ctx ends with a *StopReason when the run is to be stopped.
	ctx  context.Context
	stop func(*StopReason)
	off  chan struct{} // closed when called off
	done chan struct{} // closed when the end is stored

	mu    sync.Mutex
	phase phase
	begun time.Time             // when it got the right to send Start
	apply func(*Executor) error // what a call-off makes of the executor
	// takeBack is set when somebody asked for the run to be undone, whatever
	// the plan's undo policy and however the run ends.
	takeBack bool
	run      Run

	// storing orders the writes of the run's record; sealed is set with the
	// last one.
	storing sync.Mutex
	sealed  bool
	failed  error // why its end is not stored after all; read after done
}

type phase int

const (
	waiting phase = iota
	started
	gone // called off
	over // its process has ended or is not wanted; what came of it is being stored
)

func newLiveRun(ex Executor) *liveRun {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &liveRun{
		executor: ex,
		log:      &runLog{},
		ctx:      ctx,
		stop:     func(why *StopReason) { cancel(why) },
		off:      make(chan struct{}),
		done:     make(chan struct{}),
		run:      Run{Executor: ex.ID, Ref: ex.AttackRef},
	}
}

// begin claims the right to send Start.
func (r *liveRun) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.phase != waiting {
		return false
	}
	r.phase, r.begun = started, time.Now().UTC()
	return true
}

// beginning is when it got the right to send Start.
func (r *liveRun) beginning() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// callOff takes the right to start away, if there is still time, and leaves
// word what to make of the executor. It says whether it came in time.
func (r *liveRun) callOff(apply func(*Executor) error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.phase != waiting {
		return false
	}
	r.phase = gone
	r.apply = apply
	close(r.off)
	r.stop(&StopReason{State: Cancelled, Reason: "called off"})
	return true
}

// halt stops the run and has it undone, unless it is over: then it is too late
// to change what is being stored, and done tells when that is.
func (r *liveRun) halt(why *StopReason) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.phase != started {
		return false
	}
	r.takeBack = true
	r.stop(why)
	return true
}

// conclude ends the time in which the run can be halted or called off. It
// returns what a call-off wants made of the executor, nil when there was none.
func (r *liveRun) conclude() func(*Executor) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = over
	return r.apply
}

// settling says whether it is decided what becomes of the executor, and only to
// be stored.
func (r *liveRun) settling() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.phase == gone || r.phase == over
}

func (r *liveRun) hasStarted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.phase == started || r.phase == over
}

// stored waits until the end of the run is stored.
func (r *liveRun) stored(ctx context.Context) error {
	select {
	case <-r.done:
		return r.failed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// update changes the run's record.
func (r *liveRun) update(fn func(*Run)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.run)
}

// record returns a copy of the run's record as it is now.
func (r *liveRun) record() Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.run
	run.Targets = append([]Target(nil), run.Targets...)
	run.LogDropped = r.log.dropped()
	return run
}

// lead is how long before its due time the n-th of several executors that are
// due at once must be claimed, so that its process waits when the time comes:
// starting one takes some 15 ms of a core (measured), one after the other. The
// rest is for a claim that has to wait for somebody else's commit: that of a
// plan of 10,000 executors takes half a second or more (measured).
func lead(n, cores int) time.Duration {
	l := time.Second + time.Duration(n)*15*time.Millisecond*2/time.Duration(cores)
	return min(l, maxLead)
}

const maxLead = 5 * time.Second
