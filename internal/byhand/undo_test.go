package byhand

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}

// kill ends a child at once, as a crash does.
func kill(t *testing.T, c child, word string) {
	t.Helper()
	cmd := c.begin(t, word)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it ended well")
	}
}

func TestSIGKILLInTheMiddleLosesNothing(t *testing.T) {
	w := newWorld(t)
	for _, then := range []string{"wait", "hang"} {
		t.Run(then, func(t *testing.T) {
			w.t = t
			kill(t, child{w.plugin, w.base, map[string]any{"files": []string{w.file("a")}, "then": then}}, "made")
			if !w.has("a") {
				t.Fatal("there was no harm")
			}
			folder := w.only()
			settled, err := w.undo(folder, &watcher{}, undoing, nil)
			if err != nil || settled.Left != 0 || settled.Records[0].Outcome != engine.OutcomeUndone {
				t.Errorf("settled %+v, %v", settled, err)
			}
			if w.has("a") || len(w.folders()) != 0 {
				t.Errorf("left: %v %v", w.has("a"), w.folders())
			}
		})
	}
}

func TestARunThatWasCutOffBeforeItsHarmIsCleanedUp(t *testing.T) {
	w := newWorld(t)
	kill(t, child{w.plugin, w.base, map[string]any{"then": "wait"}}, "made")
	left, err := Leftovers(w.base)
	if err != nil || len(left) != 1 || left[0].Left != 0 || left[0].InUse {
		t.Errorf("left over: %+v, %v", left, err)
	}
	settled, err := w.undo(w.only(), &watcher{}, undoing, nil)
	if err != nil || len(settled.Records) != 0 || len(w.folders()) != 0 {
		t.Errorf("settled %+v, %v; %v", settled, err, w.folders())
	}
}

func TestAFolderBelongsToOne(t *testing.T) {
	w := newWorld(t)
	to := &watcher{}
	looked := false
	to.onLog = func(engine.LogEntry) {
		looked = true
		if _, err := Undo(context.Background(), to.folder, undoing, nil, &watcher{}, hclog.NewNullLogger()); !errors.Is(err, ErrInUse) {
			t.Errorf("undone while it runs: %v", err)
		}
		left, err := Leftovers(w.base)
		if err != nil || len(left) != 1 || !left[0].InUse {
			t.Errorf("left over while it runs: %+v, %v", left, err)
		}
	}
	if _, err := w.run(request{args: map[string]any{"files": []string{w.file("a")}}, to: to, back: true}); err != nil || !looked {
		t.Errorf("looked: %v, %v", looked, err)
	}
}

