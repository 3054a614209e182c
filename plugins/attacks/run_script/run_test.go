package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestAScriptRuns(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", `echo "$1|$2|$SECRET|$SEEN|$CMED_JOB"; echo oops >&2; printf 'half\r whole\nno end'; pwd >/dev/null`)
		args := w.args(`{"args": ["a b", "$c"], "env": {"SEEN": "it's seen"}, "secret_env": {"SECRET": "it's a secret"}}`)
		d := newFakeDaemon()
		d.onRecord = w.isClean // nothing was done before
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		expect(t, "stdout", d.printed(t, "stdout"), []string{"a b|$c|[redacted]|it's seen|" + jobID + "-1", " whole", "no end"})
		expect(t, "stderr", d.printed(t, "stderr"), []string{"oops"})
		expect(t, "states", d.states(), []string{"selected", "running", "hit"})
		if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone}) {
			t.Errorf("the record: %q", got)
		}
		doc := d.document(t)
		if len(doc.Nodes) != 1 || *doc.Nodes[0].Status != 0 || doc.Nodes[0].StderrBytes != 5 || doc.Nodes[0].ID != w.Addr ||
			doc.Seed != 7 || doc.Provider != "hosts" || !slices.Equal(doc.Chosen, []string{w.Addr}) || doc.Script.Name != "main.sh" {
			t.Errorf("the result: %+v", doc)
		}
		w.isClean()
		// What an undo finds after all, it leaves.
		w.undoIs(d, args, sdk.NothingToDo)
	})
}

// Neither the record nor what is said has any of the credentials.
func TestSecretsStayInside(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "exit 3")
	w.script("undo.sh", "true")
	args := w.args(`{"secret_env": {"TOKEN": "secret-of-env"}, "undo_script": "undo.sh"}`)
	args.SSH.PEM = string(w.LockedKey(t, "secret-phrase"))
	args.SSH.Passphrase = "secret-phrase"
	d := newFakeDaemon()
	err := w.attack.run(t.Context(), args, d)
	if err == nil {
		t.Fatal("the run has succeeded")
	}
	everything := err.Error() + d.text() + string(d.result) + string(d.records[0].doc) + d.records[0].description
	for _, secret := range []string{"secret-", "PRIVATE KEY", args.SSH.PEM[100:140]} {
		if strings.Contains(everything, secret) {
			t.Errorf("%q stands in %s", secret, everything)
		}
	}
}

func TestAScriptFails(t *testing.T) {
	for rule, c := range map[string]struct{ script, more, want string }{
		"by its status":          {"echo 'no such thing' >&2; exit 3", "", "the script ended with status 3: no such thing"},
		"by a signal":            {"kill -KILL $$", "", "the script was ended by SIGKILL"},
		"by its timeout":         {"echo on; sleep 1000", `{"timeout": "300ms"}`, "the script ran longer than 300ms: it was ended, because its timeout is over"},
		"though it ignores TERM": {"trap '' TERM; while :; do sleep 1; done", `{"timeout": 0.3}`, "the script ran longer than 300ms: it was ended, because its timeout is over"},
	} {
		t.Run(rule, func(t *testing.T) {
			eachServer(t, func(t *testing.T, w *world) {
				w.script("main.sh", c.script)
				d := newFakeDaemon()
				d.grace = time.Second
				err := w.attack.run(t.Context(), w.args(c.more), d)
				if err == nil || err.Error() != w.Addr+": "+c.want {
					t.Errorf("the run failed with %v, want %s", err, c.want)
				}
				expect(t, "states", d.states(), []string{"selected", "running", "failed"})
				if words := d.records[0].message; c.more != "" && !strings.Contains(words, "what was running was ended") {
					t.Errorf("the record says %q", words)
				}
				if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone}) {
					t.Errorf("the record: %q", got)
				}
				w.isClean()
			})
		})
	}
}

// halt stops a run once its script has printed a line, and returns its error.
func (w *world) halt(d *fakeDaemon, args scriptArgs, line string) error {
	w.t.Helper()
	ctx, stop := context.WithCancelCause(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.attack.run(ctx, args, d) }()
	d.saw(w.t, line)
	stop(&sdk.StopError{Cause: sdk.Halted, Reason: "enough"})
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		w.t.Fatal("the run doesn't end")
		return nil
	}
}

