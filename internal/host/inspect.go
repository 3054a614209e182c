package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The back-off of looking again at a file that does not serve.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// writingRetry is for a file that changed while it was copied.
	writingRetry = 250 * time.Millisecond
)

// file is a candidate across scans: what is known of it, and whether it is being
// looked into. Until a look is over, what was known before goes on to serve.
type file struct {
	candidate
	finding
	// looking is set while a goroutine inspects the file, again when it is to
	// be looked at once more after that.
	looking, again bool
	attempts       int
	retryAt        time.Time // zero: nothing to retry
}

// finding is what came of looking into a file.
type finding struct {
	state  engine.PluginState
	digest string
	offers []compiled
	sdk    string
	watch  map[string]string
	// warnings are what the plugin says it would offer too, but can't.
	warnings []string
	err      *engine.PluginError
	// writing is set when the file was changing.
	writing bool
}

// inspect finds out what a file offers, from memory if it is unchanged.
func (h *Host) inspect(ctx context.Context, c candidate) finding {
	if c.refusal != nil {
		return finding{state: c.verdict, err: c.refusal}
	}
	digest := h.memory.digest(c)
	if digest == "" || !h.copies.ready(digest) {
		var err error
		if digest, err = h.copies.add(ctx, c.path); err != nil {
			return copyFailure(c, err)
		}
	}
	seen, known := h.memory.description(digest, c.path)
	if !known {
		var err error
		if seen, err = h.describeSteadily(ctx, digest, c.path); err != nil {
			return describeFailure(digest, err)
		}
	}
	f := h.judge(c, digest, seen)
	if f.state == engine.PluginReady {
		if !known {
			h.memory.keepDescription(digest, seen)
		}
		if h.memory.digest(c) != digest {
			h.memory.keepDigest(c, digest)
		}
	}
	return f
}

// judge checks a description against the rules and the folder it is for.
func (h *Host) judge(c candidate, digest string, seen *seenDescription) finding {
	f := finding{state: engine.PluginReady, digest: digest, sdk: seen.Description.SDK, watch: seen.Watch}
	if f.offers, f.err = check(&seen.Description); f.err != nil {
		f.state = engine.PluginBroken
		return f
	}
	f.warnings = operatorWarnings(seen.Description.Warnings)
	if len(f.offers) == 0 {
		return f // for now
	}
	for _, o := range f.offers {
		if o.Kind == c.kind || h.cfg.AttacksDir == h.cfg.PlannersDir {
			return f
		}
	}
	f.state = engine.PluginBroken
	f.err = &engine.PluginError{
		Stage: "ref", Message: fmt.Sprintf("offers no %s, only %s", c.kind, f.offers[0].Kind),
		Hint: fmt.Sprintf("move it to the %ss folder", f.offers[0].Kind),
	}
	return f
}

// operatorWarnings keeps the first maxWarnings, each as long as people read.
func operatorWarnings(list []string) []string {
	var kept []string
	for _, w := range list[:min(len(list), maxWarnings)] {
		if w = strings.TrimSpace(cut(w, maxShort)); w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

func copyFailure(c candidate, err error) finding {
	f := finding{state: engine.PluginBroken, err: asPluginError("copy", err), writing: errors.Is(err, errChanging)}
	f.err.Stage = "copy"
	if errors.Is(err, fs.ErrPermission) {
		f.err.Hint = fmt.Sprintf("the daemon's user must be able to read it: chmod a+r '%s'", c.path)
	}
	return f
}

func describeFailure(digest string, err error) finding {
	f := finding{state: engine.PluginBroken, digest: digest, err: asPluginError("describe", err)}
	if errors.Is(err, errIncompatible) {
		f.state = engine.PluginIncompatible
	}
	return f
}

// fresh says whether what is known of the file still holds for this candidate.
func (f *file) fresh(c candidate) bool {
	return f.stat == c.stat && f.state != "" && unchanged(f.watch)
}

// settle takes in a finding and sets when the file is looked at again.
func (f *file) settle(found finding, now time.Time) {
	f.finding = found
	f.retryAt = time.Time{}
	switch {
	case found.writing:
		f.retryAt = now.Add(writingRetry)
	case found.state == engine.PluginBroken:
		f.retryAt = now.Add(min(firstRetry<<min(f.attempts, 16), lastRetry))
		f.attempts++
	default:
		f.attempts = 0
	}
}

// pending is shown of a file while it is looked into for the first time.
func pending() finding {
	return finding{state: engine.PluginBroken, err: &engine.PluginError{
		Stage: "describe", Message: "is being asked what it offers", Hint: "look again in a few seconds",
	}}
}

// asked returns the variables the file's offers ask for, by ref.
func (f *finding) asked(kind engine.Kind) map[engine.Ref][]string {
	out := map[engine.Ref][]string{}
	for _, o := range f.offers {
		if o.Kind == kind && len(o.Env) > 0 {
			out[o.Ref] = o.Env
		}
	}
	return out
}
