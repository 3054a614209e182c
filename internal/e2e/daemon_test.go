package e2e

import (
	"bytes"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemon is a cmed process and, when it has ended, the next one on the same
// folders.
type daemon struct {
	client
	home
	setup   setup
	command *exec.Cmd
	stdout  transcript
	stderr  transcript    // of all processes, one after the other
	exited  chan struct{} // closed when the process has ended
}

// home is what a daemon keeps and reads.
type home struct{ dir, database, state, attacks, planners string }

// newHome makes the folders. They have short names: sockets lie in there.
func newHome(t testing.TB) home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmed-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	h := home{
		dir: dir, database: filepath.Join(dir, "cme.db"), state: filepath.Join(dir, "cme.state"),
		attacks: filepath.Join(dir, "attacks"), planners: filepath.Join(dir, "planners"),
	}
	for _, folder := range []string{h.attacks, h.planners, h.temporary()} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// temporary is the daemon's folder for temporary files.
func (h home) temporary() string { return filepath.Join(h.dir, "tmp") }

// setup is how a daemon is started.
type setup struct {
	home    home
	binary  string
	args    []string
	env     []string
	plugins bool           // put the shipped plugins and the test plugin into the folders
	trusted *x509.CertPool // who vouches for it, where it is called by https
}

type option func(*setup)

// withArgs adds flags.
func withArgs(args ...string) option { return func(s *setup) { s.args = append(s.args, args...) } }

// withEnv adds variables, as "NAME=value".
func withEnv(env ...string) option { return func(s *setup) { s.env = append(s.env, env...) } }

// withBinary starts another binary.
func withBinary(path string) option { return func(s *setup) { s.binary = path } }

// withoutPlugins leaves the plugin folders empty.
func withoutPlugins() option { return func(s *setup) { s.plugins = false } }

// trusting calls it by https, as far as one of these vouches for it.
func trusting(roots *x509.CertPool) option { return func(s *setup) { s.trusted = roots } }

// inHome starts it in folders that are there already.
func inHome(h home) option { return func(s *setup) { s.home = h } }

// start starts a daemon on a free port and returns when it is ready. When the
// test ends it is stopped, must end well and leave nothing behind; when the
// test has failed, its output is shown.
func start(t testing.TB, options ...option) *daemon {
	t.Helper()
	d := newDaemon(t, options...)
	d.launch(t)
	d.ready(t)
	return d
}

// newDaemon prepares a daemon that does not run yet.
func newDaemon(t testing.TB, options ...option) *daemon {
	t.Helper()
	s := setup{binary: built.daemon, plugins: true}
	for _, o := range options {
		o(&s)
	}
	if s.home.dir == "" {
		s.home = newHome(t)
	}
	if s.plugins {
		link(t, s.home.attacks, built.attacks)
		link(t, s.home.planners, built.planners)
	}
	d := &daemon{home: s.home, setup: s}
	t.Cleanup(func() { d.conclude(t) })
	return d
}

// link makes the binaries plugins of a folder.
func link(t testing.TB, folder string, binaries []string) {
	t.Helper()
	for _, path := range binaries {
		if err := os.Symlink(path, filepath.Join(folder, filepath.Base(path))); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
}

// launch starts the process and returns at once.
func (d *daemon) launch(t testing.TB) {
	t.Helper()
	args := append([]string{
		"--port", "0", "--database-uri", d.database,
		"--attacks-folder", d.attacks, "--planners-folder", d.planners,
	}, d.setup.args...)
	d.command = exec.Command(d.setup.binary, args...)
	d.command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "TMPDIR=" + d.temporary(), "TZ=Europe/Madrid",
	}, d.setup.env...)
	d.command.Dir = d.dir
	d.stdout.reset()
	d.command.Stdout, d.command.Stderr = &d.stdout, &d.stderr
	d.command.WaitDelay = patience
	if err := d.command.Start(); err != nil {
		t.Fatalf("start the daemon: %v", err)
	}
	command, exited := d.command, make(chan struct{})
	d.exited = exited
	go func() { // ends with the process, which conclude ends at the latest
		_ = command.Wait() // its exit code is looked at by who expects one
		close(exited)
	}()
}

var greeting = regexp.MustCompile(`is ready: (https?://\S+)/`)

// ready waits for the daemon's greeting and makes the client speak to it.
func (d *daemon) ready(t testing.TB) {
	t.Helper()
	waitFor(t, patience, "the daemon to be ready", func() bool {
		if found := greeting.FindStringSubmatch(d.stdout.String()); found != nil {
			d.client = newClient(found[1], d.setup.trusted)
			return true
		}
		if !d.running() {
			t.Fatalf("the daemon ended instead of getting ready: %s", d.stderr.String())
		}
		return false
	})
	d.get(t, "/readyz")
}

// running says whether the process has not ended.
func (d *daemon) running() bool {
	if d.exited == nil {
		return false
	}
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// end waits for the process to end by itself and returns its exit code.
func (d *daemon) end(t testing.TB) int {
	t.Helper()
	select {
	case <-d.exited:
		return d.command.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("the daemon did not end within %s", patience)
		return -1
	}
}

// signal sends the process a signal.
func (d *daemon) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := d.command.Process.Signal(sig); err != nil {
		t.Fatalf("send %v to the daemon: %v", sig, err)
	}
}

// stop ends the daemon as a service manager does. It must end well and leave
// nothing behind.
func (d *daemon) stop(t testing.TB) {
	t.Helper()
	d.signal(t, syscall.SIGTERM)
	if code := d.end(t); code != 0 {
		t.Errorf("the daemon ended with exit code %d", code)
	}
	d.checkClean(t)
}

// kill ends the daemon with SIGKILL and returns when it is gone. What it ran
// may live on for its grace.
func (d *daemon) kill(t testing.TB) {
	t.Helper()
	if err := d.command.Process.Kill(); err != nil && d.running() {
		t.Fatalf("kill the daemon: %v", err)
	}
	d.end(t)
}

// restart starts the next daemon on the same folders, after stop or kill or
// when something else killed it.
func (d *daemon) restart(t testing.TB, options ...option) {
	t.Helper()
	if d.running() {
		t.Fatal("the daemon still runs")
	}
	for _, o := range options {
		o(&d.setup)
	}
	d.launch(t)
	d.ready(t)
}

// conclude ends the daemon when its test ends.
func (d *daemon) conclude(t testing.TB) {
	t.Helper()
	if d.running() && !t.Failed() {
		d.stop(t)
	}
	if d.running() {
		d.kill(t)
	}
	d.sweep()
	if log := d.stderr.String(); t.Failed() || strings.Contains(log, "DATA RACE") {
		t.Errorf("the daemon said:\n%s", log)
	}
}

// transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *transcript) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

// waitFor waits until something is so, looking again every few milliseconds,
// and fails the test when it is not within the limit.
func waitFor(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain for %s", limit, what)
		}
	}
}
