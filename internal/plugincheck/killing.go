package plugincheck

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// mostKills is how many runs are killed.
const mostKills = 20

// killingChecks look at what is left of a run that is killed.
var killingChecks = []check{
	{
		id:      "killed-anywhere",
		title:   "SIGKILL in the middle of a run leaves nothing behind",
		hint:    "write into the folder of the run (os.TempDir()) only, and start processes so that they end with this one",
		applies: rehearsed,
		run:     survivesKills,
	},
}

// kill ends a process and its group as nobody can refuse.
func kill(p host.Trialled) { _ = syscall.Kill(-p.PID(), syscall.SIGKILL) }

// killTries is how often a run that had answered when the kill came is made again, to
// be killed sooner.
const killTries = 4

func survivesKills(ctx context.Context, s *subject) verdict {
	first := s.evidence.rehearsals[0]
	if first.messages == 0 {
		return notRun("its runs say nothing, so there is no moment to kill one")
	}
	untidy := changed(first.seen) != "" || len(details(first.seen, host.SawProcess)) > 0
	crashed := 0
	moments := spread(first.messages, mostKills)
	for _, after := range moments {
		p, when := s.killedAround(ctx, after)
		switch {
		case p.broken != nil:
			return failed("it can't be run: %s", brief(p.broken.Error()))
		case p.exit.Stuck:
			return failed("killed %s, some of its processes can't be ended", when)
		case !p.exit.Finished && !p.exit.NotStarted:
			crashed++
		}
		if left := remains(p.seen); left != "" && !untidy { // else other checks say so
			return failed("killed %s, %s", when, left)
		}
	}
	if crashed == 0 {
		return notRun("it is faster than a kill: all of %d runs had answered", len(moments))
	}
	return verdict{outcome: Passed, message: fmt.Sprintf("%d of %d runs were killed before they had answered", crashed, len(moments))}
}

// killedAround makes a dry run that is killed when a message has come. Messages come
// together from an attack that waits for nothing: where it has answered by then, other
// runs are killed by the clock, at best between their first message and their answer.
func (s *subject) killedAround(ctx context.Context, after int) (p performance, when string) {
	first := s.evidence.rehearsals[0]
	when = fmt.Sprintf("after message %d of %d", after, first.messages)
	p = s.perform(ctx, play{doing: killedRun, config: s.exampleDoc(), message: func(p host.Trialled, n int) {
		if n == after {
			kill(p)
		}
	}})
	early, late := time.Duration(0), 2*first.spoke
	delay := first.spoke * time.Duration(after) / time.Duration(first.messages)
	for try := 0; try < killTries && p.broken == nil && remains(p.seen) == ""; try++ {
		if !p.exit.Finished && p.messages > 0 {
			break
		}
		again := s.killedAt(ctx, delay)
		if again.exit.Finished {
			late = delay
		} else {
			p, when, early = again, rounded(delay)+" after its start", delay
		}
		delay = (early + late) / 2
	}
	return p, when
}

// killedRun is what a dry run is called that is killed.
const killedRun = "a dry run that was killed"

// killedAt makes a dry run that is killed some time after its start.
func (s *subject) killedAt(ctx context.Context, delay time.Duration) performance {
	var timer *time.Timer
	p := s.perform(ctx, play{doing: killedRun, config: s.exampleDoc(), starting: func(p host.Trialled) {
		timer = time.AfterFunc(delay, func() { kill(p) })
	}})
	if timer != nil {
		timer.Stop()
	}
	return p
}

// remains says what was left; "" if nothing was.
func remains(seen []host.Sighting) string {
	if v := alone(seen); v.outcome == Failed {
		return printable(v.message)
	}
	return changed(seen)
}

// spread returns at most most of the numbers from 1 to n, evenly, with both ends.
func spread(n, most int) []int {
	if n <= most {
		most = n
	}
	out := make([]int, 0, most)
	for i := range most {
		if most == 1 {
			return append(out, 1)
		}
		out = append(out, 1+i*(n-1)/(most-1))
	}
	return out
}

// mostLiveKills is how many live runs are killed.
const mostLiveKills = 8

// undoesKilled kills live runs after their messages. A kill comes a moment late,
// so that what follows on a message may have half happened; where the run is over by
// then, another one is killed at once.
func undoesKilled(ctx context.Context, s *subject) verdict {
	first := s.evidence.live.first
	crashed := 0
	moments := spread(first.messages, mostLiveKills)
	for _, after := range moments {
		for _, delay := range []time.Duration{killDelay, 0} {
			p, faults := s.killedLive(ctx, after, delay)
			switch {
			case len(faults) > 0:
				return failed("killed after message %d of %d: %s", after, first.messages, strings.Join(faults, "; "))
			case p.broken != nil:
				return failed("it can't be run: %s", brief(p.broken.Error()))
			}
			if !p.exit.Finished {
				crashed++
				break
			}
		}
	}
	if crashed == 0 {
		return notRun("it is faster than a kill: all runs had answered")
	}
	return verdict{outcome: Passed, message: fmt.Sprintf("%d of %d runs were killed before they had answered", crashed, len(moments))}
}

// killedLive makes a live run that is killed when a message has come, or a little
// later, and undoes it.
func (s *subject) killedLive(ctx context.Context, after int, delay time.Duration) (performance, []string) {
	var late *time.Timer
	p, faults := s.performLive(ctx, play{doing: "a live run that was killed", message: func(p host.Trialled, n int) {
		switch {
		case n != after:
		case delay == 0:
			kill(p)
		default:
			late = time.AfterFunc(delay, func() { kill(p) })
		}
	}})
	if late != nil {
		late.Stop()
	}
	return p, faults
}

// killDelay is how much later than a message a live run is killed.
const killDelay = time.Millisecond
