package e2e

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
)

// scriptHost is a machine with a real OpenSSH server, and a folder of scripts on
// the daemon's.
type scriptHost struct {
	*sshtest.OpenSSH
	scripts string // the daemon's scripts folder
	dir     string // on the machine
}

func newScriptHost(t testing.TB) *scriptHost {
	t.Helper()
	h := &scriptHost{OpenSSH: sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}), scripts: t.TempDir(), dir: t.TempDir()}
	return h
}

// script puts a script into the scripts folder.
func (h *scriptHost) script(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(h.scripts, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// remote is where the script lies on the machine.
func (h *scriptHost) remote() string { return filepath.Join(h.dir, "chaos", "script") }

// pem is the key, as the documentation of the engine wants it.
func (h *scriptHost) pem() string { return base64.StdEncoding.EncodeToString(h.ClientKey) }

// args are those of an attack that runs a script there.
func (h *scriptHost) args(t testing.TB, script string, more args) args {
	t.Helper()
	all := args{
		"hosts": []string{h.Addr}, "local_script": script, "remote_script": h.remote(),
		"ssh": args{"user": h.User, "pem": h.pem(), "known_hosts": []string{h.KnownHosts(t)}},
	}
	maps.Copy(all, more)
	return all
}

// startWithScripts starts a daemon with the machine's scripts folder.
func startWithScripts(t testing.TB, h *scriptHost, options ...option) *daemon {
	t.Helper()
	return start(t, append(options, withArgs("--scripts-folder", h.scripts, "--stop-grace", "4s"))...)
}

// checkAlone fails the test when something of a script is left on the machine.
func (h *scriptHost) checkAlone(t testing.TB) {
	t.Helper()
	waitFor(t, patience, "the machine to be as it was", func() bool { return len(h.Processes()) == 0 })
	if files, err := filepath.Glob(filepath.Join(h.dir, "*")); err != nil || len(files) != 0 {
		t.Errorf("left on the machine: %v, %v", files, err)
	}
	if files, err := filepath.Glob(filepath.Join(h.Home, ".cmed", "*")); err != nil || len(files) != 0 {
		t.Errorf("still on file on the machine: %v, %v", files, err)
	}
}

// A script is uploaded and run; what it says is in the run's log, its exit status
// decides, and it is removed.
func TestRunScript(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	h.script(t, "hello.sh", `echo "hello $1 and $NAME"; echo "a warning" >&2; exit "${CODE:-0}"`)
	d := startWithScripts(t, h)

	id := d.attack(t, "run_script:RunScript", h.args(t, "hello.sh", args{
		"args": []string{"it's"}, "env": args{"NAME": "plain \"name\""},
	}), time.Now())
	e := d.await(t, id, "succeeded")
	if e.Undo != "undone" && e.Undo != "none" {
		t.Errorf("the undo is %s", e.Undo)
	}
	log := d.log(t, id)
	for _, words := range []string{"hello it's and plain", "a warning"} {
		if !strings.Contains(log, words) {
			t.Errorf("the log does not have %q: %s", words, log)
		}
	}
	h.checkAlone(t)

	id = d.attack(t, "run_script:RunScript", h.args(t, "hello.sh", args{"env": args{"CODE": "3"}}), time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "status 3") {
		t.Errorf("the reason is %q", e.Reason)
	}
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)
}

// However a run ends, and whoever dies, nothing of its script goes on.
func TestAScriptIsEnded(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	// It takes no notice of being asked to end, and neither does its child.
	h.script(t, "deaf.sh", `trap "" TERM HUP INT; touch "$1"; (trap "" TERM; while :; do sleep 0.1; done) & while :; do sleep 0.1; done`)
	d := startWithScripts(t, h)
	mark := filepath.Join(h.dir, "runs")
	run := func(more args) string {
		id := d.attack(t, "run_script:RunScript", h.args(t, "deaf.sh", more), time.Now())
		waitForFile(t, mark)
		remove(t, mark)
		return id
	}

	id := run(args{"args": []string{mark}})
	d.halt(t, id)
	d.await(t, id, "halted")
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)

	id = run(args{"args": []string{mark}, "timeout": "500ms"})
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "500ms") {
		t.Errorf("the reason is %q", e.Reason)
	}
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)

	id = run(args{"args": []string{mark}})
	killPID(t, d.executor(t, id).Run.PID)
	d.await(t, id, "crashed")
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)

	id = run(args{"args": []string{mark}})
	d.kill(t)
	d.sweep()
	if len(h.Processes()) == 0 {
		t.Error("the script ended by itself: this proves nothing")
	}
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)
}

