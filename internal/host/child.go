package host

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/sandbox"
)

// killBound is how long the end of a group after SIGKILL is waited for. Only a
// process stuck in the kernel takes longer.
const killBound = 5 * time.Second

// sandboxBound is how long a sandbox may take to be empty when nothing of its
// processes can be found any more.
const sandboxBound = time.Second

// command is what a child executes.
type command struct {
	path string
	args []string
	env  []string
	dir  string
	mark string // the value of CMED_RUN, also in env
	// lifeline makes stdin a pipe that ends when the host does; else it is
	// empty.
	lifeline bool
	// cage confines it; own is the folder its plugin file was placed in, which
	// it may read.
	cage cage
	own  string
}

// child is a plugin process, the leader of its group. The caller reads stdout
// and stderr and closes the child's pipes with closePipes once it is gone.
type child struct {
	pid  int
	mark string
	// stdout and stderr are the host's ends; they take deadlines.
	stdout, stderr *os.File
	// gone is closed when the process has ended and nothing of its group or
	// mark is left, or killBound has passed over it: then remains is set.
	gone chan struct{}
	// remains is set when some of its processes may still be there; read it
	// after gone.
	remains bool
	// state is the leader's end; read it after gone.
	state *os.ProcessState

	proc    *os.Process
	exited  *exitWatch
	group   *cgroup.Group       // nil: it has none
	release func()              // lets the thread go that forked it
	sandbox *sandbox.Supervisor // nil: it is in none
	logger  hclog.Logger
	// givenUp is set when it outlived SIGKILL: then Reap looks after it.
	givenUp atomic.Bool
	// killed is set when SIGKILL was sent to the group.
	killed atomic.Bool
	// saw, if set, is told what the process did; nil but in a trial.
	saw      func(SightingKind, string)
	mu       sync.Mutex
	lifeline *os.File
	reaped   bool
}

// spawn starts a child.
func (h *Host) spawn(cmd command) (*child, error) {
	p, err := newPipes(cmd.lifeline)
	if err != nil {
		return nil, err
	}
	c := &child{
		mark: cmd.mark, stdout: p.stdout, stderr: p.stderr, lifeline: p.lifeline,
		gone: make(chan struct{}), logger: h.log.With("run", cmd.mark),
	}
	if h.watched() {
		c.saw = func(kind SightingKind, detail string) { h.saw(cmd.mark, kind, detail) }
	}
	l, err := h.prepare(cmd, p.theirs)
	if err == nil {
		err = h.live.start(c, func() (*os.Process, error) { return h.fork(c, l) })
		l.close()
	}
	p.closeTheirs()
	if err != nil {
		c.closePipes()
		return nil, err
	}
	c.exited = watchExit(c.proc, l.pidfd())
	go c.reap(h.live)
	return c, nil
}

// reap waits for the leader's end, then ends what is left of it.
func (c *child) reap(live *tracker) {
	defer close(c.gone)
	defer live.remove(c)
	c.exited.wait()
	if c.saw != nil {
		c.tellSurvivors()
	}
	c.kill() // whoever is left in the group; the dead leader still holds its number
	c.mu.Lock()
	c.reaped = true
	state, err := c.exited.reap()
	c.mu.Unlock()
	c.release()
	if err != nil {
		c.logger.Error("waiting for a plugin process failed", "pid", c.pid, "error", err)
	}
	c.state = state
	if err := live.sweep(c, killBound); err != nil {
		c.remains = true
		c.logger.Error("a plugin's processes can't be ended", "pid", c.pid, "error", err)
	}
	if c.sandbox != nil {
		c.leaveSandbox(live)
	}
}

