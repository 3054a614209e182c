package cmepython

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const (
	// leaving is how long python has from its last word to its end: what
	// modules do at exit.
	leaving = 5 * time.Second
	// drain is how long its output is still read when it is gone. It is all in
	// the pipes by then, unless somebody that is not in its group holds them.
	drain = 250 * time.Millisecond
)

// process is a python3 that serves one call, the leader of its group.
type process struct {
	command *exec.Cmd
	// request goes to python; python ends itself when it closes.
	request *os.File
	// events, stdout and stderr come from python.
	events, stdout, stderr *os.File
	// exited is closed when the process has ended, and its group with it.
	exited chan struct{}
}

// startPython starts an interpreter on the shim in dir, with variables besides
// those of this process. The caller reads what comes, then calls close.
func startPython(interpreter, dir string, env ...string) (*process, error) {
	p := &process{exited: make(chan struct{})}
	theirs, err := p.pipe()
	defer closeAll(theirs)
	if err != nil {
		p.close()
		return nil, err
	}
	// -E: no PYTHON* variable changes what runs. -B: nothing is written
	// beside the modules.
	c := exec.Command(interpreter, "-E", "-B", "-X", "utf8", filepath.Join(dir, "shim")) //nolint:gosec // python3
	c.Env = append(environment(os.Environ(), dir), env...)
	c.ExtraFiles = []*os.File{theirs[0], theirs[1]} // descriptors 3 and 4
	c.Stdout, c.Stderr = theirs[2], theirs[3]
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		p.close()
		return nil, fmt.Errorf("start %s: %w", interpreter, err)
	}
	p.command = c
	go func() { // ends with the process, which await ends at the latest
		defer close(p.exited)
		_ = c.Wait()              // how it ended is in ProcessState
		p.signal(syscall.SIGKILL) // whom it has left in its group
	}()
	return p, nil
}

// pipe opens the pipes and returns python's ends.
func (p *process) pipe() (theirs []*os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	p.request, theirs = write, []*os.File{read}
	for _, ours := range []**os.File{&p.events, &p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return theirs, fmt.Errorf("make a pipe: %w", err)
		}
		*ours, theirs = r, append(theirs, w)
	}
	return theirs, nil
}

// environment is that of python: this process's without what is between it and
// the host. HOME and TMPDIR are given to a process that has none.
func environment(own []string, dir string) []string {
	env := slices.DeleteFunc(slices.Clone(own), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case pluginv1.EnvRun, pluginv1.EnvPluginPath, pluginv1.EnvScripts: // what it may be found by, and use
			return false
		}
		return name == "TZ" || strings.HasPrefix(name, "CMED_") || strings.HasPrefix(name, "PLUGIN_")
	})
	for _, entry := range []string{"PATH=" + searchPath, "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8"} {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, entry)
		}
	}
	return env
}

// await returns when the process has ended. When ctx ends first, the group is
// told to terminate, and killed after the grace; with none it is killed at once.
// From over on it has a moment to leave.
func (p *process) await(ctx context.Context, grace time.Duration, over <-chan struct{}) {
	deadline := time.NewTimer(time.Hour)
	deadline.Stop()
	defer deadline.Stop()
	stop := ctx.Done()
	var kill time.Time
	by := func(t time.Time) {
		if kill.IsZero() || t.Before(kill) {
			kill = t
			deadline.Reset(time.Until(t))
		}
	}
	for {
		select {
		case <-p.exited:
			return
		case <-over:
			over = nil
			by(time.Now().Add(leaving))
		case <-stop:
			stop = nil
			if grace > 0 {
				p.signal(syscall.SIGTERM)
			}
			by(time.Now().Add(grace))
		case <-deadline.C:
			p.signal(syscall.SIGKILL)
		}
	}
}

// signal sends to the whole group.
func (p *process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.command.Process.Pid, sig) // it may be gone
}

// how says in words how the process ended; after exited.
func (p *process) how() string { return p.command.ProcessState.String() }

// ask writes the request. It returns when python has read all of it, or is gone.
func (p *process) ask(doc []byte) { _, _ = p.request.Write(append(doc, '\n')) }

// read calls each reader in a goroutine and returns a function that waits for
// them, for no longer than drain. To be called when the process has ended.
func (p *process) read(readers ...func()) (wait func()) {
	var all sync.WaitGroup
	for _, r := range readers {
		all.Go(r)
	}
	return func() {
		_ = p.request.Close() // ends ask
		for _, f := range []*os.File{p.events, p.stdout, p.stderr} {
			_ = f.SetReadDeadline(time.Now().Add(drain))
		}
		all.Wait()
	}
}

// close closes the pipes.
func (p *process) close() { closeAll([]*os.File{p.request, p.events, p.stdout, p.stderr}) }

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// isOver says whether an error of reading means that nothing more will come.
func isOver(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded)
}
