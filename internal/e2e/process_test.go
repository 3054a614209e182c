package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launchAnd starts a daemon that is to end by itself, with an exit code and
// with words.
func launchAnd(t *testing.T, code int, words string, options ...option) *daemon {
	t.Helper()
	d := newDaemon(t, options...)
	d.launch(t)
	if got := d.end(t); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	if log := d.stderr.String(); !strings.Contains(log, words) {
		t.Errorf("it said %q, want %q", log, words)
	}
	if out := d.stdout.String(); out != "" {
		t.Errorf("it wrote %q to standard output", out)
	}
	return d
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args  []string
		code  int
		words string
	}{
		"a taken port":                  {[]string{"--port", port}, 3, "port " + port + " is in use"},
		"an address others can reach":   {[]string{"--host", "0.0.0.0"}, 2, "--insecure"},
		"every address of version 6":    {[]string{"--host", "::"}, 2, "--insecure"},
		"an address of somebody else":   {[]string{"--host", "192.0.2.1", "--insecure"}, 2, "is not an address of this machine"},
		"an unknown flag":               {[]string{"--prot", "5000"}, 2, "did you mean --port?"},
		"a port that is none":           {[]string{"--port", "70000"}, 2, `"70000" is not a number from 0 to 65535`},
		"a zone that is none":           {[]string{"-t", "Mars/Olympus"}, 2, `"Mars/Olympus" is not a time zone`},
		"a database of another kind":    {[]string{"-d", "postgres://localhost/cme"}, 2, "--database-uri"},
		"a database in no folder":       {[]string{"-d", "/nowhere/cme.db"}, 1, "does not exist"},
		"a database that is none":       {[]string{"-d", file}, 1, file},
		"a command that is none":        {[]string{"pluck"}, 2, `unknown command "pluck"`},
		"a grace longer than the limit": {[]string{"--stop-grace", "60s"}, 2, "--shutdown-timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			d := launchAnd(t, c.code, c.words, withoutPlugins(), withArgs(c.args...))
			if _, err := os.Stat(d.database); !os.IsNotExist(err) {
				t.Errorf("the database was touched: %v", err)
			}
		})
	}
}

func TestASecondDaemonOnTheSameStoreIsRefused(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	second := launchAnd(t, 3, "another cmed holds it", withoutPlugins(), inHome(d.home))
	if !strings.Contains(second.stderr.String(), d.database) {
		t.Errorf("it does not name the file: %q", second.stderr.String())
	}
	d.get(t, "/healthz") // the first one goes on
}

// CME's own command line works: -p twice, a path and a number.
func TestTheDocumentedCommandLine(t *testing.T) {
	t.Parallel()
	d := newDaemon(t)
	d.setup.args = []string{"-p", "0", "-t", "America/Lima", "-d", "bolt://" + d.database, "-a", d.attacks, "-p", d.planners}
	d.restart(t)
	if doc := d.get(t, "/"); doc.text("timezone") != "America/Lima" {
		t.Errorf("%v", doc)
	}
	if n := len(d.get(t, "/api/1/planners/").list("planners")); n != 2 {
		t.Errorf("%d planners", n)
	}
}

func TestTheEnvironmentConfigures(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins(), withEnv("CMED_TIMEZONE=Asia/Tokyo"))
	if doc := d.get(t, "/"); doc.text("timezone") != "Asia/Tokyo" {
		t.Errorf("%v", doc)
	}
}

// SIGTERM stops what runs, undoes it and leaves the rest to the next start.
func TestTermination(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	running := d.attack(t, "e2e:Harm", args{"file": file, "hold": "1m"}, time.Now())
	later := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
	waitForFile(t, file+".0")
	d.await(t, running, "running")
	stream := d.follow(t, "/api/1/executors/"+running+"/log?follow=true", nil)
	d.stop(t) // ends with 0 and leaves nothing behind
	if _, err := os.Stat(file + ".0"); !os.IsNotExist(err) {
		t.Errorf("the harm is still there: %v", err)
	}
	for range stream.lines { // its end is not held up by the stop
	}
	d.restart(t)
	if e := d.executor(t, running); e.State != "halted" || e.Undo != "undone" || !strings.Contains(e.Reason, "shut down") {
		t.Errorf("the run is %s (%s), its undo %s", e.State, e.Reason, e.Undo)
	}
	if e := d.executor(t, later); e.State != "scheduled" {
		t.Errorf("the one of tomorrow is %s", e.State)
	}
}

