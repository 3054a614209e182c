package plugincheck

import (
	"context"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// leftoverChecks look at all that was run for a ref.
var leftoverChecks = []check{
	{
		id:      "stray-stdout",
		title:   "no run and no call prints to standard output",
		hint:    "log with run.Log() or to standard error: standard output is for the handshake only",
		applies: somethingRan,
		run: func(_ context.Context, s *subject) verdict {
			for _, what := range s.saw.since(s.evidence.mark) {
				if what.Kind == host.SawStdout {
					return failed("%s printed %s", s.doing(what.Call), excerpt(what.Detail))
				}
			}
			return passed()
		},
	},
	{
		id:      "leftovers",
		title:   "no run and no call leaves a process behind",
		hint:    "wait for what you started, and end it when ctx ends: exec.CommandContext, and cmd.Wait before Run returns",
		applies: somethingRan,
		run: func(_ context.Context, s *subject) verdict {
			for _, what := range s.saw.since(s.evidence.mark) {
				if what.Kind == host.SawProcess {
					return failed("%s left running: %s", s.doing(what.Call), cut(printable(what.Detail), 200))
				}
			}
			return passed()
		},
	},
}

// somethingRan says why there is nothing to look at; "" if there is.
func somethingRan(s *subject) string {
	if !s.evidence.began {
		return "nothing was run"
	}
	return ""
}

// doing says what a process was started for.
func (s *subject) doing(call string) string {
	if words, ok := s.evidence.doing[call]; ok {
		return words
	}
	kind, _, _ := strings.Cut(call, "-")
	if words, ok := s.evidence.doing[kind]; ok {
		return words
	}
	return "a process"
}