// The undo script runs where the script cannot undo itself, and as the version
// that belonged to the harm.
func TestTheUndoScriptRuns(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	h.script(t, "harm.sh", `echo "$CMED_JOB" > "$1"`)
	h.script(t, "heal.sh", `test "$CMED_UNDO" = 1 && test "$(cat "$1")" = "$CMED_UNDO_JOB" && rm "$1"`)
	d := startWithScripts(t, h)
	harm := filepath.Join(h.dir, "harm")
	id := d.attack(t, "run_script:RunScript", h.args(t, "harm.sh", args{
		"args": []string{harm}, "undo_script": "heal.sh",
	}), time.Now())
	e := d.await(t, id, "succeeded")
	if e.Undo != "open" || !exists(harm) {
		t.Errorf("the undo is %s, the harm is done: %v", e.Undo, exists(harm))
	}
	h.script(t, "heal.sh", "exit 1")
	d.halt(t, id)
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)

	h.script(t, "heal.sh", `rm "$1"`)
	id = d.attack(t, "run_script:RunScript", h.args(t, "harm.sh", args{
		"args": []string{harm}, "undo_script": "heal.sh", "undo_after": "300ms",
	}), time.Now())
	d.await(t, id, "succeeded")
	d.awaitUndo(t, id, "undone")
	h.checkAlone(t)
}

// A script that comes with cmed takes back what it did when it is stopped, and
// is its own undo when it can't.
func TestAShippedScriptIsItsOwnUndo(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	var err error
	if h.scripts, err = filepath.Abs(filepath.Join(repository, "plugins", "scripts")); err != nil {
		t.Fatal(err)
	}
	d := startWithScripts(t, h)
	fill := h.args(t, "script_attacks/s_filldisk.sh", args{
		"undo_script": "script_attacks/s_filldisk.sh",
		"env":         args{"SIZE": "3M", "DURATION": "10m", "DIR": h.dir, "STATE_DIR": h.dir},
	})
	filled := func() bool {
		files, _ := filepath.Glob(filepath.Join(h.dir, "*", "*"))
		return slices.ContainsFunc(files, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() == 3<<20
		})
	}
	for _, end := range []func(id string){
		func(id string) { d.halt(t, id) },
		func(id string) {
			d.kill(t)
			d.sweep()
			for _, pid := range h.Processes() {
				killPID(t, pid)
			}
			d.restart(t)
		},
	} {
		id := d.attack(t, "run_script:RunScript", fill, time.Now())
		waitFor(t, patience, "the disk to be filled", filled)
		end(id)
		d.awaitUndo(t, id, "undone")
		h.checkAlone(t)
	}
}

// What is known to be wrong with a script is said when the plan is made, and the
// run fails with it.
func TestScriptsThatAreNotThere(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	touch(t, filepath.Join(filepath.Dir(h.scripts), "outside.sh"), "#!/bin/sh\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(h.scripts, "link.sh")); err != nil {
		t.Fatal(err)
	}
	d := startWithScripts(t, h)
	body := planBody("run_script:RunScript", h.args(t, "missing.sh", nil), time.Now())
	answer := d.post(t, "/api/1/plans/", body, http.StatusOK)
	if warnings := toJSON(t, answer["_warnings"]); !strings.Contains(warnings, "missing.sh") {
		t.Errorf("the warnings are %s", warnings)
	}
	list := d.executors(t, "?executed=true&plan_id="+answer.text("id"))
	if e := d.await(t, list[0].ID, "failed"); !strings.Contains(e.Reason, "missing.sh") {
		t.Errorf("the reason is %q", e.Reason)
	}
	for _, outside := range []string{"../outside.sh", "/etc/passwd", "link.sh"} {
		a := d.send(t, plansPost(toJSON(t, planBody("run_script:RunScript", h.args(t, outside, nil), time.Now()))))
		if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "local_script") {
			t.Errorf("%s: %d %s", outside, a.status, a.body)
		}
	}
	id := d.attack(t, "run_script:RunScript", h.args(t, "later.sh", nil), time.Now().Add(time.Second))
	if err := os.Symlink("/etc/passwd", filepath.Join(h.scripts, "later.sh")); err != nil {
		t.Fatal(err)
	}
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "later.sh") || strings.Contains(e.Reason, "root:") {
		t.Errorf("a link that leads outside: %q", e.Reason)
	}
	h.checkAlone(t)
}

