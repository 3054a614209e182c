package plugincheck

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

func TestWhatCanNotBeChecked(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "nowhere"): "there is no file ",
		dir:                           " is a folder; name the executable file itself",
		"/dev/null":                   "/dev/null is not a regular file",
		file("text", "hello", 0o600):  " is not executable, and a daemon ignores such files; if it is a plugin: chmod +x '",
		file("void", "", 0o700):       " is empty; was it built or copied completely?",
		file(".dot", "x", 0o700):      " begins with a dot, and a daemon ignores such files",
	} {
		r, err := Check(t.Context(), path, Options{})
		if r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", path, r, err, want)
		}
	}
	if _, err := Check(t.Context(), "/bin/true", Options{Live: true}); err == nil || !strings.Contains(err.Error(), "announce") {
		t.Errorf("a live check without anybody to announce to: %v", err)
	}
}

func TestSomethingElseIsUnfit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho hello\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Fit() || r.Count(Failed) == 0 || r.SHA256 == "" {
		t.Errorf("got %+v", r)
	}
	for _, f := range r.Findings {
		if f.Outcome == Passed {
			t.Errorf("%s passed, though it neither serves nor describes itself", f.Check)
		}
		if f.Outcome == NotRun && f.Message == "" || f.Outcome == Failed && (f.Message == "" || f.Hint == "") {
			t.Errorf("%s says nothing: %+v", f.Check, f)
		}
	}
}

// How to mend a plugin that gives no answer depends on what became of its process.
func TestTheHintGoesByTheCause(t *testing.T) {
	const digest = "a02f557b0d1dce795e42b48ceeb07bc0f143e1c1080fffca8287783fb6a9c2d7"
	for name, c := range map[string]struct{ script, says, hint string }{
		"it says why": {
			"echo \"${0##*/}: unknown key\" >&2; exit 1",
			"it ends without describing itself: it exited with code 1; its last words: unknown key", "mend what it says",
		},
		"a signal": {"kill -SEGV $$", "it ends without describing itself: it was ended by a signal", "was it built for this machine, and copied completely?"},
		"silence":  {"exit 0", "it ends without describing itself: it exited with code 0", "print the description as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			f := r.Findings[0]
			if f.Check != "describe-argument" || !strings.HasPrefix(f.Message, c.says) || !strings.HasPrefix(f.Hint, c.hint) {
				t.Errorf("it says %q; to mend it: %q", f.Message, f.Hint)
			}
		})
	}
	a := host.Answer{Err: &engine.PluginError{Message: "it did not complete its handshake"}, Stderr: "x\n" + digest + ": ref\tmissing\n"}
	if got, want := ofIt(a), "it did not complete its handshake; its last words: ref\tmissing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := printableLines("one\ttwo\r\n\x1bthree\n", "  "); got != "one two\n  \uFFFDthree" {
		t.Errorf("got %q", got)
	}
}

func TestAskedTwice(t *testing.T) {
	s := &subject{trial: &trial{saw: &sightings{}}}
	n := 0
	v := s.asksTwice("Check", "", func() (any, error) {
		n++
		return n, nil
	})
	if v.outcome != Failed || v.message != "it answered 1, then 2" {
		t.Errorf("%+v", v)
	}
}

// What has no undo is told as what it says of its effect.
func TestWhatALiveRunLeaves(t *testing.T) {
	for effect, want := range map[engine.Effect]string{
		engine.EffectNone:         "it has no undo and, it says, no effect; whether its live run left something can't be told",
		engine.EffectSelfLimiting: "it has no undo; what its live run did ends by itself, it says",
		engine.EffectIrreversible: "it has no undo, so what its live run did is still there",
	} {
		s := &subject{serves: &engine.Offer{Descriptor: engine.Descriptor{Effect: effect}}}
		if v := leavesNothing(t.Context(), s); v.outcome != NotRun || v.message != want {
			t.Errorf("%s: %+v", effect, v)
		}
	}
}

func TestACheckThatIsCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho hello\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	r, err := Check(ctx, path, Options{Making: func(string, string) { cancel(enough) }})
	if !errors.Is(err, enough) || r == nil || r.Fit() || r.Count(NotRun) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestACheckLeavesNothingBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nsleep 60 & echo hello\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp("", "t") // short: sockets are made in there
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temporary)
	t.Setenv("TMPDIR", temporary)
	if _, err := Check(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// An undo is no dry run: with nothing to keep it from the machine, it would do to it
// what a record says that no run made.
func TestNoUndoOfJunkWithoutASandbox(t *testing.T) {
	s := &subject{trial: &trial{noSandbox: "there is no sandbox"}, serves: &engine.Offer{
		Descriptor: engine.Descriptor{CanUndo: true, Examples: []json.RawMessage{json.RawMessage("{}")}},
	}}
	for _, c := range undoingChecks {
		if c.id == "undo-junk" && c.applies(s) != "there is no sandbox" {
			t.Errorf("it is called: %q", c.applies(s))
		}
	}
}

func TestAFindingSaysWhyItWasNotMade(t *testing.T) {
	c := check{
		id: "a", title: "it works", hint: "make it work",
		applies: func(*subject) string { return "it is Sunday" },
		run:     func(context.Context, *subject) verdict { return passed() },
	}
	s := &subject{trial: &trial{}}
	if f := c.finding(t.Context(), s); f.Outcome != NotRun || f.Message != "it is Sunday" || f.Hint != "" {
		t.Errorf("got %+v", f)
	}
	c.applies = nil
	if f := c.finding(t.Context(), s); f.Outcome != Passed || f.Message != "" {
		t.Errorf("got %+v", f)
	}
	c.run = func(context.Context, *subject) verdict { return failed("no") }
	if f := c.finding(t.Context(), s); f.Outcome != Failed || f.Hint != "make it work" || f.Took < 0 || f.Took > time.Minute {
		t.Errorf("got %+v", f)
	}
	c.run = func(context.Context, *subject) verdict { return failed("no").mend("do %s", "that") }
	if f := c.finding(t.Context(), s); f.Hint != "do that" {
		t.Errorf("got %+v", f)
	}
}