// A stop just before the due time gives the claimed executor back, and the next
// daemon runs it.
func TestTerminationInTheLeadTime(t *testing.T) {
	t.Parallel()
	d := start(t)
	counted := filepath.Join(d.dir, "counted")
	id := d.attack(t, "e2e:Count", args{"file": counted}, time.Now().Add(60*time.Millisecond))
	waitFor(t, patience, "the claim", func() bool { return d.executor(t, id).State != "scheduled" })
	d.stop(t)
	d.restart(t)
	e := d.await(t, id, "succeeded", "halted") // it may have begun before the stop
	text, err := os.ReadFile(counted)
	if e.State == "succeeded" && (err != nil || strings.Count(string(text), "\n") != 1) {
		t.Errorf("it %s and ran %q times: %v", e.State, text, err)
	}
}

// What the daemon keeps is its own user's alone.
func TestFileModes(t *testing.T) {
	t.Parallel()
	d := start(t)
	d.await(t, d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now()), "succeeded")
	for path, want := range map[string]fs.FileMode{d.database: 0o600, d.state: 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", path, got, want)
		}
	}
	err := filepath.WalkDir(d.state, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The folder of a running plugin and its socket are its own too.
func TestARunningPluginsFolderIsPrivate(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now())
	d.await(t, id, "running")
	folders, err := filepath.Glob(filepath.Join(d.state, "run", "*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("folders %v: %v", folders, err)
	}
	if info, err := os.Stat(folders[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v: %v", info.Mode(), err)
	}
	d.halt(t, id)
	d.await(t, id, "halted")
	d.checkClean(t)
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace", "20s"))
	id := d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now())
	pid := d.await(t, id, "running").Run.PID
	freeze(t, pid) // it can't answer, so the stop takes its grace
	began := time.Now()
	d.signal(t, syscall.SIGTERM)
	waitFor(t, patience, "the stop to begin", func() bool { return strings.Contains(d.stderr.String(), "stopping") })
	d.signal(t, syscall.SIGTERM)             // one stop, delivered twice
	time.Sleep(time.Second + time.Second/10) // what the README says must lie between two stops
	if !d.running() {
		t.Error("a stop delivered twice ended the daemon at once")
	}
	d.signal(t, syscall.SIGTERM)
	if code := d.end(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	d.restart(t) // ends what was left
	d.await(t, id, "lost", "halted")
	d.checkClean(t)
}

// A supervisor tells by the exit code whether to start the daemon anew. SIGQUIT ends
// it as a panic does.
func TestADefectIsNotTakenForAWrongOption(t *testing.T) {
	t.Parallel()
	d := start(t)
	d.signal(t, syscall.SIGQUIT)
	if code := d.end(t); code != -1 || !strings.Contains(d.stderr.String(), "SIGQUIT") {
		t.Errorf("exit code %d, want none: a signal is to end it; it says %.300s", code, d.stderr.String())
	}
	d.restart(t)
}

// freeze stops a process and returns when all its threads stand still: on a busy
// machine some of them may otherwise go on for a while.
func freeze(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, patience, fmt.Sprintf("process %d to stand still", pid), func() bool {
		threads, err := filepath.Glob(procFile(pid, "task/*/stat"))
		for _, file := range threads {
			stat, readErr := os.ReadFile(file)
			// The state follows the name, which is in parentheses (proc(5)).
			if readErr != nil || !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
				return false
			}
		}
		return err == nil && len(threads) > 0
	})
}
