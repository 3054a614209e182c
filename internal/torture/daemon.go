package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// How long a daemon may take to start and to end. Starting includes the grace
// that it gives to what an earlier one left, and the end of that.
const (
	startBound = 40 * time.Second
	stopBound  = 40 * time.Second
)

// The times that the daemons are given: short ones, so that much fits.
const (
	stopGrace   = 1500 * time.Millisecond
	undoTimeout = 2 * time.Second
)

// daemon is one process of cmed.
type daemon struct {
	client  client
	command *exec.Cmd
	exited  chan struct{} // closed when it has ended
	ready   chan string   // gets the URL, or is closed without
}

var greeting = regexp.MustCompile(`is ready: (http://\S+)/`)

// errDied is returned when the daemon ended instead of getting ready.
var errDied = errors.New("the daemon ended before it was ready")

// flags are those that all of a world's commands take.
func (w *world) flags(more ...string) []string {
	return append([]string{
		"--database-uri=" + w.database(), "--state-folder=" + w.state(),
		"--attacks-folder=" + w.attacks(), "--planners-folder=" + w.planners(),
		"--stop-grace=" + stopGrace.String(), "--undo-timeout=" + undoTimeout.String(),
	}, more...)
}

// command prepares a call of cmed, with failpoints, whose log goes to the
// world's.
func (w *world) command(failpoints string, args ...string) (*exec.Cmd, *os.File, error) {
	log, err := os.OpenFile(w.log(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	fmt.Fprintf(log, "--- %s cmed %q failpoints %q\n", time.Now().Format(time.RFC3339Nano), args, failpoints)
	command := exec.Command(w.bin.daemon, args...) //nolint:gosec // built by us
	command.Dir = w.dir
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + w.temporary(), "TZ=UTC",
		"CMED_FAILPOINTS=" + failpoints,
	}
	command.Stderr = log
	return command, log, nil
}

// launch starts the daemon and returns when it is ready. errDied is returned
// when it ended before.
func (w *world) launch(ctx context.Context, failpoints string) error {
	args := w.flags("--port=0", "--timezone=UTC")
	command, log, err := w.command(failpoints, args...)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only the child writes to it
	stdout, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	d := &daemon{command: command, exited: make(chan struct{}), ready: make(chan string, 1)}
	go d.watch(stdout) // ends with the process
	w.daemon = d
	pid := strconv.Itoa(command.Process.Pid)
	if err := os.WriteFile(script.DaemonPID(w.dir), []byte(pid), 0o600); err != nil {
		return fmt.Errorf("note the daemon's process id: %w", err)
	}
	return d.await(ctx)
}

// watch reads the greeting and waits for the end.
func (d *daemon) watch(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if found := greeting.FindStringSubmatch(lines.Text()); found != nil {
			d.ready <- found[1]
		}
	}
	_ = d.command.Wait() // how it ended is asked of its state
	close(d.exited)
}

func (d *daemon) await(ctx context.Context) error {
	timer := time.NewTimer(startBound)
	defer timer.Stop()
	select {
	case url := <-d.ready:
		d.client = newClient(url)
		return nil
	case <-d.exited:
		return errDied
	case <-timer.C:
		return fmt.Errorf("the daemon was not ready within %s", startBound)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// runs says whether there is a daemon that has not ended.
func (d *daemon) runs() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// wasKilled says whether the daemon, which has ended, was ended by SIGKILL.
func (d *daemon) wasKilled() bool { return wasKilled(d.command) }

func wasKilled(command *exec.Cmd) bool {
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// kill ends the daemon with SIGKILL and returns when it is gone.
func (d *daemon) kill() error {
	if err := d.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the daemon: %w", err)
	}
	<-d.exited
	return nil
}

// stop ends the daemon as a service manager does and returns its exit code.
func (d *daemon) stop() (int, error) {
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, fmt.Errorf("stop the daemon: %w", err)
	}
	timer := time.NewTimer(stopBound)
	defer timer.Stop()
	select {
	case <-d.exited:
		return d.command.ProcessState.ExitCode(), nil
	case <-timer.C:
		return 0, errors.Join(fmt.Errorf("the daemon did not end within %s of SIGTERM", stopBound), d.kill())
	}
}

// reapLeft is the exit code of a reap that leaves an undo for later.
const reapLeft = 4

// errReapDied is returned when "cmed reap" was ended by SIGKILL.
var errReapDied = errors.New("cmed reap was killed")

// reap runs "cmed reap" and says whether it left undos that are due later, or
// that asked for another try.
func (w *world) reap(ctx context.Context, failpoints string) (left bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	command, log, err := w.command(failpoints, append([]string{"reap"}, w.flags()...)...)
	if err != nil {
		return false, err
	}
	defer log.Close() //nolint:errcheck // only the child writes to it
	command.Stdout = log
	if err := command.Start(); err != nil {
		return false, fmt.Errorf("cmed reap: %w", err)
	}
	release := context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
	defer release()
	err = command.Wait()
	switch {
	case ctx.Err() == nil && wasKilled(command):
		return false, errReapDied
	case command.ProcessState.ExitCode() == reapLeft:
		return true, nil
	case err != nil:
		return false, fmt.Errorf("cmed reap: %w", err)
	}
	return false, nil
}
