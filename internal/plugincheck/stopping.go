package plugincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// slack is what a plugin that ends itself at the end of its grace is late.
const slack = 700 * time.Millisecond

// stoppingChecks look at how a run ends before its time.
var stoppingChecks = []check{
	{
		id:      "stop-in-grace",
		title:   "Stop ends a run within its grace",
		hint:    "pass ctx on to everything that waits, and return soon after ctx.Done(); a plain sleep or read can't be stopped",
		applies: rehearsed,
		run:     stopsInGrace,
	},
	{
		id:      "lifeline",
		title:   "it ends when its lifeline closes, as when the daemon dies",
		hint:    "where CMED_LIFELINE is stdin, the end of standard input means that the daemon is gone: end the run, then exit (the SDK does)",
		applies: rehearsed,
		run:     followsItsHost,
	},
	{
		id:      "called-off",
		title:   "it does nothing before Start, and exits when Start does not come",
		hint:    "act on Start only; when the stream ends without one, just exit",
		applies: rehearsed,
		run:     waitsForStart,
	},
	{
		id:      "terminate",
		title:   "SIGTERM ends it within its grace",
		hint:    "don't ignore SIGTERM; treat it like Stop (the SDK does)",
		applies: rehearsed,
		run:     obeysSIGTERM,
	},
}

// errStop is why a check stops a run.
var errStop = &engine.StopReason{State: engine.Halted, Reason: "stopped by the check"}

// moment is when a run is stopped: at its first message, or a time after its
// start.
type moment struct {
	when    string
	message bool
	delay   time.Duration
}

// moments are when a dry run is stopped that takes so long when it is left alone.
func moments(lasts time.Duration) []moment {
	later := time.Duration(rand.Int64N(max(1, int64(lasts)))) //nolint:gosec // no secret
	return []moment{
		{when: "when it had just started", message: true},
		{when: "in the same breath as its start"},
		{when: rounded(later) + " after its start", delay: later},
	}
}

func stopsInGrace(ctx context.Context, s *subject) verdict {
	stopped := 0
	var longest time.Duration
	for _, m := range moments(s.evidence.rehearsals[0].took) {
		p, after := s.stopAt(ctx, m)
		if fault := s.unstopped(p, after); fault != "" {
			if p, after = s.stopAt(ctx, m); s.unstopped(p, after) != "" { // not only because the machine is busy
				return failed("stopped %s, %s", m.when, fault)
			}
		}
		if p.exit.Stopped && !p.exit.NotStarted {
			stopped, longest = stopped+1, max(longest, after)
		}
	}
	if stopped == 0 {
		return notRun("it ends by itself in %s, before a Stop gets through", rounded(s.evidence.rehearsals[0].took))
	}
	return verdict{outcome: Passed, message: "it was gone at most " + rounded(longest) + " after the Stop"}
}

// stopAt makes a dry run that is stopped, and tells how long it took from then on.
// Stopped before Start was sent, it is made again.
func (s *subject) stopAt(ctx context.Context, m moment) (p performance, after time.Duration) {
	for range 5 {
		p, after = s.stopOnce(ctx, m)
		if !p.exit.NotStarted {
			break
		}
		m.delay += 200 * time.Microsecond
	}
	return p, after
}

func (s *subject) stopOnce(ctx context.Context, m moment) (p performance, after time.Duration) {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var told atomic.Int64 // nanoseconds after began
	began := time.Now()
	defer context.AfterFunc(running, func() { told.CompareAndSwap(0, int64(time.Since(began))) })()
	how := play{doing: "a dry run that was stopped", config: s.exampleDoc()}
	if m.message {
		how.message = func(host.Trialled, int) { stop(errStop) }
	} else {
		how.starting = func(host.Trialled) { time.AfterFunc(m.delay, func() { stop(errStop) }) }
	}
	p = s.perform(running, how)
	return p, time.Since(began) - time.Duration(told.Load())
}

// unstopped says in words what is wrong with the end of a run that was stopped; ""
// if nothing is, or if it was over before.
func (s *subject) unstopped(p performance, after time.Duration) string {
	switch {
	case p.broken != nil:
		return "it can't be run: " + brief(p.broken.Error())
	case !p.exit.Stopped && p.exit.Finished, p.exit.NotStarted:
		return ""
	case !p.exit.Finished && after < s.options.Grace:
		return "it crashes: " + broke(p.exit)
	case !p.exit.Finished, after > s.options.Grace+slack:
		return fmt.Sprintf("it had not ended %s later, and was ended by force", s.options.Grace)
	case p.lingered():
		return "it answered, but its process did not exit and had to be killed"
	}
	return ""
}

