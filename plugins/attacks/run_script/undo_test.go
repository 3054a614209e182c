package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// background runs the attack while a test does something else.
func (w *world) background(ctx context.Context, d *fakeDaemon, args scriptArgs) (ended <-chan error) {
	errs := make(chan error, 1)
	go func() { errs <- w.attack.run(ctx, args, d) }()
	return errs
}

// The process of a run may be gone, or hang, while its script goes on.
func TestAnUndoEndsARunningScript(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "trap '' HUP; touch TREE/harm; echo on; sleep 1000 & wait")
		w.script("undo.sh", "rm TREE/harm")
		args := w.args(`{"undo_script": "undo.sh"}`)
		d := newFakeDaemon()
		ended := w.background(t.Context(), d, args)
		d.saw(t, "on")
		w.undoIs(d, args, sdk.Undone)
		if err := <-ended; err == nil {
			t.Error("the script that was ended has succeeded")
		}
		w.isClean()
	})
}

// The harm may never have happened: the record comes before the upload.
func TestAnUndoOfNothing(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm")
		args := w.args("")
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		r := d.last(t)
		r.Job = "never-run-1"
		outcome, _, err := w.attack.undo(t.Context(), args, r, d.Log())
		if outcome != sdk.NothingToDo || err != nil {
			t.Errorf("the undo came to %q, %v", outcome, err)
		}
		if err := os.Remove(filepath.Join(w.tree, "harm")); err != nil {
			t.Fatal(err)
		}
		w.isClean()
	})
}

func TestAChangedScriptStays(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "echo on; sleep 1000")
		w.script("undo.sh", "true")
		args := w.args(`{"undo_script": "undo.sh"}`)
		d := newFakeDaemon()
		ended := w.background(t.Context(), d, args)
		d.saw(t, "on")
		if err := os.WriteFile(w.remote, []byte("somebody's"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.undoIs(d, args, sdk.NotMine)
		<-ended
		if text, err := os.ReadFile(w.remote); err != nil || string(text) != "somebody's" {
			t.Errorf("the file is %q, %v", text, err)
		}
		w.isIdle()
	})
}

func TestAnUndoThatCanNotGetThere(t *testing.T) {
	server := sshtest.Start(t, sshtest.Options{})
	w := newWorld(t, server.Access)
	w.script("main.sh", "touch TREE/harm")
	w.script("undo.sh", "rm TREE/harm")
	args := w.args(`{"undo_script": "undo.sh"}`)
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule   string
		change func(args *scriptArgs, r *record)
		want   sdk.Outcome
		kind   error
	}{
		{"nobody listens", func(_ *scriptArgs, r *record) { r.Address = "127.0.0.1:1" }, sdk.Retry, remote.ErrUnreachable},
		{"another host key", func(args *scriptArgs, _ *record) {
			args.SSH.HostKey = string(ssh.MarshalAuthorizedKey(sshtest.NewKey(t, ssh.KeyAlgoED25519).PublicKey()))
		}, sdk.Failed, remote.ErrHostKey},
		{"another user's key", func(args *scriptArgs, _ *record) {
			args.SSH.PEM = string(sshtest.Start(t, sshtest.Options{}).ClientKey)
		}, sdk.Failed, remote.ErrLogin},
		{"no key any more", func(args *scriptArgs, _ *record) { args.SSH.PEM, args.SSH.KeyFile = "", "/nowhere/key" }, sdk.Failed, os.ErrNotExist},
	} {
		changed, r := args, d.last(t)
		c.change(&changed, &r)
		got, _, err := w.attack.undo(t.Context(), changed, r, d.Log())
		if got != c.want || !errors.Is(err, c.kind) || !w.exists("harm") {
			t.Errorf("%s: %q, %v; want %q, %v", c.rule, got, err, c.want, c.kind)
		}
	}
	w.undoIs(d, args, sdk.Undone)
	w.isClean()
}