// leaveSandbox ends the sandbox, and who is still in it: that can't be found by what
// all processes of a call have.
func (c *child) leaveSandbox(live *tracker) {
	empty := c.sandbox.End(sandboxBound)
	if call := c.sandbox.Stuck(); call != "" {
		c.logger.Error("what a plugin did is still looked at; a file system does not answer", "call", call)
	}
	if empty {
		return
	}
	ended, gone := live.endEscaped(killBound)
	for _, command := range ended {
		c.tell(SawProcess, command+" (it has shaken off its mark)")
	}
	switch {
	case len(ended) == 0:
		c.tell(SawProcess, "a process that has shaken off its mark, so that it can't be found")
	case !gone:
		c.remains = true
		c.logger.Error("processes that have shaken off their mark outlive SIGKILL")
	}
}

// tell tells of what the process did, if anybody wants to know.
func (c *child) tell(kind SightingKind, detail string) {
	if c.saw != nil {
		c.saw(kind, detail)
	}
}

// signal sends to the whole group, if the leader has not been reaped.
func (c *child) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = syscall.Kill(-c.pid, sig) // it may be gone
	}
}

// endGroup kills what is in the child's cgroup, and says whether that is gone.
func (c *child) endGroup() (gone bool, err error) {
	if c.group == nil {
		return true, nil
	}
	return c.group.End()
}

func (c *child) terminate() { c.signal(syscall.SIGTERM) }

func (c *child) kill() {
	c.killed.Store(true)
	c.signal(syscall.SIGKILL)
}

// cutLifeline ends the child's standard input.
func (c *child) cutLifeline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lifeline != nil {
		_ = c.lifeline.Close()
		c.lifeline = nil
	}
}

// ended waits for gone and says whether it came.
func (c *child) ended(bound time.Duration) bool {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-c.gone:
		return true
	case <-timer.C:
		return false
	}
}

// end gives the child some time to go by itself, then kills it, and returns
// when it is gone or after killBound. reap then goes on.
func (c *child) end(patience time.Duration) bool {
	c.cutLifeline()
	if patience > 0 && c.ended(patience) {
		return !c.remains
	}
	c.kill()
	if c.ended(killBound + time.Second) {
		return !c.remains
	}
	c.givenUp.Store(true)
	return false
}

// isOver says whether nothing is left of it.
func (c *child) isOver() bool { return c.isGone() && !c.remains }

// isGone says whether gone is closed.
func (c *child) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// drainBy bounds reading what the child wrote before it ended.
func (c *child) drainBy(t time.Time) {
	_ = c.stdout.SetReadDeadline(t)
	_ = c.stderr.SetReadDeadline(t)
}

func (c *child) closePipes() {
	c.cutLifeline()
	_ = c.stdout.Close()
	_ = c.stderr.Close()
}

// how says in words how the leader ended; after gone.
func (c *child) how() string {
	if !c.isGone() || c.state == nil {
		return "it can't be told how it ended"
	}
	ws, ok := c.state.Sys().(syscall.WaitStatus)
	switch {
	case ok && ws.Signaled():
		return fmt.Sprintf("it was ended by a signal (%s)", ws.Signal())
	case ok && ws.Exited():
		return fmt.Sprintf("it exited with code %d", ws.ExitStatus())
	default:
		return c.state.String()
	}
}

// pipes are the three standard streams of a child, both ends.
type pipes struct {
	lifeline, stdout, stderr *os.File
	theirs                   []*os.File
}

func newPipes(lifeline bool) (*pipes, error) {
	p := &pipes{}
	stdin, err := p.stdin(lifeline)
	if err != nil {
		return nil, err
	}
	p.theirs = append(p.theirs, stdin)
	for _, ours := range []**os.File{&p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		*ours = r
		p.theirs = append(p.theirs, w)
	}
	return p, nil
}

func (p *pipes) stdin(lifeline bool) (*os.File, error) {
	if !lifeline {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return nil, fmt.Errorf("open an empty input: %w", err)
		}
		return null, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	p.lifeline = w
	return r, nil
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

func (p *pipes) close() {
	p.closeTheirs()
	for _, f := range []*os.File{p.lifeline, p.stdout, p.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}
