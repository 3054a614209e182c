package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of the attack in Python pass by themselves, on any python3.
func TestPythonAttacksOwnTests(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: apt-get install python3")
	}
	command := exec.CommandContext(t.Context(), path, "-B", "-W", "error", "-m", "unittest")
	command.Dir = python
	if text, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// Started by hand the file says what it is, and refuses what it doesn't know.
func TestPythonAttackByHand(t *testing.T) {
	t.Parallel()
	path := buildPython(t, "attack.py")
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{nil, 0, "is a plugin of cmed", ""},
		{[]string{"--help"}, 0, freezeRef, ""},
		{[]string{"describe"}, 0, `"sdk": "cmedplugin-python/`, ""},
		{[]string{"describe", "it"}, 2, "", "unknown arguments"},
		{[]string{"run"}, 2, "", "unknown arguments"},
	} {
		var stdout, stderr bytes.Buffer
		command := exec.CommandContext(t.Context(), path, c.args...)
		command.Env = []string{"PATH=" + pluginPath}
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if code := command.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		if !strings.Contains(stdout.String(), c.stdout) || (c.stdout == "") != (stdout.Len() == 0) {
			t.Errorf("%v: it prints %q, want %q", c.args, &stdout, c.stdout)
		}
		if !strings.Contains(stderr.String(), c.stderr) || (c.stderr == "") != (stderr.Len() == 0) {
			t.Errorf("%v: of errors it prints %q, want %q", c.args, &stderr, c.stderr)
		}
	}
}

// The daemon's own check finds nothing wrong with it.
func TestPythonAttackIsFit(t *testing.T) {
	t.Parallel()
	path := buildPython(t, "attack.py")
	d := newDaemon(t, withoutPlugins()) // it lends its folder; it does not run
	o := d.cmed(t, 0, "plugin", "check", path)
	says(t, "the check", o.out, "fit: ", " 0 failed", freezeRef)
}

// An attack in another language serves as one in Go does: it is planned, tried,
// run and taken back, whoever dies.
func TestPythonAttack(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=5s"))
	drop(t, buildPython(t, "attack.py"), d.attacks, "freeze-process")
	d.offers(t, freezeRef, true)
	offer := d.get(t, "/api/1/attacks/"+freezeRef)
	for _, can := range []string{"can_dry_run", "can_list_targets", "can_check"} {
		if offer[can] != true {
			t.Errorf("%s is %v", can, offer[can])
		}
	}
	for name, test := range map[string]func(*testing.T, *daemon){
		"tried":                        pythonTried,
		"run":                          pythonRun,
		"refused":                      pythonRefused,
		"halted":                       pythonHalted,
		"the plugin is killed":         pythonPluginKilled,
		"it is terminated by somebody": pythonTerminated,
	} {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
	// These end the daemon.
	t.Run("the daemon is killed", func(t *testing.T) { pythonDaemonKilled(t, d) })
	t.Run("the daemon and the plugin are killed", func(t *testing.T) { pythonAllKilled(t, d) })
}

func pythonTried(t *testing.T, d *daemon) {
	v := newVictim(t)
	body := with(planBody(freezeRef, args{"name": v.name}, time.Now()), map[string]any{"dry_run": true})
	targets := d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK).list("targets")
	if len(targets) != 1 || targets[0].text("id") != strconv.Itoa(v.pid) || targets[0].text("state") != "selected" {
		t.Errorf("the preview has the targets %v", targets)
	}
	_, ids := d.postPlan(t, body)
	e := d.await(t, ids[0], "succeeded")
	if e.Undo != "none" || v.frozen() {
		t.Errorf("a dry run has undo %s; frozen: %v", e.Undo, v.frozen())
	}
	says(t, "its log", d.log(t, ids[0]), "dry run: the process is not frozen", strconv.Itoa(v.pid))
}

func pythonRun(t *testing.T, d *daemon) {
	v := newVictim(t)
	id := d.attack(t, freezeRef, args{"name": v.name, "seconds": 0.3}, time.Now())
	e := d.await(t, id, "succeeded")
	v.awaitFrozen(t, false)
	if want := fmt.Sprintf(`{"frozen":[%d],"seconds":0.3}`, v.pid); strings.ReplaceAll(string(e.Run.Result), " ", "") != want {
		t.Errorf("the result is %s, want %s", e.Run.Result, want)
	}
	doc := d.get(t, "/api/1/executors/"+id)
	if targets := doc.list("run/targets"); len(targets) != 1 || targets[0].text("state") != "hit" {
		t.Errorf("targets %v", targets)
	}
	if percent := toJSON(t, doc.at("run/progress/percent")); percent != "100" {
		t.Errorf("progress %s", percent)
	}
	if records := doc.list("undo_records"); len(records) != 1 || toJSON(t, records[0]["attempts"]) != "0" {
		t.Errorf("records %v", records)
	}
}

