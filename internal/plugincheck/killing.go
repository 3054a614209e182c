package plugincheck

import (
	"context"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// mostKills is how many runs are killed.
const mostKills = 20

// killingChecks look at what is left of a run that is killed.
var killingChecks = []check{
	{
		id:      "killed-anywhere",
		title:   "SIGKILL after any of its messages leaves nothing behind",
		hint:    "write into the folder of the run (os.TempDir()) only, and start processes so that they end with this one",
		applies: rehearsed,
		run:     survivesKills,
	},
}

// kill ends a process and its group as nobody can refuse.
func kill(p host.Trialled) { _ = syscall.Kill(-p.PID(), syscall.SIGKILL) }

func survivesKills(ctx context.Context, s *subject) verdict {
	first := s.evidence.rehearsals[0]
	if first.messages == 0 {
		return notRun("its runs say nothing, so there is no moment to kill one")
	}
	untidy := changed(first.seen) != "" || len(details(first.seen, host.SawProcess)) > 0
	crashed := 0
	for _, after := range spread(first.messages, mostKills) {
		p := s.perform(ctx, play{doing: "a dry run that was killed", config: s.exampleDoc(), message: func(p host.Trialled, n int) {
			if n == after {
				kill(p)
			}
		}})
		switch {
		case p.broken != nil:
			return failed("it can't be run: %s", brief(p.broken.Error()))
		case p.exit.Stuck:
			return failed("killed after message %d, some of its processes can't be ended", after)
		case !p.exit.Finished:
			crashed++
		}
		if left := remains(p.seen); left != "" && !untidy { // else other checks say so
			return failed("killed after message %d of %d, %s", after, first.messages, left)
		}
	}
	if crashed == 0 {
		return notRun("it is faster than a kill: all of %d runs had answered", min(first.messages, mostKills))
	}
	return passed()
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