func TestAnUndoScriptThatFails(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm TREE/jammed")
		w.script("undo.sh", "[ ! -e TREE/jammed ] || { echo 'it is jammed' >&2; exit 4; }; rm TREE/harm")
		args := w.args(`{"undo_script": "undo.sh"}`)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		outcome, err := w.undo(d, args)
		if want := "the undo script did not succeed: the script ended with status 4: it is jammed"; outcome != sdk.Failed || err == nil || err.Error() != want {
			t.Errorf("%q, %v; want %s", outcome, err, want)
		}
		if err := os.Remove(filepath.Join(w.tree, "jammed")); err != nil {
			t.Fatal(err)
		}
		w.undoIs(d, args, sdk.Undone)
		w.isClean()
	})
}

// An attempt that ends half-way leaves its own script to the next.
func TestAnUndoThatIsCutOff(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm")
		w.script("undo.sh", "[ -e TREE/second ] || { touch TREE/second; echo waiting; sleep 1000; }; rm TREE/harm TREE/second")
		args := w.args(`{"undo_script": "undo.sh"}`)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		type result struct {
			outcome sdk.Outcome
			err     error
		}
		first := make(chan result, 1)
		ctx, stop := context.WithCancelCause(t.Context())
		go func() {
			outcome, _, err := w.attack.undo(ctx, args, d.last(t), d.Log())
			first <- result{outcome, err}
		}()
		await(t, "the undo script", func() bool { return w.exists("second") })
		stop(&sdk.StopError{Cause: sdk.HostGone})
		if got := <-first; got.outcome != sdk.Retry || got.err == nil {
			t.Errorf("the first attempt: %q, %v", got.outcome, got.err)
		}
		w.undoIs(d, args, sdk.Undone)
		w.isClean()
	})
}

// A script that has no room in the record is compared with that in the folder.
func TestAScriptTooLargeForTheRecord(t *testing.T) {
	noise := make([]byte, 200<<10)
	_, _ = rand.Read(noise) // never fails
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	main := append([]byte("#!/bin/sh\necho on\nexit 0\n"), noise...)
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(w.scripts, "main.sh"), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.script("undo.sh", "# "+strings.Repeat("x", 1000))
	args := w.args(`{"undo_script": "undo.sh"}`)
	for _, changed := range []bool{false, true} {
		write(main)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err != nil {
			t.Fatal(err)
		}
		if r := d.last(t); r.Script.Gzip != nil || len(d.records[0].doc) > 64<<10 {
			t.Errorf("the record has %d bytes", len(d.records[0].doc))
		}
		if changed {
			write(append(main, '\n'))
			w.undoIs(d, args, sdk.NotMine)
			if content, err := os.ReadFile(w.remote); err != nil || !bytes.Equal(content, main) {
				t.Errorf("%d bytes are left, %v", len(content), err)
			}
			continue
		}
		w.undoIs(d, args, sdk.Undone)
		w.isClean()
	}
}

func TestALargestRecordIsTaken(t *testing.T) {
	undo := make([]byte, longestUndoScript)
	_, _ = rand.Read(undo) // never fails
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "touch TREE/harm")
	if err := os.WriteFile(filepath.Join(w.scripts, "undo.sh"), append([]byte("#!/bin/sh\nexit\n"), undo[15:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	args := w.args(`{"undo_script": "undo.sh", "remote_script": "` + w.tree + "/" + strings.Repeat("x", 200) + `"}`)
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	if size := len(d.records[0].doc); size > 60<<10 {
		t.Errorf("the record has %d bytes", size)
	}
	w.undoIs(d, args, sdk.Undone)
}

// What keeps the undo script from being put on the machine is known before the
// harm is done.
func TestNoHarmWhoseUndoScriptHasNoPlace(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.script("main.sh", "touch TREE/harm")
		w.script("undo.sh", "rm TREE/harm")
		for rule, path := range map[string]string{
			"something lies there": filepath.Join(w.tree, "script"), "the name is too long": filepath.Join(w.tree, strings.Repeat("x", 252)),
		} {
			if err := os.WriteFile(filepath.Join(w.tree, "script.undo"), []byte("somebody's"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := newFakeDaemon()
			if err := w.attack.run(t.Context(), w.args(`{"undo_script": "undo.sh", "remote_script": "`+path+`"}`), d); err == nil || w.exists("harm") {
				t.Errorf("%s: the run ended with %v; the harm is done: %t", rule, err, w.exists("harm"))
			}
			if err := os.Remove(filepath.Join(w.tree, "script.undo")); err != nil {
				t.Fatal(err)
			}
			w.isClean()
		}
	})
}
