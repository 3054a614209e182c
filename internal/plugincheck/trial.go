package plugincheck

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// checkBound is how long one check may take. What it waits for has bounds of its
// own, in the host; this one is for what slips through them.
const checkBound = 3 * time.Minute

// trial is a plugin file while it is checked. One goroutine makes the checks,
// one after the other, so that what is seen during a check belongs to it.
type trial struct {
	options Options
	// path is the file, absolute; name is its name in its folder.
	path, name string
	// state is the folder of all that the trial makes, and lock says that it is
	// in use.
	state string
	lock  *os.File
	// host makes every call but those that are live. Where sandboxed is set it
	// keeps them from the network and from files outside their own folder;
	// else noSandbox says why not.
	host      *host.Host
	sandboxed bool
	noSandbox string
	// live makes the runs that do what the examples say; nil without
	// Options.Live.
	live *host.Host
	// closed is what came of closing the hosts before the end.
	closed      error
	examination *host.Examination
	// described is what a daemon would go by; nil if the plugin says nothing
	// that can be read.
	described *pluginv1.Description
	saw       *sightings
	report    *Report
}

// found puts a finding on the report and tells whoever waits for it.
func (t *trial) found(f Finding) {
	t.report.Findings = append(t.report.Findings, f)
	if t.options.Found != nil {
		t.options.Found(f)
	}
}

// serving returns the offer that the host serves for what a plugin describes.
func (t *trial) serving(o *pluginv1.Offer) (engine.Offer, bool) {
	offers := t.host.Offers(engine.Kind(o.Kind))
	i := slices.IndexFunc(offers, func(s engine.Offer) bool { return string(s.Ref) == o.Ref })
	if i < 0 {
		return engine.Offer{}, false
	}
	return offers[i], true
}

// subject is what a check looks at: the whole plugin, or one thing it offers.
type subject struct {
	*trial
	// offer is what the plugin says of the ref; nil for the whole plugin.
	offer *pluginv1.Offer
	// serves is the same as the host serves it; nil where it doesn't, and for
	// the whole plugin.
	serves *engine.Offer
	// evidence is what the checks of a ref that make runs share.
	evidence evidence
	// planned is what the checks of a planner share.
	planned planned
}

// ref is what the subject is offered as, "" for the whole plugin.
func (s *subject) ref() string {
	switch {
	case s.offer == nil:
		return ""
	case s.offer.Ref == "":
		return "(no ref)"
	}
	return s.offer.Ref
}

// unserved says why the host does not serve a ref.
func (s *subject) unserved() string {
	for _, f := range s.host.Plugins() {
		if f.Error != nil && f.Kind == engine.Kind(s.offer.Kind) {
			return "a daemon refuses the file: " + f.Error.Message
		}
	}
	return "a daemon does not serve it"
}

// check is one thing that is demanded of a plugin or of what it offers.
type check struct {
	id string
	// title says what is demanded, hint how to mend a plugin that fails.
	title, hint string
	// applies, if set, says why the check can't be made; "" if it can.
	applies func(*subject) (reason string)
	run     func(context.Context, *subject) verdict
	// always is set for one that is made even when the check is interrupted: it
	// only tells what was found before.
	always bool
}

// verdict is what came of a check. A hint takes the place of the check's own.
type verdict struct {
	outcome       Outcome
	message, hint string
}

func passed() verdict { return verdict{outcome: Passed} }

func failed(format string, args ...any) verdict {
	return verdict{outcome: Failed, message: fmt.Sprintf(format, args...)}
}

func notRun(format string, args ...any) verdict {
	return verdict{outcome: NotRun, message: fmt.Sprintf(format, args...)}
}

// mend returns the verdict with another hint.
func (v verdict) mend(format string, args ...any) verdict {
	v.hint = fmt.Sprintf(format, args...)
	return v
}

// make makes the checks of a table on a subject.
func (s *subject) make(ctx context.Context, table []check) {
	for _, c := range table {
		if s.options.Making != nil {
			s.options.Making(s.ref(), c.title)
		}
		s.found(c.finding(ctx, s))
	}
}

// finding makes the check.
func (c check) finding(ctx context.Context, s *subject) Finding {
	f := Finding{Check: c.id, Ref: s.ref(), Title: c.title, Outcome: NotRun}
	if ctx.Err() != nil && !c.always {
		f.Message = context.Cause(ctx).Error()
		return f
	}
	if c.applies != nil {
		if reason := c.applies(s); reason != "" {
			f.Message = reason
			return f
		}
	}
	began := time.Now()
	v := c.verdict(ctx, s)
	f.Took = time.Since(began)
	f.Outcome, f.Message = v.outcome, v.message
	if v.outcome == Failed {
		f.Hint = c.hint
		if v.hint != "" {
			f.Hint = v.hint
		}
	}
	return f
}

// verdict makes the check within its bound. One that is cut short says nothing of
// the plugin.
func (c check) verdict(ctx context.Context, s *subject) verdict {
	bounded, cancel := context.WithTimeoutCause(ctx, checkBound, fmt.Errorf("it took longer than %s", checkBound))
	defer cancel()
	v := c.run(bounded, s)
	switch {
	case c.always:
		return v
	case ctx.Err() != nil:
		return notRun("%s", context.Cause(ctx))
	case bounded.Err() != nil && v.outcome == Passed:
		return notRun("%s", context.Cause(bounded))
	}
	return v
}

// sightings collects what the host saw processes do.
type sightings struct {
	mu  sync.Mutex
	all []host.Sighting
}

func (s *sightings) add(what host.Sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, what)
}

// mark returns a place to ask since.
func (s *sightings) mark() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// since returns what was seen after a mark.
func (s *sightings) since(mark int) []host.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all[mark:])
}

// of returns what was seen of a call, such as a run by its executor's id or
// "describe-", with which the names of such calls begin.
func (s *sightings) of(call string) []host.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []host.Sighting
	for _, what := range s.all {
		if strings.HasPrefix(what.Call, call) {
			out = append(out, what)
		}
	}
	return out
}
