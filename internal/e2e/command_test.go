package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// output is what a command that has ended wrote.
type output struct{ out, err string }

// cmed runs a command of the daemon's binary beside the daemon, which must end
// with an exit code.
func (d *daemon) cmed(t testing.TB, code int, args ...string) output {
	t.Helper()
	return d.cmedWith(t, code, []string{"CMED_SERVER=" + d.base}, args...)
}

// locally is cmed over the daemon's socket, where nobody needs a key.
func (d *daemon) locally(t testing.TB, code int, args ...string) output {
	t.Helper()
	return d.cmedWith(t, code, []string{"CMED_SERVER=" + d.socket()}, args...)
}

// socket is the daemon's socket, as a client names it.
func (d *daemon) socket() string { return "unix:" + filepath.Join(d.state, "cmed.sock") }

// cmedWith is cmed with further variables in place of the one that names the
// daemon.
func (d *daemon) cmedWith(t testing.TB, code int, env []string, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), d.setup.binary, args...)
	command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "TMPDIR=" + d.temporary(), "TZ=Europe/Madrid",
	}, env...)
	command.Dir = d.dir
	command.Stdout, command.Stderr = &stdout, &stderr
	command.WaitDelay = time.Second
	overdue := time.AfterFunc(2*patience, func() { _ = command.Process.Kill() })
	defer overdue.Stop()
	if err := command.Start(); err != nil {
		t.Fatalf("start cmed %s: %v", args[0], err)
	}
	err := command.Wait()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatalf("cmed %s: %v", args[0], err)
	}
	o := output{stdout.String(), stderr.String()}
	if got := command.ProcessState.ExitCode(); got != code {
		t.Errorf("cmed %v: exit code %d, want %d; it said %q, and of errors %q", args, got, code, o.out, o.err)
	}
	if strings.Contains(o.err, "DATA RACE") {
		t.Errorf("cmed %v: %s", args, o.err)
	}
	return o
}

// says wants all of the words in a text.
func says(t testing.TB, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s says %q, without %q", what, text, word)
		}
	}
}

// reap runs cmed reap with the daemon's own options.
func (d *daemon) reap(t testing.TB, code int, more ...string) output {
	t.Helper()
	args := append([]string{
		"reap", "--database-uri", d.database, "--attacks-folder", d.attacks, "--planners-folder", d.planners,
	}, d.setup.args...)
	return d.cmed(t, code, slices.Concat(args, more)...)
}