func pythonRefused(t *testing.T, d *daemon) {
	body := planBody(freezeRef, args{"name": "nobody-is-called"}, tomorrow())
	if a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: body}); a.status != http.StatusBadRequest {
		t.Errorf("a name that is too long: %d %s", a.status, a.body)
	}
	body = planBody(freezeRef, args{"name": "nobody-is"}, time.Now())
	preview := d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK)
	says(t, "the preview", preview.text("targets_error"), "no process is called nobody-is")
	says(t, "the check", strings.Join(preview.warnings(), "\n"), "no process is called nobody-is now")
	id := d.attack(t, freezeRef, args{"name": "nobody-is"}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "no process is called nobody-is") {
		t.Errorf("it failed because %q", e.Reason)
	}
}

// Told to stop, it lets go by itself.
func pythonHalted(t *testing.T, d *daemon) {
	id, v := freezing(t, d)
	d.halt(t, id)
	d.await(t, id, "halted")
	v.awaitFrozen(t, false)
	d.awaitUndo(t, id, "undone")
	for _, r := range d.get(t, "/api/1/executors/"+id).list("undo_records") {
		if toJSON(t, r["attempts"]) != "0" || !strings.HasSuffix(r.text("message"), "goes on") {
			t.Errorf("%v", r)
		}
	}
}

func pythonPluginKilled(t *testing.T, d *daemon) {
	id, v := freezing(t, d)
	killPID(t, d.await(t, id, "running").Run.PID)
	d.awaitUndo(t, id, "undone")
	v.awaitFrozen(t, false)
	for _, r := range d.get(t, "/api/1/executors/"+id).list("undo_records") {
		if toJSON(t, r["attempts"]) != "1" || r.text("outcome") != "undone" {
			t.Errorf("%v", r)
		}
	}
	says(t, "its log", d.log(t, id), "thawed")
}

func pythonTerminated(t *testing.T, d *daemon) {
	id, v := freezing(t, d)
	if err := syscall.Kill(d.await(t, id, "running").Run.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "terminated") {
		t.Errorf("it failed because %q", e.Reason)
	}
	v.awaitFrozen(t, false)
}

// The lifeline tells the plugin, which lets go and ends within its grace.
func pythonDaemonKilled(t *testing.T, d *daemon) {
	id, v := freezing(t, d)
	d.kill(t)
	v.awaitFrozen(t, false)
	waitFor(t, patience, "the plugin to end", func() bool { return len(d.processes()) == 0 })
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
}

func pythonAllKilled(t *testing.T, d *daemon) {
	id, v := freezing(t, d)
	pid := d.await(t, id, "running").Run.PID
	freeze(t, pid) // so that it has no chance to undo
	d.kill(t)
	killPID(t, pid)
	if !v.frozen() {
		t.Error("the process was let go by nobody: this tests nothing")
	}
	d.restart(t)
	d.awaitUndo(t, id, "undone")
	v.awaitFrozen(t, false)
}

// Whatever an attack in Python does, it comes out as what it is.
func TestPythonLibraryHolds(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=1s", "--undo-attempts=3"))
	drop(t, buildPython(t, "testdata/python/odd.py"), d.attacks, "odd")
	d.offers(t, "odd:Odd", true)
	does := func(what, state string, words ...string) {
		t.Helper()
		id := d.attack(t, "odd:Odd", args{"does": what}, time.Now())
		e := d.await(t, id, state)
		says(t, what, e.Reason+"\n"+d.log(t, id)+toJSON(t, d.get(t, "/api/1/executors/"+id)), words...)
	}
	does("prints", "succeeded", "1|1|unix|/tmp/elsewhere|grpc", "printed by a child", "a level", "another level", "no valid text: ?")
	does("breaks", "failed", "KeyError: 'missing'", "in breaks")
	does("exits", "failed", "SystemExit: goodbye")
	does("floods", "failed", "is too large")

	harm := filepath.Join(d.dir, "harm")
	ignoring := func() (id string, pid int) {
		t.Helper()
		id = d.attack(t, "odd:Odd", args{"does": "ignores", "file": harm, "undo": true}, time.Now())
		waitForFile(t, harm)
		return id, d.await(t, id, "running").Run.PID
	}
	id, _ := ignoring()
	d.halt(t, id)
	d.awaitUndo(t, id, "undone")
	records := d.get(t, "/api/1/executors/"+id).list("undo_records")
	if len(records) != 1 || toJSON(t, records[0]["attempts"]) != "2" || records[0].text("message") != "removed" {
		t.Errorf("records %v", records)
	}
	says(t, "its log", d.stderr.String(), "not at the first attempt")

	_, pid := ignoring()
	d.kill(t)
	waitFor(t, patience, "the plugin to be ended by its own hard exit", func() bool { return !exists(procFile(pid, "")) })
	if !exists(harm) {
		t.Error("the harm is gone: the plugin did not ignore the daemon's end")
	}
	d.restart(t)
	waitFor(t, patience, "the undo", func() bool { return !exists(harm) })
}