func followsItsHost(ctx context.Context, s *subject) verdict {
	hangUp := func(p host.Trialled) { p.HangUp() }
	if v := s.endsBy(ctx, "its lifeline closed", hangUp); v.outcome != Passed {
		return v
	}
	return s.waitsNoLonger(ctx, "its lifeline closed", hangUp)
}

func obeysSIGTERM(ctx context.Context, s *subject) verdict {
	terminate := func(p host.Trialled) { _ = syscall.Kill(-p.PID(), syscall.SIGTERM) }
	if v := s.endsBy(ctx, "it got SIGTERM", terminate); v.outcome != Passed {
		return v
	}
	return s.waitsNoLonger(ctx, "it got SIGTERM", terminate)
}

// endsBy does something to a run that has just started and judges whether that
// ends it within its grace.
func (s *subject) endsBy(ctx context.Context, what string, do func(host.Trialled)) verdict {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	overdue := fmt.Errorf("still there after %s", s.options.Grace)
	var timer *time.Timer
	p := s.perform(ctx, play{doing: "a dry run that was ended: " + what, config: s.exampleDoc(), message: func(p host.Trialled, n int) {
		if n == 1 {
			do(p)
			timer = time.AfterFunc(s.options.Grace+slack, func() { stop(overdue) })
		}
	}})
	if timer != nil {
		timer.Stop()
	}
	switch {
	case p.broken != nil:
		return failed("it can't be run: %s", brief(p.broken.Error()))
	case errors.Is(context.Cause(ctx), overdue):
		return failed("a run still went on %s after %s", s.options.Grace, what)
	case p.messages == 0:
		return notRun("its runs say nothing, so there is no moment to end one")
	}
	return passed()
}

// waitsNoLonger does something to a process that waits for its Start and judges
// whether it exits within its grace.
func (s *subject) waitsNoLonger(ctx context.Context, what string, do func(host.Trialled)) verdict {
	p, err := s.launch(ctx, "a process that waited for its start until "+what)
	if err != nil {
		return failed("it can't be launched: %s", brief(err.Error()))
	}
	defer p.Discard()
	do(p)
	if !gone(ctx, p.PID(), s.options.Grace+slack) {
		return failed("a process that waits for its start was still there %s after %s", s.options.Grace, what)
	}
	return passed()
}

// launch starts a process for a run of the first example, which waits then.
func (s *subject) launch(ctx context.Context, doing string) (host.Trialled, error) {
	id := engine.NewExecutorID()
	s.note(string(id), doing)
	p, err := s.host.Launch(ctx, *s.serves, id)
	if err != nil {
		return nil, err
	}
	trialled, ok := p.(host.Trialled)
	if !ok {
		p.Discard()
		return nil, fmt.Errorf("the host runs it as %T", p)
	}
	return trialled, nil
}

// gone waits until there is no process with a number, and says whether that came
// to pass.
func gone(ctx context.Context, pid int, bound time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Times of a process whose start is called off.
const (
	// settling is how long one is left waiting, to see whether it acts early.
	settling = 150 * time.Millisecond
	// promptly is how soon it exits by itself; the host kills it a little later.
	promptly = 450 * time.Millisecond
)

func waitsForStart(ctx context.Context, s *subject) verdict {
	var ends []time.Duration
	for _, wait := range []time.Duration{settling, 0, settling} {
		mark := s.saw.mark()
		p, err := s.launch(ctx, "a run that was called off")
		if err != nil {
			return failed("it can't be launched: %s", brief(err.Error()))
		}
		pause(ctx, wait)
		began := time.Now()
		p.Discard()
		ends = append(ends, time.Since(began))
		if acted := acts(s.saw.since(mark)); acted != "" {
			return failed("%s, although Start never came", acted)
		}
	}
	if p := s.perform(ctx, play{doing: "a dry run", config: s.exampleDoc(), wait: settling}); p.early != "" {
		return failed("it logged %s before Start came", excerpt(p.early))
	}
	slices.Sort(ends)
	if ends[1] > promptly { // one may be late because the machine is busy
		return failed("it did not exit by itself when its run was called off, and had to be killed")
	}
	return passed()
}

// acts says what a process did that only a run may do; "" if nothing.
func acts(seen []host.Sighting) string {
	if w := changed(seen); w != "" {
		return w
	}
	if left := details(seen, host.SawProcess); len(left) > 0 {
		return "it started " + printable(left[0])
	}
	return ""
}

// rounded is a time as people read it.
func rounded(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
