package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// How long a server may take to become ready and to end, and how often it is
// asked whether it is ready.
const (
	startBound = time.Minute
	stopBound  = 20 * time.Second
	askEvery   = 500 * time.Microsecond
)

// server is a process that serves HTTP on a port of loopback.
type server struct {
	base    string        // URL up to the path
	startup time.Duration // from exec to the first answer that said ready
	pid     int

	command *exec.Cmd
	log     string        // file with what it printed
	exited  chan struct{} // closed when it has ended
	err     error         // of its end; read after exited
}

// startServer executes a program and returns when GET base+ready answers 200.
// args are made for the address it is to listen on. When it fails, nothing is
// left of the process.
func startServer(ctx context.Context, dir, program, ready string, args func(host, port string) []string) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(dir, "log-")
	if err != nil {
		return nil, fmt.Errorf("make a log file: %w", err)
	}
	defer log.Close() //nolint:errcheck // only the child writes to it
	s := &server{base: "http://" + address, log: log.Name(), exited: make(chan struct{})}
	s.command = exec.Command(program, args(host, port)...) //nolint:gosec // a binary of this repository
	s.command.Dir, s.command.Env = dir, plainEnvironment()
	s.command.Stdout, s.command.Stderr = log, log
	begin := time.Now()
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program), err)
	}
	s.pid = s.command.Process.Pid
	go func() { // ends with the process, which stop ends
		s.err = s.command.Wait()
		close(s.exited)
	}()
	if err := s.await(ctx, ready); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w%s", filepath.Base(program), err, s.lastWords()), s.kill())
	}
	s.startup = time.Since(begin)
	return s, nil
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// plainEnvironment is ours without what would configure the daemon.
func plainEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "CMED_") {
			env = append(env, entry)
		}
	}
	return env
}

// await asks until the answer is 200.
func (s *server) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startBound, fmt.Errorf("it was not ready within %s", startBound))
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("it ended: %w", s.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stop tells the process to end and waits for it, at most stopBound.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(fmt.Errorf("process %d ended before it was told to%s: %w", s.pid, s.lastWords(), err), s.kill())
	}
	timer := time.NewTimer(stopBound)
	defer timer.Stop()
	select {
	case <-s.exited:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("process %d did not end within %s%s", s.pid, stopBound, s.lastWords()), s.kill())
	}
}

// kill ends the process at once, if it still runs.
func (s *server) kill() error {
	err := s.command.Process.Kill()
	<-s.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// lastWords is the end of what it printed, to be put after a message.
func (s *server) lastWords() string {
	const tail = 2 << 10
	text, err := os.ReadFile(s.log) //nolint:gosec // in our own folder
	if err != nil || len(text) == 0 {
		return ""
	}
	return "; it said:\n" + string(text[max(0, len(text)-tail):])
}

// startWeb starts the bare HTTP server.
func (w *world) startWeb(ctx context.Context) (*server, error) {
	return startServer(ctx, w.dir, w.program("web"), "/", func(host, port string) []string {
		return []string{net.JoinHostPort(host, port)}
	})
}

// setup is how a daemon is started.
type setup struct {
	store             string // path of its file
	attacks, planners string // folders
}

// startDaemon starts cmed with the defaults of an operator, but for its paths.
func (w *world) startDaemon(ctx context.Context, s setup) (*server, error) {
	return startServer(ctx, w.dir, w.cmed, "/readyz", func(host, port string) []string {
		return []string{
			"--host=" + host, "--port=" + port, "--timezone=UTC", "--database-uri=" + s.store,
			"--attacks-folder=" + s.attacks, "--planners-folder=" + s.planners,
		}
	})
}

// shipped is a daemon with the plugins that are shipped.
func (w *world) shipped(store string) setup { return setup{store, w.attacks, w.planners} }
