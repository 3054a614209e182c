package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	pluginrunner "github.com/hashicorp/go-plugin/runner"
)

// maxHandshake bounds the line on stdout by which a plugin says where it
// listens.
const maxHandshake = 4 << 10

var errAborted = errors.New("no longer wanted")

// runner starts the process for go-plugin and gives it little to hold on to: of
// stdout it sees the handshake only, of stderr nothing, and it is told that the
// process has ended only when the host has seen to that itself. It implements
// go-plugin's runner.Runner.
type runner struct {
	host   *Host
	call   call
	cage   cage
	path   string // of the copy
	output *output

	env []string // what go-plugin tells the plugin
	// adopted is called when the folder that go-plugin made is known.
	adopted func()
	// released is closed when go-plugin may know that the process has ended.
	released chan struct{}
	release  func()
	// stdout passes the handshake to go-plugin.
	stdout  *io.PipeReader
	drained sync.WaitGroup

	mu      sync.Mutex
	aborted bool
	dir     string
	child   *child
	first   []byte // the first line on stdout
}

func newRunner(h *Host, c call, path string, o *output) *runner {
	released := make(chan struct{})
	return &runner{
		host: h, call: c, cage: h.cageOf(c.ref), path: path, output: o,
		released: released, release: sync.OnceFunc(func() { close(released) }),
	}
}

// adopt is go-plugin's RunnerFunc. The folder it made becomes the process's own.
func (r *runner) adopt(_ hclog.Logger, cmd *exec.Cmd, dir string) (pluginrunner.Runner, error) {
	r.env = cmd.Env
	r.host.useRunDir(dir)
	r.adopted()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dir = dir
	return r, nil
}

// Start forks.
func (r *runner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.aborted {
		return errAborted
	}
	mark := r.host.mark(r.call.what)
	own := callEnv(mark, r.call.path, r.dir, r.host.scriptsFolder(), r.host.cfg.Grace)
	c, err := r.host.spawn(command{
		path: r.path, env: overlay(own, r.call.env, r.env), dir: r.dir, mark: mark, lifeline: true, cage: r.cage, own: folderOf(r.call.path),
	})
	if err != nil {
		return err
	}
	r.child = c
	pr, pw := io.Pipe()
	r.stdout = pr
	r.drained.Go(func() { r.readStdout(c, pw) })
	r.drained.Go(func() { r.output.drain(c.stderr) })
	return nil
}

// readStdout passes the first line on and drops the rest.
func (r *runner) readStdout(c *child, to *io.PipeWriter) {
	line, rest, err := readLine(c.stdout, maxHandshake)
	r.mu.Lock()
	r.first = line
	r.mu.Unlock()
	_, _ = to.Write(append(bytes.Clone(line), '\n'))
	_ = to.Close()
	stray := r.host.stray(c.mark)
	_, _ = stray.Write(rest) // never fails
	if err == nil {
		_, _ = io.Copy(stray, c.stdout)
	}
	stray.tell()
}

// readLine reads to the first line end, at most limit bytes. What follows the
// line in the same read is the rest.
func readLine(from io.Reader, limit int) (line, rest []byte, err error) {
	buf := make([]byte, limit)
	for n := 0; ; {
		m, err := from.Read(buf[n:])
		if i := bytes.IndexByte(buf[n:n+m], '\n'); i >= 0 {
			return buf[:n+i], buf[n+i+1 : n+m], nil
		}
		n += m
		if err != nil || n == limit {
			return buf[:n], nil, err
		}
	}
}

// abort ends the process, or keeps it from starting.
func (r *runner) abort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.aborted = true
	if r.child != nil {
		r.child.kill()
	}
}

// finish reads what is left of the output of a child that is gone.
func (r *runner) finish(c *child) {
	c.drainBy(time.Now().Add(drainBound))
	_ = r.stdout.Close()
	r.drained.Wait()
	c.closePipes()
}

func (r *runner) started() *child {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.child
}

func (r *runner) folder() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dir
}

func (r *runner) handshake() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.first)
}

// Stdout is the handshake.
func (r *runner) Stdout() io.ReadCloser { return r.stdout }

// Stderr is empty: the host reads the real one.
func (r *runner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait returns when the session lets go: until then go-plugin's own reactions
// to an exit, which race with ours, stay out of the way.
func (r *runner) Wait(context.Context) error {
	<-r.released
	return nil
}

// Kill ends the group at once.
func (r *runner) Kill(context.Context) error {
	r.abort()
	return nil
}

// PluginToHost accepts only a socket in the process's own folder, which nobody
// else can reach.
func (r *runner) PluginToHost(network, address string) (string, string, error) {
	if network == "unix" && !filepath.IsAbs(address) {
		address = filepath.Join(r.folder(), address)
	}
	address = filepath.Clean(address)
	if network != "unix" || !strings.HasPrefix(address, r.folder()+string(filepath.Separator)) {
		return "", "", fmt.Errorf("it listens on %s %s: it must be a unix socket in $PLUGIN_UNIX_SOCKET_DIR", network, address)
	}
	// A link would lead the host to where the plugin itself may not be let in.
	if target := resolved(address); !strings.HasPrefix(target, resolved(r.folder())+string(filepath.Separator)) {
		return "", "", fmt.Errorf("it listens on %s, which leads to %s: it must be a unix socket in $PLUGIN_UNIX_SOCKET_DIR", address, target)
	}
	return network, address, nil
}

// HostToPlugin is never used: the host offers no services.
func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// Name is the copy's path.
func (r *runner) Name() string { return r.path }

// ID is the process's number, "" before the start.
func (r *runner) ID() string {
	if c := r.started(); c != nil {
		return strconv.Itoa(c.pid)
	}
	return ""
}

// Diagnose has nothing to add: the host makes its own diagnosis.
func (r *runner) Diagnose(context.Context) string { return "" }
