package plugincheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// liveChecks make runs that are not dry. Whatever such a run left to be undone is
// undone as soon as it is over, however it ended, and even when the check is
// interrupted.
var liveChecks = []check{
	{
		id:      "live-run",
		title:   "a live run ends with an answer, by itself or within its grace after a Stop",
		hint:    "return from Run in every case, and soon after ctx.Done()",
		applies: alive,
		run:     runsLive,
	},
	{
		id:      "undo-after-run",
		title:   "what a live run did is undone",
		hint:    "answer Undone, NothingToDo or NotMine; an undo comes in a fresh process that has nothing but the record and the config",
		applies: recorded,
		run:     undoesRun,
	},
	{
		id:      "undo-twice",
		title:   "an undo may come twice",
		hint:    "answer NothingToDo where the effect is no longer there",
		applies: recorded,
		run:     undoesTwice,
	},
	{
		id:      "undo-without-run",
		title:   "an undo may come when the harm never happened",
		hint:    "answer NothingToDo where the effect is not there: the daemon may die between the record and the harm",
		applies: recorded,
		run:     undoesNothing,
	},
	{
		id:      "record-refused",
		title:   "where its undo record can't be stored, a run fails and reports no target as hit",
		hint:    "do the harm inside run.Do; it is not called when the record is refused",
		applies: recorded,
		run:     heedsRefusal,
	},
	{
		id:      "live-stop",
		title:   "what a run did until it was stopped is undone, by itself or by an undo",
		hint:    "record every harm before it is done, and leave open what you did not take back",
		applies: recorded,
		run:     undoesStopped,
	},
	{
		id:      "killed-anywhere-live",
		title:   "SIGKILL in the middle of a live run, followed by the undo, leaves nothing behind",
		hint:    "put all that an undo needs into the record, and make each harm one that can be found again",
		applies: recorded,
		run:     undoesKilled,
	},
	{
		id:    "live-clean",
		title: "nothing that the live runs did is left",
		hint:  "the messages say what is left and which record would have taken it back; do it by hand",
		applies: func(s *subject) string {
			if s.live == nil {
				return onlyLive
			}
			if len(s.evidence.live.runs) == 0 {
				return "nothing was run live"
			}
			return ""
		},
		run:    leavesNothing,
		always: true,
	},
}

// liveEvidence is what live runs have shown.
type liveEvidence struct {
	// runs are those that were made, with their records.
	runs []performance
	// left are records that could not be undone, each with why.
	left []string
	// first is the run that nobody interfered with, and why its records could
	// not all be undone.
	first      performance
	undoFaults []string
}

// liveRun is how long a live run may go on before it is stopped.
const liveRun = 2 * time.Second

// onlyLive is why nothing is run live where nobody asked for it.
const onlyLive = "only with --live, for it does what the example says"

// alive says why there can be no live run; "" if there can.
func alive(s *subject) string {
	if s.live == nil {
		return onlyLive
	}
	return served(s)
}

// recorded says why nothing can be learned of undo; "" if something can.
func recorded(s *subject) string {
	switch {
	case alive(s) != "":
		return alive(s)
	case len(s.evidence.live.runs) == 0:
		return "there was no live run"
	case len(s.evidence.live.first.records) > 0:
		return ""
	case s.evidence.live.first.refused() != "":
		return "its live run failed before it did anything: " + s.evidence.live.first.refused()
	}
	return "its live run announced nothing to be undone"
}

// performLive makes a run that is not dry, and undoes what it left open, newest
// first. It says what could not be undone.
func (s *subject) performLive(ctx context.Context, how play) (p performance, faults []string) {
	how.live, how.config = true, s.exampleDoc()
	p = s.perform(ctx, how)
	for _, i := range backwards(len(p.records)) {
		r := &p.records[i]
		if r.settled {
			continue
		}
		if fault := unsettled(s.undo(ctx, *r)); fault != "" {
			faults = append(faults, fault)
			s.evidence.live.left = append(s.evidence.live.left, takeBack(*r, fault))
			continue
		}
		r.settled = true
	}
	s.evidence.live.runs = append(s.evidence.live.runs, p)
	return p, faults
}

// backwards are the numbers from n-1 to 0.
func backwards(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = n - 1 - i
	}
	return out
}

