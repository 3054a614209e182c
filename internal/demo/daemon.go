package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
)

// daemon is a cmed process.
type daemon struct {
	url      string
	greeting string // its line on standard output
	command  *exec.Cmd
	log      bytes.Buffer  // its standard error; read after exited
	exited   chan struct{} // closed when it has ended
	err      error         // of its end; read after exited
}

var inGreeting = regexp.MustCompile(`is ready: (http://\S+/)`)

// startDaemon starts cmed on a free port, with all it keeps in dir and these
// variables besides the demo's own, and returns when it is ready.
func startDaemon(ctx context.Context, binary, dir string, env []string) (*daemon, error) {
	d := &daemon{exited: make(chan struct{})}
	//nolint:gosec // the binary that the demo is for
	d.command = exec.Command(binary, "--port=0", "--log-level=warn",
		"--database-uri="+filepath.Join(dir, "cme.db"))
	d.command.Env = append(os.Environ(), env...)
	d.command.Stderr = &d.log
	stdout, err := d.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	if err := d.command.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon (make build makes it): %w", err)
	}
	greeting := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case greeting <- lines.Text():
			default: // it says one line only; more is not for us
			}
		}
	})
	go func() { // ends with the process, which kill ends
		reading.Wait()
		d.err = d.command.Wait()
		close(d.exited)
	}()
	return d, d.awaitGreeting(ctx, greeting)
}

// awaitGreeting waits for the line that says where the daemon serves. When it
// does not come, the daemon is ended.
func (d *daemon) awaitGreeting(ctx context.Context, greeting <-chan string) error {
	select {
	case d.greeting = <-greeting:
	case <-d.exited:
		return fmt.Errorf("the daemon did not start: %w: %s", d.err, d.log.String())
	case <-ctx.Done():
		return errors.Join(errors.New("the daemon was not ready in time"), d.kill(), d.complaints())
	}
	found := inGreeting.FindStringSubmatch(d.greeting)
	if found == nil {
		return errors.Join(fmt.Errorf("the daemon said %q", d.greeting), d.kill())
	}
	d.url = found[1]
	return nil
}

// stop asks the daemon to end, as a service manager does.
func (d *daemon) stop(ctx context.Context) error {
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case <-d.exited:
	case <-ctx.Done():
		return errors.New("the daemon did not stop in time")
	}
	if d.err != nil {
		return fmt.Errorf("the daemon ended badly: %w", d.err)
	}
	return nil
}

// kill ends a daemon that still runs.
func (d *daemon) kill() error {
	err := d.command.Process.Kill()
	<-d.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// complaints is what the daemon logged, as an error; nil if that is nothing. It
// ends the daemon.
func (d *daemon) complaints() error {
	err := d.kill()
	if d.log.Len() > 0 {
		err = errors.Join(err, fmt.Errorf("the daemon said:\n%s", d.log.String()))
	}
	return err
}
