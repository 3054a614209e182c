package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// awaitBody waits until what a URL answers contains text.
func awaitBody(t *testing.T, url, text string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		_, body := get(t, url)
		if strings.Contains(body, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %s but\n%s", url, text, body)
		}
		time.Sleep(time.Millisecond)
	}
}

// finish ends a daemon that is to end well.
func (c *call) finish(t *testing.T) {
	t.Helper()
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestSignalToHalt(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	url := c.url(t)
	c.signals <- syscall.SIGUSR1
	awaitBody(t, url+"api/1/halt", `"engaged":true`)
	awaitBody(t, url+"api/1/halt", `"by":"SIGUSR1"`)
	awaitBody(t, url+"api/1/halt", `"reason":"the daemon received SIGUSR1"`)
	c.finish(t)

	// It is latched.
	c = begin(t, h.args()...)
	await(t, &c.stdout, "; lever engaged by SIGUSR1)\n")
	if !strings.Contains(c.stderr.String(), "[WARN]") || !strings.Contains(c.stderr.String(), "SIGUSR1") {
		t.Errorf("the log does not warn of it: %s", c.stderr.String())
	}
	url = served.FindString(c.stdout.String())
	resume := begin(t, "resume", "--server", url)
	if code := resume.end(t); code != 0 {
		t.Errorf("resume: exit code %d: %s", code, resume.stderr.String())
	}
	awaitBody(t, url+"api/1/halt", `"engaged":false`)
	awaitBody(t, url+"api/1/halt", `"released_by":"`+whoAmI()+`"`)
	c.finish(t)

	c = begin(t, h.args()...)
	c.url(t)
	c.finish(t)
}

func TestSignalToHaltWhileStarting(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	c.signals <- syscall.SIGUSR1
	await(t, &c.stdout, "\n")
	awaitBody(t, served.FindString(c.stdout.String())+"api/1/halt", `"by":"SIGUSR1"`)
	c.finish(t)
}

func TestHaltFile(t *testing.T) {
	h := newHome(t)
	file := filepath.Join(t.TempDir(), "stop-it")
	c := begin(t, h.args("--halt-file", file)...)
	url := c.url(t)
	if err := os.WriteFile(file, []byte("the site is down\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitBody(t, url+"api/1/halt", `"reason":"the site is down"`)
	resume := begin(t, "resume", "--server", url)
	if code := resume.end(t); code != exitFailure || !strings.Contains(resume.stderr.String(), file) {
		t.Errorf("resume: exit code %d: %s", code, resume.stderr.String())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	awaitBody(t, url+"api/1/halt", `"engaged":true`)
	resume = begin(t, "resume", "--server", url)
	if code := resume.end(t); code != 0 {
		t.Errorf("resume: exit code %d: %s", code, resume.stderr.String())
	}
	c.finish(t)
}

// Its place is the state folder, and one that was made while no daemon ran
// counts.
func TestHaltFileBeforeTheStart(t *testing.T) {
	h := newHome(t)
	state := strings.TrimSuffix(h.database, ".db") + ".state"
	if err := os.MkdirAll(filepath.Join(state, "halt"), 0o700); err != nil { // a folder counts too
		t.Fatal(err)
	}
	c := begin(t, h.args()...)
	await(t, &c.stdout, "; lever engaged by the halt file "+filepath.Join(state, "halt")+")\n")
	c.finish(t)
}

func TestHaltOfARealDaemon(t *testing.T) {
	c := begin(t, newHome(t).args()...)
	url := c.url(t)
	halt := begin(t, "halt", "--server", url, "a", "test")
	if code := halt.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, halt.stderr.String())
	}
	want := "the lever is engaged by " + whoAmI() + " (a test): nothing starts\nnothing was running\n"
	if got := halt.stdout.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	halt = begin(t, "halt", "--server", url, "another", "test")
	if code := halt.end(t); code != 0 || !strings.Contains(halt.stdout.String(), "\nit was engaged already, by "+whoAmI()+" at 20") {
		t.Errorf("exit code %d: %s%s", code, halt.stdout.String(), halt.stderr.String())
	}
	undos := begin(t, "undos", "--server", url)
	if code := undos.end(t); code != 0 || undos.stdout.String() != "nothing is left to undo\n" {
		t.Errorf("exit code %d: %s%s", code, undos.stdout.String(), undos.stderr.String())
	}
	c.finish(t)
}

func TestMetricsAreServed(t *testing.T) {
	c := begin(t, newHome(t).args()...)
	status, body := get(t, c.url(t)+"metrics")
	if status != http.StatusOK || !strings.Contains(body, "\ncmed_") {
		t.Errorf("%d %s", status, body)
	}
	c.finish(t)
}

func TestPolicyIsLogged(t *testing.T) {
	c := begin(t, newHome(t).args("--irreversible", "deny", "--max-runs-per-hour", "0", "--deny-attack", "a:*",
		"--quiet-date", "2026-12-24", "--cgroup", "off")...)
	c.url(t)
	c.finish(t)
	for _, want := range []string{
		"attacks that can't be undone: none runs: irreversible=deny",
		"limits of all plans together: max_concurrent_runs=128 max_runs_per_ref=100 max_runs_per_plan=100 " +
			`max_open_undos=10000 denied="a:*" quiet="2026-12-24 Europe/Madrid" quiet_stops=false`,
		"isolation that is asked for: cgroup=off\n",
	} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, c.stderr.String())
		}
	}
}