// takeBack says what is left of a run and what would undo it.
func takeBack(r record, fault string) string {
	what := r.Description
	if what == "" {
		what = "its effect"
	}
	return fmt.Sprintf("run %s, record %d (%s) is not undone: %s; its record is %s",
		r.Executor, r.Sequence, printable(what), fault, cut(printable(string(r.Record)), 2000))
}

func runsLive(ctx context.Context, s *subject) verdict {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := time.AfterFunc(liveRun, func() { stop(errStop) })
	defer timer.Stop()
	p, faults := s.performLive(ctx, play{doing: "a live run"})
	s.evidence.live.first, s.evidence.live.undoFaults = p, faults
	switch {
	case p.fault() != "" && p.exit.Stopped:
		return failed("stopped after %s, %s", liveRun, p.fault())
	case p.fault() != "":
		return failed("%s", p.fault())
	case p.refused() != "" && !p.exit.Stopped:
		return verdict{outcome: Passed, message: "it fails here, in words: " + p.refused()}
	}
	return passed()
}

func undoesRun(_ context.Context, s *subject) verdict {
	if faults := s.evidence.live.undoFaults; len(faults) > 0 {
		return failed("%s", strings.Join(faults, "; "))
	}
	return passed()
}

func undoesTwice(ctx context.Context, s *subject) verdict {
	for _, i := range backwards(len(s.evidence.live.first.records)) {
		r := s.evidence.live.first.records[i]
		if !r.settled {
			return notRun("it was not even undone once")
		}
		if fault := unsettled(s.undo(ctx, r)); fault != "" {
			return failed("the second time %s", fault)
		}
	}
	return passed()
}

var errRefused = errors.New("the check refuses to store this record")

// undoesNothing kills a run while its first record waits to be stored, so that the
// harm is never done, and has it undone.
func undoesNothing(ctx context.Context, s *subject) verdict {
	_, faults := s.performLive(ctx, play{doing: "a live run that was killed before its record was stored", record: func(p host.Trialled, _ engine.NewUndo) error {
		kill(p)
		return errRefused
	}})
	if len(faults) > 0 {
		return failed("%s", strings.Join(faults, "; "))
	}
	return passed()
}

func heedsRefusal(ctx context.Context, s *subject) verdict {
	p, _ := s.performLive(ctx, play{doing: "a live run whose records were refused", record: func(host.Trialled, engine.NewUndo) error {
		return errRefused
	}})
	switch {
	case len(p.records) == 0:
		return notRun("this time it announced nothing to be undone")
	case len(p.hits) > 0:
		return failed("it reported the target %s as hit all the same", printable(p.hits[0]))
	case p.fault() != "":
		return failed("%s", p.fault())
	case p.exit.Failure == nil:
		return failed("it says that it succeeded")
	}
	return verdict{outcome: Passed, message: "it says: " + p.refused()}
}

// undoesStopped stops a run as soon as its first record is stored.
func undoesStopped(ctx context.Context, s *subject) verdict {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p, faults := s.performLive(ctx, play{doing: "a live run that was stopped", record: func(host.Trialled, engine.NewUndo) error {
		stop(errStop)
		return nil
	}})
	switch {
	case len(faults) > 0:
		return failed("%s", strings.Join(faults, "; "))
	case p.fault() != "":
		return failed("%s", p.fault())
	}
	return passed()
}

func leavesNothing(_ context.Context, s *subject) verdict {
	left := slices.Clone(s.evidence.live.left)
	if len(left) > 0 {
		return failed("LEFT BEHIND: %s", strings.Join(left, "\n"))
	}
	if s.serves.CanUndo {
		return passed()
	}
	runs := "live run"
	if n := len(s.evidence.live.runs); n > 1 {
		runs = fmt.Sprintf("%d live runs", n)
	}
	switch s.serves.Effect {
	case engine.EffectNone:
		return notRun("it has no undo and, it says, no effect; whether its %s left something can't be told", runs)
	case engine.EffectSelfLimiting:
		return notRun("it has no undo; what its %s did ends by itself, it says", runs)
	case engine.EffectUndoable, engine.EffectIrreversible:
	}
	return notRun("it has no undo, so what its %s did is still there", runs)
}