// Host keys and users that are not as told end in a failed run that says so, and
// nothing is run.
func TestMachinesThatAreNotTrusted(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	mark := filepath.Join(h.dir, "ran")
	h.script(t, "s.sh", "touch "+mark)
	d := startWithScripts(t, h)
	empty := sshtest.WriteLines(t)
	other := base64.StdEncoding.EncodeToString(sshtest.Start(t, sshtest.Options{}).ClientKey)
	for name, test := range map[string]struct {
		ssh   args
		words []string
	}{
		"unknown host": {args{"user": h.User, "pem": h.pem(), "known_hosts": []string{empty}}, []string{"SHA256:", "ssh-keyscan"}},
		"pinned to another": {
			args{"user": h.User, "pem": h.pem(), "host_key": "SHA256:" + strings.Repeat("A", 43)},
			[]string{"SHA256:"},
		},
		"wrong key": {args{"user": h.User, "pem": other, "insecure_ignore_host_key": true}, []string{h.User}},
		"not a key": {args{"user": h.User, "pem": "BASE64ENCODEDPEM", "insecure_ignore_host_key": true}, []string{"pem"}},
	} {
		id := d.attack(t, "run_script:RunScript", h.args(t, "s.sh", args{"ssh": test.ssh}), time.Now())
		e := d.await(t, id, "failed")
		for _, word := range test.words {
			if !strings.Contains(e.Reason, word) {
				t.Errorf("%s: the reason %q does not have %q", name, e.Reason, word)
			}
		}
		if e.Undo != "none" && e.Undo != "undone" {
			d.awaitUndo(t, id, "undone")
		}
	}
	if exists(mark) {
		t.Error("the script was run")
	}
	id := d.attack(t, "run_script:RunScript", h.args(t, "s.sh", args{
		"ssh": args{"user": h.User, "pem": h.pem(), "known_hosts": []string{h.KnownHosts(t, "ssh-ed25519")}},
	}), time.Now())
	d.await(t, id, "succeeded") // although the server has an RSA key too
}

// A script that floods loses some of its output and nothing else.
func TestAScriptThatFloods(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	h.script(t, "flood.sh", `head -c 30000000 /dev/zero | tr '\0' 'x' | fold -w 200; echo; echo "the end"`)
	d := startWithScripts(t, h)
	id := d.attack(t, "run_script:RunScript", h.args(t, "flood.sh", nil), time.Now())
	d.await(t, id, "succeeded")
	if log := d.log(t, id); !strings.Contains(log, "the end") || len(log) > 20<<20 {
		t.Errorf("the log has %d bytes; its end: %q", len(log), log[max(0, len(log)-300):])
	}
	h.checkAlone(t)
}

// The documented example picks an instance by its tags and reaches it by SSH.
func TestRunScriptOnAnInstance(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	mark := filepath.Join(h.dir, "burnt")
	h.script(t, "script_attacks/s_burncpu.sh", "touch "+mark)
	server := cloud(t)
	fleet(server, 2, nil)
	server.Add(awstest.Instance{Region: region, PrivateIP: "127.0.0.1", Tags: map[string]string{"Chaos": "true"}})
	d := startWithScripts(t, h, withCloud(server))
	if err := os.Mkdir(filepath.Join(d.dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile(h.KnownHosts(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, ".ssh", "known_hosts"), known, 0o600); err != nil {
		t.Fatal(err)
	}
	_, ids := d.postPlan(t, fmt.Sprintf(`{"name": "burn", "attack": {
		"ref": "run_script:RunScript",
		"args": {
			"filters": {"tag:Chaos": "true"},
			"local_script": "script_attacks/s_burncpu.sh",
			"remote_script": %q,
			"ssh": {"user": %q, "pem": %q, "port": %s},
			"region": "eu-west-1"
		}
	}, "planner": {"ref": "exact_planner:ExactPlanner", "args": {"date": "2016-06-21T15:30:12+02:00"}}}`,
		h.remote(), h.User, h.pem(), h.Port()))
	d.move(t, ids[0], time.Now().Add(time.Second))
	d.await(t, ids[0], "succeeded")
	if !exists(mark) {
		t.Error("the script was not run")
	}
	remove(t, mark)
	h.checkAlone(t)
}

// The key, the passphrase and secret_env are secrets, in pieces too; env is not.
func TestSecretsOfScriptsStayInside(t *testing.T) {
	t.Parallel()
	h := newScriptHost(t)
	h.script(t, "s.sh", `echo "token is $TOKEN for $UNIT"; echo "$CONF"; env; sleep 0.3`)
	d := startWithScripts(t, h, withArgs("--log-level", "trace"))
	pem := base64.StdEncoding.EncodeToString(h.LockedKey(t, secret))
	plan, ids := d.postPlan(t, planBody("run_script:RunScript", h.args(t, "s.sh", args{
		"secret_env": args{"TOKEN": secret + "2", "CONF": "user=shop\npassword=" + secret},
		"env":        args{"UNIT": "shop.service"},
		"ssh":        args{"user": h.User, "pem": pem, "passphrase": secret, "known_hosts": []string{h.KnownHosts(t)}},
	}), time.Now()))
	d.await(t, ids[0], "succeeded")
	if log := d.log(t, ids[0]); !strings.Contains(log, "for shop.service") {
		t.Errorf("env is not visible in %s", log)
	}
	if shown := toJSON(t, d.get(t, "/api/1/plans/"+plan)); !strings.Contains(shown, "shop.service") {
		t.Errorf("env is not visible in the plan: %s", shown)
	}
	for what, text := range map[string]string{
		"the answers": d.everything(t, plan, ids[0]), "the daemon's log": d.stderr.String(),
		"the state folder": namesAndContents(t, d.state),
	} {
		checkHidden(t, what, text)
		if strings.Contains(text, pem) {
			t.Errorf("%s has the key", what)
		}
	}
}
