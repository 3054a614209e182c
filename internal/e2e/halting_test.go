package e2e

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lever works when the API does not: a file that is there engages it, and
// must be gone before it can be released.
func TestTheHaltFile(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.state, "halt") // unless a flag names another
	release := request{method: http.MethodDelete, path: leverPath}
	engaged := func(reason string) {
		t.Helper()
		waitFor(t, patience, "the lever", func() bool { return d.get(t, leverPath)["engaged"] == true })
		lever := d.get(t, leverPath)
		says(t, "who engaged it", lever.text("by"), file)
		if lever.text("reason") != reason || lever.text("halt_file") != file {
			t.Errorf("%v", lever)
		}
	}
	id := d.attack(t, "e2e:Sleep", args{"for": "10m"}, time.Now())
	d.await(t, id, "running")
	touch(t, file, "")
	engaged("the file does not say why")
	d.await(t, id, "halted")
	a := d.send(t, release)
	checkProblem(t, a, http.StatusConflict, "")
	says(t, "the refusal", a.doc(t).text("msg"), file)
	says(t, "cmed resume", d.cmed(t, 1, "resume").err, file)

	remove(t, file)
	if lever := d.get(t, leverPath); lever["engaged"] != true || lever["halt_file"] != nil {
		t.Errorf("without its file the lever is %v", lever)
	}
	d.delete(t, leverPath, http.StatusOK)

	counted := filepath.Join(d.dir, "counted")
	overdue := d.attack(t, "e2e:Count", args{"file": counted}, tomorrow())
	due := time.Now().Add(2 * time.Second)
	d.move(t, overdue, due)
	d.stop(t)
	waitFor(t, patience, "the executor to be overdue", func() bool { return time.Now().After(due) })
	file = filepath.Join(d.dir, "stop-it")
	touch(t, file, "maintenance\nuntil noon\n")
	d.restart(t, withArgs("--halt-file", file)) // it is seen by one that starts, too
	engaged("maintenance")
	if e := d.await(t, overdue, "blocked"); len(linesOf(t, counted)) > 0 {
		t.Errorf("it was not seen in time: the executor that was due is %s and has run", e.State)
	}
	checkProblem(t, d.send(t, release), http.StatusConflict, "")
	remove(t, file)
	d.delete(t, leverPath, http.StatusOK)
}

func touch(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestASignalEngagesTheLever(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "hold": "10m"}, time.Now())
	waitForFile(t, file+".0")
	d.signal(t, syscall.SIGUSR1)
	says(t, "the one that ran", d.await(t, id, "halted").Reason, "SIGUSR1")
	d.awaitUndo(t, id, "undone")
	if lever := d.awaitRest(t); lever.text("by") != "SIGUSR1" {
		t.Errorf("%v", lever)
	}
	if !d.running() {
		t.Error("the signal ended the daemon")
	}
}

// cmed halt returns when everything is stopped and undone; cmed resume lets
// executors start again.
func TestHaltAndResumeByCommand(t *testing.T) {
	t.Parallel()
	d := start(t)
	file, counted := filepath.Join(d.dir, "harm"), filepath.Join(d.dir, "counted")
	id := d.attack(t, "e2e:Harm", args{"file": file, "hold": "10m"}, time.Now())
	waitForFile(t, file+".0")
	said := d.cmed(t, 0, "halt", "the", "shop", "is", "down")
	says(t, "cmed halt", said.out, "the lever of "+d.base+" is engaged by ", "(the shop is down)", "stopped 1 run in ", "undone after ")
	if exists(file + ".0") {
		t.Error("cmed halt returned before the harm was undone")
	}
	d.await(t, id, "halted")
	if lever := d.get(t, leverPath); !strings.Contains(lever.text("by"), "@") || lever.text("reason") != "the shop is down" {
		t.Errorf("%v", lever)
	}
	says(t, "cmed halt once more", d.cmed(t, 0, "halt", "again").err, "engaged already")
	blocked := d.attack(t, "e2e:Count", args{"file": counted}, time.Now())
	d.await(t, blocked, "blocked")
	says(t, "cmed resume", d.cmed(t, 0, "resume").out, "released")
	d.await(t, d.attack(t, "e2e:Count", args{"file": counted}, time.Now()), "succeeded")
	if n := len(linesOf(t, counted)); n != 1 {
		t.Errorf("%d have run, want 1", n)
	}
	d.stop(t)
	says(t, "cmed halt without a daemon", d.cmed(t, 1, "halt", "--wait", "1ms").err, "touch ", "kill -USR1")
}

