package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/plugincheck"
)

// planner builds a plugin that is fit.
func planner(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exact_planner")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../plugins/planners/exact_planner")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestPluginCheckOfAFitPlugin(t *testing.T) {
	path := planner(t)
	c := begin(t, "plugin", "check", path)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	for _, want := range []string{path + " (sha256 ", "exact_planner:ExactPlanner\n  passed ", "\nfit: ", " passed, 0 failed, "} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, c.stdout.String())
		}
	}
	if c.stderr.String() != "" || strings.ContainsRune(c.stdout.String(), '\x1b') {
		t.Errorf("without a terminal it says\n%s%s", c.stderr.String(), c.stdout.String())
	}
}

// All that can be said is said of each file, whatever is wrong with another.
func TestPluginCheckOfSeveral(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "script", "#!/bin/sh\necho 'sad \x1b[31mstory'\nexit 7\n", 0o700)
	fit, unfit, missing := planner(t), filepath.Join(folder, "script"), filepath.Join(folder, "missing")

	c := begin(t, "plugin", "check", missing, unfit, fit)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	for _, want := range []string{
		missing + "\n\nnot checked: there is no file " + missing,
		"FAILED the plugin: called with \"describe\"", "[describe-argument]\n  found: ", `"sad \x1b[31mstory`, "\n  to mend it: ",
		"\nunfit: ", "\nfit: ",
	} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, c.stdout.String())
		}
	}

	c = begin(t, "plugin", "check", "-o", "json", missing, unfit, fit)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	var reports []struct {
		Path, Error, SHA256 string
		Fit                 bool
		Findings            []plugincheck.Finding
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &reports); err != nil {
		t.Fatalf("%v:\n%s", err, c.stdout.String())
	}
	if len(reports) != 3 || reports[0].Error == "" || reports[0].Fit || reports[1].Fit || !reports[2].Fit || len(reports[2].Findings) == 0 {
		t.Errorf("got %+v", reports)
	}
	if !strings.HasPrefix(c.stderr.String(), "cmed: there is no file ") {
		t.Errorf("standard error: %s", c.stderr.String())
	}

	c = begin(t, "plugin", "check", "--output=junit", unfit, fit)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	var suites struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(c.stdout.String()), &suites); err != nil {
		t.Fatalf("%v:\n%s", err, c.stdout.String())
	}
	if len(suites.Suites) != 2 || suites.Suites[0].Failures == 0 || suites.Suites[1].Failures != 0 {
		t.Errorf("got %+v", suites)
	}
}

func TestPluginCheckUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "cmed: name the plugin file to check",
		"-o xml a":            "it is not one of text, json, junit",
		"--stop-grace 0s a":   "--stop-grace: 0s is not more than 0",
		"--stop-grace soon a": "--stop-grace",
		"--yes a":             "--yes goes with --live",
		"--live a":            "--live runs attacks for real and has nobody to ask",
		"--lives a":           "--lives",
	} {
		c := begin(t, append([]string{"plugin", "check"}, strings.Fields(args)...)...)
		if code := c.end(t); code != exitUsage || !strings.Contains(c.stderr.String(), want) {
			t.Errorf("%q: exit code %d: %s", args, code, c.stderr.String())
		}
	}
}

func TestPluginCheckIsStopped(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "script", "#!/bin/sh\nexec sleep 60\n", 0o700)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		c := begin(t, "plugin", "check", filepath.Join(folder, "script"))
		c.signals <- sig
		if code := c.end(t); code != exitFailure || !strings.Contains(c.stderr.String(), "not all was checked: received "+sig.String()) {
			t.Errorf("%v: exit code %d: %s%s", sig, code, c.stdout.String(), c.stderr.String())
		}
	}
}

// Who stops a live check is told that it takes its time, and why.
func TestALiveCheckSaysWhatItWaitsFor(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "script", "#!/bin/sh\nexec sleep 60\n", 0o700)
	c := begin(t, "plugin", "check", "--live", "--yes", filepath.Join(folder, "script"))
	c.signals <- os.Interrupt
	const want = "stopping: received interrupt; what was run for real is undone first; Ctrl-C again does not wait for that\n"
	if code := c.end(t); code != exitFailure || !strings.Contains(c.stderr.String(), want) {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestPluginCheckAsks(t *testing.T) {
	for answer, yes := range map[string]bool{"yes\n": true, " yes \r\n": true, "y\n": false, "\n": false, "": false, "no yes\n": false} {
		var said buffer
		c := &checking{program: program{stdin: strings.NewReader(answer), stderr: &said}}
		if err := c.announce(t.Context(), "it burns \x1b[2Jthe house"); (err == nil) != yes {
			t.Errorf("%q: %v", answer, err)
		}
		if got := said.String(); !strings.HasPrefix(got, "it burns \uFFFD[2Jthe house\nRun this now?") {
			t.Errorf("it says %q", got)
		}
	}
	var said buffer
	c := &checking{program: program{stdin: strings.NewReader(""), stderr: &said}}
	if err := c.announce(t.Context(), "what"); err == nil || !strings.Contains(err.Error(), "--yes") || !strings.HasSuffix(said.String(), ": \n") {
		t.Errorf("nobody there: %v; it says %q", err, said.String())
	}
	c = &checking{program: program{stdin: neverRead{t}, stderr: io.Discard}, yes: true}
	if err := c.announce(t.Context(), "what"); err != nil {
		t.Error(err)
	}
}

func TestATabDrivesNothing(t *testing.T) {
	if got, want := printableLines("a\tb\n\x1bc"), "a b\n\uFFFDc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// neverRead is an input that nobody may ask for.
type neverRead struct{ t *testing.T }

func (n neverRead) Read([]byte) (int, error) {
	n.t.Error("somebody was asked")
	return 0, io.EOF
}

func TestPluginCheckAsksUntilItIsStopped(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	c := &checking{program: program{stdin: in, stderr: io.Discard}}
	if err := c.announce(ctx, "what"); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestPluginCheckCompletesFiles(t *testing.T) {
	c := begin(t, "__complete", "plugin", "check", "")
	if code := c.end(t); code != 0 || !strings.Contains(c.stdout.String(), ":0\n") {
		t.Errorf("exit code %d: %s%s", code, c.stdout.String(), c.stderr.String())
	}
}

func TestColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/null", os.O_WRONLY, 0) // a device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	for _, c := range []struct {
		rule string
		out  io.Writer
		env  string
		want bool
	}{
		{"a terminal", brokenPipe{terminal}, "TERM=xterm", true},
		{"no colour wanted", brokenPipe{terminal}, "NO_COLOR=1", false},
		{"an empty NO_COLOR is none", brokenPipe{terminal}, "NO_COLOR=", true},
		{"a terminal without colours", brokenPipe{terminal}, "TERM=dumb", false},
		{"no terminal", brokenPipe{io.Discard}, "TERM=xterm", false},
	} {
		k := &checking{program: program{stdout: c.out, env: []string{c.env}}}
		if got := k.coloured(); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
}