func TestAStopEndsTheScript(t *testing.T) {
	for rule, script := range map[string]string{
		"one that sleeps":         "echo on; sleep 1000",
		"one that ignores TERM":   "trap '' TERM; echo on; while :; do sleep 1; done",
		"one that floods":         "echo on; while :; do echo y; done",
		"one with a child":        "sleep 1000 & echo on; wait",
		"one that left its group": "setsid sleep 1000 >/dev/null 2>&1 & echo on; wait",
	} {
		t.Run(rule, func(t *testing.T) {
			eachServer(t, func(t *testing.T, w *world) {
				w.script("main.sh", script)
				d := newFakeDaemon()
				err := w.halt(d, w.args(""), "on")
				if _, stopped := errors.AsType[*sdk.StopError](err); !stopped {
					t.Errorf("the run ended with %v", err)
				}
				expect(t, "states", d.states(), []string{"selected", "running", "stopped"})
				if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone}) {
					t.Errorf("the record: %q\n%s", got, d.text()[max(0, len(d.text())-2000):])
				}
				if text := d.text(); strings.Contains(text, `"ERROR"`) || !strings.Contains(text, "the attack on the machine was stopped") {
					t.Errorf("a halt that was asked for: %s", text[max(0, len(text)-2000):])
				}
				w.isClean()
			})
		})
	}
}

func TestAStopRunsTheUndoScript(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm; echo on; sleep 1000")
		w.script("undo.sh", `rm TREE/harm; echo "$CMED_UNDO|$CMED_UNDO_JOB|$NAME|$1"`)
		d := newFakeDaemon()
		err := w.halt(d, w.args(`{"undo_script": "undo.sh", "secret_env": {"NAME": "value"}, "args": ["one"]}`), "on")
		if err == nil {
			t.Error("a halted run has succeeded")
		}
		expect(t, "stdout", d.printed(t, "stdout"), []string{"on", "1|" + jobID + "-1|[redacted]|one"})
		if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone}) {
			t.Errorf("the record: %q\n%s", got, d.text())
		}
		w.isClean()
	})
}

// Until somebody asks, the effect of a success stays; then a fresh process takes
// it back, by the script as it was.
func TestAnEffectStaysUntilTheUndo(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm; sleep 1000 >/dev/null 2>&1 & echo on")
		w.script("undo.sh", "rm -f TREE/harm")
		args := w.args(`{"undo_script": "undo.sh"}`)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{""}) || !w.exists("harm") || len(w.Processes()) == 0 {
			t.Errorf("the record: %q, the harm: %t, %d processes", got, w.exists("harm"), len(w.Processes()))
		}
		w.script("undo.sh", "exit 9")
		w.script("main.sh", "exit 9")
		w.undoIs(d, args, sdk.Undone)
		w.isClean()
		w.undoIs(d, args, sdk.Undone) // and again
		w.isClean()
	})
}

func TestAnUndoAtOnce(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "touch TREE/harm")
	w.script("undo.sh", "rm TREE/harm")
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), w.args(`{"undo_script": "undo.sh", "undo_after": "0s"}`), d); err != nil {
		t.Fatal(err)
	}
	if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone}) {
		t.Errorf("the record: %q", got)
	}
	w.isClean()
}

func TestAnUndoLater(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "touch TREE/harm")
	w.script("undo.sh", "rm TREE/harm")
	args := w.args(`{"undo_script": "undo.sh", "undo_after": "1h"}`)
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.NothingToDo, ""}) {
		t.Errorf("the records: %q", got)
	}
	if at := time.Until(d.records[1].undoAt); at < 59*time.Minute || at > time.Hour || !d.records[0].undoAt.IsZero() {
		t.Errorf("the second record is due in %s", at)
	}
	w.undoIs(d, args, sdk.Undone)
	w.isClean()
}

// A script that failed may have done half of its harm. Whether that is taken back
// is the plan's to say, so the record stays open.
func TestAFailureLeavesTheUndoToTheDaemon(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "touch TREE/harm; exit 1")
	w.script("undo.sh", "rm TREE/harm")
	args := w.args(`{"undo_script": "undo.sh", "undo_after": "0s"}`)
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err == nil {
		t.Error("the run has succeeded")
	}
	if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{""}) {
		t.Errorf("the record: %q", got)
	}
	w.undoIs(d, args, sdk.Undone)
	w.isClean()
}

func TestNothingIsDoneWithoutARecord(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm")
		d := newFakeDaemon()
		d.refuse = errors.New("the store is full")
		if err := w.attack.run(t.Context(), w.args(""), d); !errors.Is(err, d.refuse) && !strings.Contains(err.Error(), "the store is full") {
			t.Errorf("the run ended with %v", err)
		}
		w.isClean()
	})
}

func TestWhatLiesInTheWayStays(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm")
		w.remote = filepath.Join(w.tree, "precious")
		if err := os.WriteFile(w.remote, []byte("data"), 0o600); err != nil {
			t.Fatal(err)
		}
		d := newFakeDaemon()
		err := w.attack.run(t.Context(), w.args(""), d)
		if err == nil || !strings.Contains(err.Error(), "something else lies at the script's path") {
			t.Errorf("the run ended with %v", err)
		}
		if text, err := os.ReadFile(w.remote); err != nil || string(text) != "data" {
			t.Errorf("the file is %q, %v", text, err)
		}
		if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.NothingToDo}) {
			t.Errorf("the record: %q", got)
		}
		if err := os.Remove(w.remote); err != nil {
			t.Fatal(err)
		}
		w.isClean()
	})
}

