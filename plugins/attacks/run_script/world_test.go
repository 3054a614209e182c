package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// patience bounds every wait of the tests for something that must happen.
const patience = 30 * time.Second

// world is a machine with an SSH server, and a scripts folder.
type world struct {
	t *testing.T
	sshtest.Access
	scripts string
	// tree is a folder of the machine; remote is where a script is put in it.
	tree, remote string
	attack       attack
	cloud        *cloud
}

// eachServer runs a test against a server in this process and a real OpenSSH.
func eachServer(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("in process", func(t *testing.T) { test(t, newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)) })
	t.Run("OpenSSH", func(t *testing.T) { test(t, newWorld(t, sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access)) })
}

func newWorld(t *testing.T, access sshtest.Access) *world {
	t.Helper()
	tree := t.TempDir()
	w := &world{t: t, Access: access, scripts: t.TempDir(), tree: tree, remote: filepath.Join(tree, "chaos", "script")}
	w.cloud = &cloud{}
	w.attack = attack{targeting: w.cloud.targeting()}
	t.Setenv(pluginv1.EnvScripts, w.scripts)
	t.Setenv("HOME", t.TempDir())
	return w
}

// script puts a shell script into the scripts folder. TREE in it is the machine's
// folder.
func (w *world) script(name, text string) {
	w.t.Helper()
	text = "#!/bin/sh\n" + strings.ReplaceAll(text, "TREE", w.tree) + "\n"
	if err := os.WriteFile(filepath.Join(w.scripts, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// args are those for the machine, with the script main.sh, changed by more.
func (w *world) args(more string) scriptArgs {
	w.t.Helper()
	doc := map[string]any{
		"hosts": []string{w.Addr}, "local_script": "main.sh", "remote_script": w.remote,
		"ssh": map[string]any{
			"user": w.User, "pem": base64.StdEncoding.EncodeToString(w.ClientKey),
			"host_key": strings.TrimSpace(string(ssh.MarshalAuthorizedKey(w.HostKeys[0]))),
		},
	}
	return readArgs(w.t, doc, more)
}

// readArgs reads args from a document that is changed by a JSON object.
func readArgs(t *testing.T, doc map[string]any, more string) scriptArgs {
	t.Helper()
	if more != "" {
		if err := json.Unmarshal([]byte(more), &doc); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var args scriptArgs
	if err := json.Unmarshal(text, &args); err != nil {
		t.Fatal(err)
	}
	return args
}

// isClean fails the test unless nothing is left on the machine.
func (w *world) isClean() {
	w.t.Helper()
	for _, folder := range []string{w.tree, w.Home} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, entry := range entries {
			w.t.Errorf("%s is left on the machine", filepath.Join(folder, entry.Name()))
		}
	}
	w.isIdle()
}

// isIdle fails the test unless nothing runs on the machine any more.
func (w *world) isIdle() {
	w.t.Helper()
	await(w.t, "the end of what ran on the machine", func() bool { return len(w.Processes()) == 0 })
}

func (w *world) exists(name string) bool {
	_, err := os.Stat(filepath.Join(w.tree, name))
	return err == nil
}

// await polls until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// undo undoes the newest record in a process of its own, as it were.
func (w *world) undo(d *fakeDaemon, args scriptArgs) (sdk.Outcome, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	outcome, _, err := w.attack.undo(ctx, args, d.last(w.t), d.Log())
	return outcome, err
}

// undoIs fails the test unless an undo comes to the outcome.
func (w *world) undoIs(d *fakeDaemon, args scriptArgs, want sdk.Outcome) {
	w.t.Helper()
	if got, err := w.undo(d, args); got != want || err != nil {
		w.t.Errorf("the undo came to %q, %v; want %q", got, err, want)
	}
}

// toMap is a document as a map.
func toMap(t *testing.T, doc any) map[string]any {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var into map[string]any
	if err := json.Unmarshal(text, &into); err != nil {
		t.Fatal(err)
	}
	return into
}
