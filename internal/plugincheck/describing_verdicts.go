package plugincheck

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// described says why nothing can be said of what the plugin offers.
func described(s *subject) string {
	if s.described == nil {
		return "it does not say what it offers"
	}
	return ""
}

func describedByArgument(s *subject) string {
	if readSpoken(s.examination.Argument.Stdout).text == nil {
		return `it prints no description when called with "describe"`
	}
	return ""
}

func describedAnyhow(s *subject) string {
	if len(s.descriptions()) == 0 {
		return "it does not say what it offers"
	}
	return ""
}

func serves(s *subject) string {
	if !shookHands(s.examination.RPC) {
		return "it does not serve"
	}
	return ""
}

// shookHands says whether the process that was to answer by RPC began to serve.
func shookHands(a host.Answer) bool {
	return a.Err == nil || a.Err.Stage == "describe"
}

// needsSandbox says why what only the sandbox sees can't be checked.
func needsSandbox(s *subject) string {
	if !s.sandboxed {
		return s.noSandbox
	}
	return ""
}

func describesItself(_ context.Context, s *subject) verdict {
	a := s.examination.Argument
	if readSpoken(a.Stdout).text != nil {
		return passed()
	}
	if a.Err != nil {
		return failed("%s", ofIt(a)).orMend(mendedBy(a))
	}
	return failed("what it prints is no description: %s%s", excerpt(string(a.Stdout)), lastWords(a.Stderr))
}

func endsWell(_ context.Context, s *subject) verdict {
	// The host ends a process that has closed its output or prints too much; its
	// error is all there is to go by, and it comes last.
	for _, a := range []host.Answer{s.examination.Argument, s.examination.Again} {
		if err := a.Err; err != nil && !incompatible(a) && readSpoken(a.Stdout).clean() {
			return failed("%s", ofIt(a)).orMend(mendedBy(a))
		}
	}
	return passed()
}

// incompatible says whether what the host minds of an answer is the version of
// the protocol.
func incompatible(a host.Answer) bool {
	d, err := readSpoken(a.Stdout).description()
	return err == nil && d.Protocol != pluginv1.Version
}

func describesCleanly(_ context.Context, s *subject) verdict {
	said := readSpoken(s.examination.Argument.Stdout)
	switch {
	case said.before != "":
		return failed("before the description it prints %s", excerpt(said.before))
	case said.after != "":
		return failed("after the description it prints %s", excerpt(said.after))
	}
	return passed()
}

func describesKnownMembers(_ context.Context, s *subject) verdict {
	if err := readSpoken(s.examination.Argument.Stdout).strictly(); err != nil {
		return failed("%s", err)
	}
	return passed()
}

func speaksProtocol(_ context.Context, s *subject) verdict {
	d, err := readSpoken(s.examination.Argument.Stdout).description()
	switch {
	case err != nil:
		return failed("its description can't be read: %s", err)
	case d.Protocol == 0:
		return failed("its description does not say which").mend(`say "protocol": %d`, pluginv1.Version)
	case d.Protocol != pluginv1.Version:
		return failed("it speaks version %d; this daemon speaks %d", d.Protocol, pluginv1.Version)
	}
	return passed()
}

func shakesHands(_ context.Context, s *subject) verdict {
	if a := s.examination.RPC; !shookHands(a) {
		v := failed("%s", ofIt(a))
		if !strings.Contains(v.message, "not a handshake") {
			v.hint = "serve at once: call sdk.Serve from main, before anything that waits; docs/protocol.md says what others must do"
		}
		return v.orMend(mendedBy(a))
	}
	return passed()
}

func describesByRPC(_ context.Context, s *subject) verdict {
	if a := s.examination.RPC; a.Err != nil {
		v := failed("%s", explained(a)).orMend(a.Err.Hint)
		if same := strings.TrimPrefix(a.Err.Message, "Describe: "); v.hint == "" && strings.Contains(s.examination.Argument.Stderr, same) {
			v = v.mend("mend what it says")
		}
		return v
	}
	return passed()
}

// onceDescribed is a verdict on what was seen while the plugin was asked what it
// offers: that nothing was seen of one that did not say so means nothing.
func onceDescribed(s *subject, v verdict) verdict {
	if reason := described(s); v.outcome == Passed && reason != "" {
		return notRun("%s", reason)
	}
	return v
}

func describesQuickly(_ context.Context, s *subject) verdict {
	for _, d := range s.descriptions() {
		if d.took > quick {
			return failed("%s it takes %s", d.way, d.took.Round(10*time.Millisecond))
		}
	}
	return passed()
}

func offersSomething(_ context.Context, s *subject) verdict {
	switch {
	case len(s.described.Offers) > 0:
		return passed()
	case len(s.described.Watch) > 0:
		return notRun("it offers nothing for now; it waits for something in %s", strings.Join(s.described.Watch, ", "))
	}
	return failed("its description has no offers")
}

func isServed(_ context.Context, s *subject) verdict {
	var refusals []string
	kinds := s.kinds()
	for _, f := range s.host.Plugins() {
		if f.Error != nil && slices.Contains(kinds, f.Kind) {
			refusals = append(refusals, f.Error.Message)
		}
	}
	switch {
	case len(refusals) == 0 && s.allServed():
		return passed()
	case s.report.Count(Failed) > 0:
		return notRun("a daemon refuses the file; mend what failed first")
	case len(refusals) == 0:
		return failed("a daemon does not serve all that it offers")
	}
	return failed("a daemon refuses the file: %s", refusals[0])
}