func TestWhatAScriptLeavesRunningIsEnded(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "sleep 1000 >/dev/null 2>&1 &\nsetsid sleep 1000 >/dev/null 2>&1 &\necho on")
		if err := w.attack.run(t.Context(), w.args(""), newFakeDaemon()); err != nil {
			t.Fatal(err)
		}
		w.isClean()
	})
}

func TestWithoutCleanupTheScriptStays(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "echo on")
		args := w.args(`{"cleanup": false}`)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		w.undoIs(d, args, sdk.NothingToDo)
		if !w.exists("chaos/script") {
			t.Error("the script is gone")
		}
		if err := os.RemoveAll(filepath.Join(w.tree, "chaos")); err != nil {
			t.Fatal(err)
		}
		w.isClean()
	})
}

func TestTheDefaultPathIsAFileOfItsOwn(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", `echo "$0"`)
	w.remote = ""
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), w.args(""), d); err != nil {
		t.Fatal(err)
	}
	want := "/tmp/cmed-" + jobID + "-1.sh"
	expect(t, "stdout", d.printed(t, "stdout"), []string{want})
	if _, err := os.Stat(want); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", want, err)
	}
	w.isClean()
}

func TestAFloodIsBounded(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "head -c 1000000 /dev/zero; echo; yes | head -n 5000")
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), w.args(""), d); err != nil {
			t.Fatal(err)
		}
		lines := d.printed(t, "stdout")
		if len(lines) != 5001 || len(lines[0]) > longestLine+len("…") || lines[5000] != "y" {
			t.Errorf("%d lines, the first of %d bytes", len(lines), len(lines[0]))
		}
		if doc := d.document(t); doc.Nodes[0].StdoutBytes != 1000001+10000 {
			t.Errorf("%d bytes", doc.Nodes[0].StdoutBytes)
		}
		w.isClean()
	})
}

func TestADryRunLogsInAndNoMore(t *testing.T) {
	server := sshtest.Start(t, sshtest.Options{})
	w := newWorld(t, server.Access)
	w.script("main.sh", "touch TREE/harm")
	for _, how := range []string{"plan", "args"} {
		d := newFakeDaemon()
		args := w.args("")
		d.dryRun, args.DryRun = how == "plan", how == "args"
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(d.text(), "dry run: the login works; the script is not run") || !d.document(t).DryRun || len(d.records) != 0 || server.Runs() != 0 {
			t.Errorf("%s: %d records, %d commands, %s", how, len(d.records), server.Runs(), d.text())
		}
		expect(t, "states", d.states(), []string{"selected", "selected"})
	}
	other := sshtest.Start(t, sshtest.Options{})
	for rule, change := range map[string]func(args *scriptArgs){
		"a missing script":    func(args *scriptArgs) { args.LocalScript = "missing.sh" },
		"another host key":    func(args *scriptArgs) { args.SSH.HostKey = string(ssh.MarshalAuthorizedKey(other.HostKeys[0])) },
		"a key not let in":    func(args *scriptArgs) { args.SSH.PEM = string(other.ClientKey) },
		"nobody who listens":  func(args *scriptArgs) { args.Hosts = []host{{Host: "127.0.0.1", Port: closedPort(t)}} },
		"an unknown machine":  func(args *scriptArgs) { args.SSH.HostKey, args.SSH.KnownHosts = "", []string{os.DevNull} },
		"a file that is none": func(args *scriptArgs) { args.SSH.PEM, args.SSH.KeyFile = "", "/nowhere" },
	} {
		args := w.args("")
		change(&args)
		genuine := w.attack.run(t.Context(), args, newFakeDaemon())
		d := newFakeDaemon()
		d.dryRun = true
		err := w.attack.run(t.Context(), args, d)
		if err == nil || genuine == nil || err.Error() != genuine.Error() {
			t.Errorf("%s: a dry run ends with %v, a run with %v", rule, err, genuine)
		}
	}
	w.isClean()
}

// Two runs may have the same script at the same path.
func TestTwoRunsWithTheSameScript(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "touch TREE/harm; echo on; [ -e TREE/go ] || sleep 1000")
	w.script("undo.sh", "rm -f TREE/harm")
	args := w.args(`{"undo_script": "undo.sh"}`)
	first, second := newFakeDaemon(), newFakeDaemon()
	second.id = "1190a1b2c3d47e5f8091a2b3c4d5e6f7"
	firstEnded := w.background(t.Context(), first, args)
	first.saw(t, "on")
	secondEnded := w.background(t.Context(), second, args)
	second.saw(t, "on")
	w.undoIs(first, args, sdk.Undone)
	<-firstEnded
	for _, name := range []string{w.remote, w.remote + ".undo"} {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the other run's: %v", err)
		}
	}
	w.undoIs(second, args, sdk.Undone)
	<-secondEnded
	w.isClean()
}
