package byhand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestWhatASuccessfulRunLeavesIsKeptUntilItIsUndone(t *testing.T) {
	t.Setenv("BYHAND_WORD", "granted")
	w := newWorld(t)
	e, err := w.run(request{args: map[string]any{"files": []string{w.file("a"), w.file("b")}, "undo_at": "1h"}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Outcome != engine.Succeeded || e.Left != 2 || e.Undone || e.Folder != w.only() || !w.has("a") || !w.has("b") {
		t.Fatalf("the ending is %+v", e)
	}
	if e.Records[0].State != engine.RecordKept || e.Records[0].UndoAt.IsZero() || string(e.Result) != `{"made":2,"word":""}` {
		t.Errorf("the ending is %+v", e)
	}
	left, err := Leftovers(w.base)
	if err != nil || len(left) != 1 || left[0].Left != 2 || left[0].Ref != "files:Make" || left[0].Plugin != w.plugin {
		t.Errorf("left over: %+v, %v", left, err)
	}
	// The same binary undoes it, though the file is gone.
	if err := os.Remove(w.plugin); err != nil {
		t.Fatal(err)
	}
	to := &watcher{}
	settled, err := w.undo(e.Folder, to, undoing, nil)
	if err != nil || settled.Left != 0 || len(settled.Records) != 2 || settled.Ref != "files:Make" {
		t.Fatalf("settled %+v, %v", settled, err)
	}
	if w.has("a") || w.has("b") || len(w.folders()) != 0 {
		t.Errorf("still there: %v %v %v", w.has("a"), w.has("b"), w.folders())
	}
	text := to.text()
	if first, second := strings.Index(text, "undone 2"), strings.Index(text, "undone 1"); first < 0 || second < first {
		t.Errorf("it was not undone newest first:\n%s", text)
	}
	if !strings.Contains(text, `"env":"granted"`) {
		t.Errorf("the undo did not have the environment of the run:\n%s", text)
	}
	if _, err := w.undo(e.Folder, to, undoing, nil); engine.CodeOf(err) != engine.CodeInvalid {
		t.Errorf("undone again: %v", err)
	}
}

func TestEndings(t *testing.T) {
	for _, test := range []struct {
		name    string
		request request
		state   engine.State
		reason  string
	}{
		{"taken back on request", request{args: map[string]any{}, back: true}, engine.Succeeded, ""},
		{"a failure is undone", request{args: map[string]any{"then": "fail"}}, engine.Failed, "failed as told "},
		{
			"a timeout is undone",
			request{args: map[string]any{"then": "wait"}, timeout: 300 * time.Millisecond},
			engine.TimedOut, "it was still running after its timeout of 300ms",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.request.args["files"] = []string{w.file("a")}
			e, err := w.run(test.request)
			if err != nil {
				t.Fatal(err)
			}
			if e.Outcome != test.state || e.Reason != test.reason {
				t.Errorf("it ended %s (%s)", e.Outcome, e.Reason)
			}
			if !e.Undone || e.Left != 0 || e.Folder != "" || len(e.Records) != 1 || e.Records[0].Outcome != engine.OutcomeUndone {
				t.Errorf("the ending is %+v", e)
			}
			if w.has("a") || len(w.folders()) != 0 {
				t.Errorf("left: %v %v", w.has("a"), w.folders())
			}
		})
	}
}

func TestAnInterruptionStopsAndUndoes(t *testing.T) {
	w := newWorld(t)
	interrupts := make(chan error, 1)
	to := &watcher{onLog: func(e engine.LogEntry) {
		if e.Message == "made" {
			interrupts <- errors.New("enough")
		}
	}}
	e, err := w.run(request{
		args: map[string]any{"files": []string{w.file("a")}, "then": "wait"}, interrupts: interrupts,
		to: to,
	})
	if err != nil || e.Outcome != engine.Halted || e.Reason != "enough" || e.Left != 0 || w.has("a") {
		t.Errorf("the ending is %+v, %v\n%s", e, err, to.text())
	}
}

func TestASecondInterruptionKillsAndUndoes(t *testing.T) {
	w := newWorld(t)
	interrupts := make(chan error, 2)
	to := &watcher{}
	to.onLog = func(e engine.LogEntry) {
		if e.Message == "made" {
			interrupts <- errors.New("enough")
			interrupts <- errors.New("now")
		}
	}
	begun := time.Now()
	e, err := w.run(request{
		args: map[string]any{"files": []string{w.file("a")}, "then": "hang"}, interrupts: interrupts, to: to,
		grace: patience,
	})
	if err != nil || e.Outcome != engine.Halted || e.Left != 0 || w.has("a") || len(w.folders()) != 0 {
		t.Errorf("the ending is %+v, %v\n%s", e, err, to.text())
	}
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it took %s: the grace was waited for", took)
	}
}

func TestTheEndOfTheContextStopsAndUndoes(t *testing.T) {
	w := newWorld(t)
	gone := errors.New("nobody waits")
	ctx, cancel := contextWithCause(t)
	to := &watcher{onLog: func(engine.LogEntry) { cancel(gone) }}
	e, err := runOnce(ctx, w.plugin, w.base, request{
		args: map[string]any{"files": []string{w.file("a")}, "then": "wait"}, to: to,
	})
	if err != nil || e.Outcome != engine.Halted || e.Reason != gone.Error() || e.Left != 0 || w.has("a") {
		t.Errorf("the ending is %+v, %v", e, err)
	}
}

