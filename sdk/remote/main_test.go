package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is a kind of machine that everything has to work on.
type machine struct {
	name  string
	start func(t *testing.T) sshtest.Access
}

// machines are in-process servers with each shell that is here as sh, one whose
// every program is busybox's, and a real sshd.
func machines() []machine {
	all := []machine{{"openssh", func(t *testing.T) sshtest.Access {
		return sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	}}}
	for _, shell := range []string{"dash", "bash", "busybox"} {
		all = append(all, machine{shell, func(t *testing.T) sshtest.Access {
			return sshtest.Start(t, withShell(t, shell)).Access
		}})
	}
	return append(all, machine{"all busybox", func(t *testing.T) sshtest.Access {
		return sshtest.Start(t, allBusybox(t)).Access
	}})
}

// withShell has the program be sh, and the login shell.
func withShell(t *testing.T, shell string) sshtest.Options {
	t.Helper()
	program, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("no %s on this machine; it comes with: apt-get install %s", shell, shell)
	}
	folder := t.TempDir()
	sh := filepath.Join(folder, "sh")
	check(t, os.Symlink(program, sh))
	return sshtest.Options{Shell: []string{sh, "-c"}, Env: []string{"PATH=" + folder + ":" + os.Getenv("PATH")}}
}

// allBusybox has nothing but busybox's programs in the path.
func allBusybox(t *testing.T) sshtest.Options {
	t.Helper()
	options := withShell(t, "busybox")
	folder := t.TempDir()
	check(t, exec.Command("busybox", "--install", "-s", folder).Run())
	options.Env = []string{"PATH=" + folder}
	return options
}

// onEach runs a test on each kind of machine.
func onEach(t *testing.T, test func(t *testing.T, a sshtest.Access)) {
	for _, m := range machines() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			test(t, m.start(t))
		})
	}
}

func loginOf(t *testing.T, a sshtest.Access) remote.Login {
	t.Helper()
	return remote.Login{
		User:     a.User,
		Key:      a.ClientKey,
		HostKeys: remote.HostKeys{KnownHosts: []string{a.KnownHosts(t)}},
	}
}

func dial(t *testing.T, a sshtest.Access) *remote.Client {
	t.Helper()
	c, err := remote.Dial(t.Context(), a.Addr, loginOf(t, a))
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	return c
}

// jobOf is a job with a key of its own.
func jobOf(a sshtest.Access, script string) remote.Job {
	return remote.Job{Key: "job-" + rand.Text(), Path: a.Home + "/script", Script: []byte("#!/bin/sh\n" + script)}
}

// installed returns a job that is installed.
func installed(t *testing.T, c *remote.Client, a sshtest.Access, script string) remote.Job {
	t.Helper()
	j := jobOf(a, script)
	check(t, c.Install(t.Context(), j))
	return j
}

// result is how a Run ended.
type result struct {
	exit           remote.Exit
	err            error
	stdout, stderr string
}

// run runs a job to its end.
func run(ctx context.Context, c *remote.Client, j remote.Job) result {
	var stdout, stderr bytes.Buffer
	exit, err := c.Run(ctx, j, time.Second, &stdout, &stderr)
	return result{exit, err, stdout.String(), stderr.String()}
}

// background is a Run in a goroutine.
type background struct {
	stdout, stderr *saying
	cancel         context.CancelCauseFunc
	over           chan result
}

// runInBackground starts a run whose context ends with cancel or with the test.
func runInBackground(t *testing.T, c *remote.Client, j remote.Job, grace time.Duration) *background {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	b := &background{stdout: newSaying(), stderr: newSaying(), cancel: cancel, over: make(chan result, 1)}
	go func() {
		exit, err := c.Run(ctx, j, grace, b.stdout, b.stderr)
		b.over <- result{exit, err, b.stdout.text(), b.stderr.text()}
	}()
	return b
}

// wait waits for the run's end.
func (b *background) wait(t *testing.T) result {
	t.Helper()
	select {
	case r := <-b.over:
		return r
	case <-time.After(60 * time.Second):
		t.Fatalf("the run doesn't end; it said %q and %q", b.stdout.text(), b.stderr.text())
		return result{}
	}
}

// saying is a writer that one can wait at for a text.
type saying struct {
	mu      sync.Mutex
	said    []byte
	changed chan struct{}
}

func newSaying() *saying { return &saying{changed: make(chan struct{})} }

func (s *saying) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, p...)
	close(s.changed)
	s.changed = make(chan struct{})
	return len(p), nil
}

func (s *saying) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.said)
}

func (s *saying) waitFor(t *testing.T, text string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		there, changed := strings.Contains(string(s.said), text), s.changed
		s.mu.Unlock()
		if there {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%q was not said; %q was", text, s.text())
		}
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it is not so that %s", what)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contains fails the test unless all of the parts are in the text.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
}