// An undo that fails is not kept quiet about by who halts.
func TestHaltByCommandTellsOfAFailedUndo(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	id := d.attack(t, "e2e:Stubborn", args{"file": filepath.Join(d.dir, "harm"), "key": filepath.Join(d.dir, "key")}, time.Now())
	d.awaitUndo(t, id, "failed")
	says(t, "cmed halt", d.cmed(t, 4, "halt").err, "1 undo record is not undone")
}

// Nothing in a body keeps the lever from being engaged.
func TestABrokenBodyEngagesTheLever(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	for _, c := range []struct {
		name    string
		request request
		reason  string
		warns   bool
	}{
		{"no body", request{}, "halted on request", false},
		{"an empty object", request{body: "{}"}, "halted on request", false},
		{"half an object", request{body: `{"reason":`}, "halted on request", true},
		{"a list", request{body: `["stop"]`}, "halted on request", true},
		{"text", request{body: "stop it all"}, "halted on request", true},
		{"a reason that is a number", request{body: `{"reason": 5}`}, "halted on request", true},
		{"a reason that is too long", request{body: map[string]any{"reason": strings.Repeat("x", 1025)}}, "halted on request", true},
		{"a body that is too long", request{body: strings.Repeat(" ", 2<<20)}, "halted on request", true},
		{"a member that is unknown", request{body: `{"reason": "enough", "colour": "red"}`}, "enough", true},
		{"a form's content type", headed(request{body: `{"reason": "enough"}`}, "Content-Type", "application/x-www-form-urlencoded"), "enough", false},
		{"no content type", headed(request{body: `{"reason": "enough"}`}, "Content-Type", ""), "enough", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.request.method, c.request.path = http.MethodPut, leverPath
			doc := d.expect(t, http.StatusOK, c.request)
			if doc["engaged"] != true || doc.text("reason") != c.reason || !strings.HasPrefix(doc.text("by"), "API client 127.0.0.1") {
				t.Errorf("%v", doc)
			}
			if warned := doc["_warnings"] != nil; warned != c.warns {
				t.Errorf("warnings: %v", doc["_warnings"])
			}
			if lever := d.get(t, leverPath); lever["engaged"] != true {
				t.Errorf("the lever is %v", lever)
			}
			d.delete(t, leverPath, http.StatusOK)
		})
	}
	d.refused(t, request{method: http.MethodPost, path: leverPath}, http.StatusMethodNotAllowed, "")
}

// Nor does a body that never comes, or a client that hangs up.
func TestABodyThatDoesNotComeEngagesTheLever(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	put := strings.Replace(head("Content-Length: 100"), "POST /api/1/plans/", "PUT "+leverPath, 1) + `{"reason"`
	for name, then := range map[string]func(conn net.Conn) error{
		"it waits":          func(net.Conn) error { return nil },
		"it ends its half":  func(conn net.Conn) error { return conn.(*net.TCPConn).CloseWrite() },
		"it hangs up":       func(conn net.Conn) error { return conn.Close() },
		"it resets the lot": func(conn net.Conn) error { return errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close()) },
	} {
		conn := d.dial(t)
		say(conn, put)
		if err := then(conn); err != nil {
			t.Fatal(err)
		}
		waitFor(t, patience, "the lever, when the body does not come and "+name, func() bool { return d.get(t, leverPath)["engaged"] == true })
		if name == "it waits" {
			if a := hear(t, conn); a.status != http.StatusOK || a.doc(t)["_warnings"] == nil {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		d.delete(t, leverPath, http.StatusOK)
	}
}