func TestARecordIsDurableBeforeTheHarm(t *testing.T) {
	w := newWorld(t)
	to := &watcher{}
	looked := false
	to.onLog = func(engine.LogEntry) {
		looked = true
		for _, path := range []string{"records/1.json", "run.json"} {
			info, err := os.Stat(filepath.Join(to.folder, path))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", path, info, err)
			}
		}
		if info, err := os.Stat(to.folder); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder: %v, %v", info, err)
		}
	}
	if _, err := w.run(request{args: map[string]any{"files": []string{w.file("a")}}, to: to, back: true}); err != nil || !looked {
		t.Errorf("looked: %v, %v", looked, err)
	}
}

func TestNoHarmWhenTheRecordCannotBeStored(t *testing.T) {
	w := newWorld(t)
	to := &watcher{}
	to.onStart = func() {
		if err := os.RemoveAll(filepath.Join(to.folder, recordsName)); err != nil {
			t.Error(err)
		}
	}
	e, err := w.run(request{args: map[string]any{"files": []string{w.file("a")}}, to: to})
	if err != nil || e.Outcome != engine.Failed || len(e.Records) != 0 || w.has("a") {
		t.Errorf("the ending is %+v, %v", e, err)
	}
	if !strings.Contains(to.text(), "error cmed an undo record could not be stored: store undo record 1") {
		t.Errorf("it said\n%s", to.text())
	}
}

func TestADryRunLeavesNothing(t *testing.T) {
	w := newWorld(t)
	e, err := w.run(request{args: map[string]any{"files": []string{w.file("a")}}, dry: true})
	if err != nil || e.Outcome != engine.Succeeded || !e.DryRun || len(e.Records) != 0 || w.has("a") || len(w.folders()) != 0 {
		t.Errorf("the ending is %+v, %v", e, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name    string
		request request
		want    string
	}{
		{
			"a dry run that is not declared",
			request{ref: "blunt:Blunt", dry: true},
			"blunt:Blunt does not declare a dry run: it would do harm. Its author declares one with Info.DryRun",
		},
		{"args that don't fit", request{args: map[string]any{"file": 1, "then": "go"}}, "the config does not fit files:Make:\n" +
			"  /args/file: 'file' is not a known property; did you mean 'files'?\n  /args/then: "},
		{
			"args that the attack refuses",
			request{args: map[string]any{"refuse": true, "secret": "hunter2"}},
			"the config does not fit files:Make:\n  /args/refuse: is refused, [redacted]",
		},
		{
			"an unknown ref",
			request{ref: "files:Mkae"},
			"unknown attack \"files:Mkae\"; did you mean files:Make?\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.request.args == nil {
				test.request.args = map[string]any{}
			}
			_, err := w.run(test.request)
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if len(w.folders()) != 0 {
				t.Errorf("left: %v", w.folders())
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	w := newWorld(t)
	to := &watcher{}
	e, err := w.run(request{to: to, back: true, args: map[string]any{
		"files": []string{w.file("a"), w.file("b"), w.file("c")}, "then": "fail", "secret": "hunter2-hunter2", "gate": w.file("no"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	shown := to.text() + e.Reason + string(e.Result) + e.Failure.Message
	for _, r := range e.Records {
		shown += r.Description + r.Message
	}
	for _, target := range e.Targets {
		shown += target.Name
	}
	left, err := Leftovers(w.base)
	if err != nil || len(left) != 1 {
		t.Fatalf("%+v, %v", left, err)
	}
	shown += left[0].Records[0].Description + left[0].Records[0].Message
	if strings.Contains(shown, "hunter") || strings.Count(shown, "[redacted]") < 12 {
		t.Errorf("it shows\n%s", shown)
	}
}

func TestAFileThatIsNoPluginIsExplained(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.plugin, []byte("#!/bin/sh\necho no plugin >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := w.run(request{})
	if err == nil || engine.CodeOf(err) == engine.CodeInvalid || !strings.Contains(err.Error(), "is broken: ") ||
		!strings.Contains(err.Error(), "stderr: no plugin") {
		t.Errorf("it says %v", err)
	}
	if _, err := runOnce(t.Context(), w.file("none"), w.base, request{}); engine.CodeOf(err) != engine.CodeInvalid {
		t.Errorf("of none it says %v", err)
	}
	if len(w.folders()) != 0 {
		t.Errorf("left: %v", w.folders())
	}
}

// What a plugin would offer too, but can't, may be what is looked for.
func TestAnUnknownRefIsExplainedByWarnings(t *testing.T) {
	const offer = `{"ref":"a:A","kind":"attack","schema":{"type":"object"},"examples":[{"ref":"a:A","args":{}}]}`
	for offers, want := range map[string]string{
		offer: "unknown attack \"a:B\"; did you mean a:A?\n%[1]s offers:\n  a:A  attack\nit can't offer everything that it has:\n  b.py: line 3",
		"":    "%[1]s offers nothing at the moment\nit can't offer everything that it has:\n  b.py: line 3",
	} {
		w := newWorld(t)
		w.plugin = filepath.Join(t.TempDir(), "old")
		script := "#!/bin/sh\necho '" + `{"protocol":1,"offers":[` + offers + `],"watch":["x"],"warnings":["b.py: line 3"]}` + "'\n"
		if err := os.WriteFile(w.plugin, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		p, err := Open(t.Context(), w.plugin, w.base, "a:B", hosting(), nil, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Find("a:B")
		if want := fmt.Sprintf(want, w.plugin); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