func TestWhatCannotBeUndoneIsKept(t *testing.T) {
	w := newWorld(t)
	gate := w.file("gate")
	to := &watcher{}
	e, err := w.run(request{
		args: map[string]any{"files": []string{w.file("a"), w.file("b")}, "then": "fail", "gate": gate},
		to:   to, undoing: Undoing{Timeout: patience, Attempts: 2},
	})
	if err != nil || e.Outcome != engine.Failed || e.Left != 2 || !e.Undone || e.Folder != w.only() {
		t.Fatalf("the ending is %+v, %v", e, err)
	}
	for _, want := range []string{
		"undoing 2 attempt 1", "undone 2: retry the gate is closed  pause 1s",
		"undoing 1 attempt 2", "undone 1: retry the gate is closed  pause 0s",
	} {
		if !strings.Contains(to.text(), want) {
			t.Errorf("it did not say %q:\n%s", want, to.text())
		}
	}
	if e.Records[0].State != engine.RecordFailed || e.Records[0].Attempts != 2 {
		t.Errorf("the record is %+v", e.Records[0])
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	settled, err := w.undo(e.Folder, to, undoing, nil)
	if err != nil || settled.Left != 0 || w.has("a") || w.has("b") || len(w.folders()) != 0 {
		t.Errorf("settled %+v, %v", settled, err)
	}
}

func TestAnInterruptionLeavesTheUndoForLater(t *testing.T) {
	w := newWorld(t)
	interrupts := make(chan error, 1)
	to := &watcher{onLog: func(e engine.LogEntry) {
		if e.Message == "waits at the gate" {
			interrupts <- errors.New("enough")
		}
	}}
	begun := time.Now()
	e, err := w.run(request{
		args: map[string]any{"files": []string{w.file("a"), w.file("b")}, "gate": w.file("gate"), "stuck": true},
		to:   to, back: true, interrupts: interrupts, undoing: Undoing{Timeout: patience, Attempts: 3},
	})
	if err != nil || e.Outcome != engine.Succeeded || e.Left != 2 || !w.has("a") {
		t.Fatalf("the ending is %+v, %v", e, err)
	}
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it took %s", took)
	}
	if e.Records[1].State != engine.RecordOpen || e.Records[1].Attempts != 0 {
		t.Errorf("an interrupted attempt counts: %+v", e.Records[1])
	}
	if strings.Contains(to.text(), "undoing 1") {
		t.Errorf("it went on:\n%s", to.text())
	}
	if err := os.WriteFile(w.file("gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if settled, err := w.undo(w.only(), to, undoing, nil); err != nil || settled.Left != 0 {
		t.Errorf("settled %+v, %v", settled, err)
	}
}

func TestAReplacedPluginIsUndoneByTheOldOne(t *testing.T) {
	w := newWorld(t)
	e, err := w.run(request{args: map[string]any{"files": []string{w.file("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.plugin, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if settled, err := w.undo(e.Folder, &watcher{}, undoing, nil); err != nil || settled.Left != 0 || w.has("a") {
		t.Errorf("settled %+v, %v", settled, err)
	}
}

func TestPlan(t *testing.T) {
	w := newWorld(t)
	p, err := Open(t.Context(), w.plugin, w.base, "twice:Twice", hosting(), nil, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	offer, err := p.Find("twice:Twice")
	if err != nil || offer.Kind != engine.KindPlanner {
		t.Fatalf("%+v, %v", offer, err)
	}
	config, err := ConfigOf(offer, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	attack := engine.Config{Ref: "a:B", Doc: json.RawMessage(`{"ref": "a:B"}`)}
	planned, err := p.Plan(t.Context(), Call{Offer: offer, Config: config, Name: "mine", Zone: "UTC"}, attack, nil)
	if err != nil || len(planned.Executions) != 2 || !planned.ZoneUsed || planned.Executions[0].Name != "mine" ||
		string(planned.Executions[1].Args) != `{"of":"a:B"}` {
		t.Errorf("planned %+v, %v", planned, err)
	}
	if err := p.Close(); err != nil || len(w.folders()) != 0 {
		t.Errorf("left: %v, %v", w.folders(), err)
	}
}

func TestWholeConfigsAndAliases(t *testing.T) {
	w := newWorld(t)
	p, err := Open(t.Context(), w.plugin, w.base, "", hosting(), nil, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	offer, err := p.Find("files.Create")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ConfigOf(offer, nil, json.RawMessage(`{"ref": "files.Create", "args": {"then": "fail"}}`))
	if err != nil || c.Ref != "files:Make" || !strings.Contains(string(c.Doc), `"ref":"files:Make"`) {
		t.Errorf("config %s %s, %v", c.Ref, c.Doc, err)
	}
	for _, bad := range []string{`[]`, `null`, `"x"`, `{"ref": 1}`} {
		if _, err := ConfigOf(offer, nil, json.RawMessage(bad)); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := p.Find(""); err == nil || !strings.Contains(err.Error(), "\n  files:Make   attack: Makes files\n  twice:Twice  planner") {
		t.Errorf("without a ref: %v", err)
	}
}

func TestDefaultBase(t *testing.T) {
	for _, test := range []struct{ state, home, want string }{
		{"/state", "/home/a", "/state/cmed/byhand"},
		{"", "/home/a", "/home/a/.local/state/cmed/byhand"},
		{"relative", "/home/a", "/home/a/.local/state/cmed/byhand"},
		{"", "", ""},
	} {
		got, err := DefaultBase(func(name string) string {
			return map[string]string{"XDG_STATE_HOME": test.state, "HOME": test.home}[name]
		})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
}
