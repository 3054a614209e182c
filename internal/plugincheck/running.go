package plugincheck

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// attackChecks are the checks that make runs of an attack, in the order in which
// they are made: the first ones show how the others are to be read. All but the
// live ones are dry, in the sandbox, with an empty environment.
var attackChecks = slices.Concat(
	rehearsalChecks, stoppingChecks, killingChecks, inputChecks, callChecks, undoingChecks, liveChecks, leftoverChecks,
)

// evidence is what the checks of an attack's runs share.
type evidence struct {
	// began is set when the first process was started, at a mark in what is seen.
	began bool
	mark  int
	// doing says what was done in the runs, by their ids.
	doing map[string]string
	// rehearsals are the dry runs of the examples that nothing interfered with.
	rehearsals []performance
	// unimplemented names the methods that turned out to be only declared.
	unimplemented []string
	// live is what the live runs have shown.
	live liveEvidence
}

// note remembers what a process is started for, before it is.
func (s *subject) note(call, doing string) {
	e := &s.evidence
	if !e.began {
		e.began, e.mark, e.doing = true, s.saw.mark(), map[string]string{}
	}
	e.doing[call] = doing
}

// mostExamples is how many examples of a ref are run.
const mostExamples = 5

// exampleDoc is the config that a ref is run with.
func (s *subject) exampleDoc() json.RawMessage { return s.serves.Examples[0] }

// served says why nothing can be called; "" if it can.
func served(s *subject) string {
	switch {
	case s.serves == nil:
		return s.unserved()
	case len(s.serves.Examples) == 0:
		return "it has no example to call it with"
	}
	return ""
}

// rehearsable says why there can be no dry run; "" if there can.
func rehearsable(s *subject) string {
	if reason := served(s); reason != "" {
		return reason
	}
	if !s.serves.CanDryRun {
		return "it declares no dry run, so every run would do harm; --live makes some all the same"
	}
	return ""
}

// rehearsed says why nothing can be learned from further dry runs; "" if it can.
func rehearsed(s *subject) string {
	if reason := rehearsable(s); reason != "" {
		return reason
	}
	switch r := s.evidence.rehearsals; {
	case len(r) == 0:
		return "there was no dry run to go by"
	case r[0].fault() != "":
		return "its dry run ends without a clean answer: see dry-run-answers"
	}
	return ""
}

// rehearsalChecks look at dry runs that nothing interferes with.
var rehearsalChecks = []check{
	{
		id:      "dry-run-answers",
		title:   "a dry run of each example ends with an answer",
		hint:    "return from Run in every case, with an error in words where it can't go on; look for panics, os.Exit and waits without a bound",
		applies: rehearsable,
		run:     answersDryRun,
	},
	{
		id:      "exits",
		title:   "its process exits when it has answered",
		hint:    "let main end when the server does; don't wait in it for goroutines of your own, and end what you started before Run returns",
		applies: rehearsed,
		run:     exitsAfterwards,
	},
	{
		id:      "dry-run-harmless",
		title:   "a dry run does no harm, and tells of none",
		hint:    "ask run.DryRun() before anything that changes something, or put the harm into run.Do; report targets as selected, not as hit",
		applies: rehearsed,
		run:     harmlessDryRun,
	},
}

func answersDryRun(ctx context.Context, s *subject) verdict {
	words := ""
	for i, config := range s.serves.Examples[:min(len(s.serves.Examples), mostExamples)] {
		p := s.perform(ctx, play{doing: "a dry run", config: config})
		s.evidence.rehearsals = append(s.evidence.rehearsals, p)
		if fault := p.fault(); fault != "" {
			return failed("with example %d %s", i+1, fault)
		}
		if p.refused() != "" && words == "" {
			words = p.refused()
		}
	}
	if words != "" {
		return verdict{outcome: Passed, message: "it fails here, in words: " + words}
	}
	return passed()
}

// exitsAfterwards looks twice: a busy machine may keep a process from exiting in
// time.
func exitsAfterwards(ctx context.Context, s *subject) verdict {
	for _, p := range s.evidence.rehearsals {
		if !p.lingered() {
			continue
		}
		if again := s.perform(ctx, play{doing: "a dry run", config: s.exampleDoc()}); again.lingered() {
			return failed("it was still there when its time was over, and had to be killed")
		}
	}
	return passed()
}

// harmed tells harm that a run did, as far as it was seen; "" if none.
func harmed(p performance) string {
	if records := details(p.seen, host.SawUndoRecord); len(records) > 0 {
		return "it announced an undo record: " + records[0]
	}
	if len(p.hits) > 0 {
		return "it reported the target " + printable(p.hits[0]) + " as hit"
	}
	return changed(p.seen)
}
