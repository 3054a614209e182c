package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// exitPatience is how long a process that has answered, or is no longer wanted,
// may take to exit by itself.
const exitPatience = 500 * time.Millisecond

var errUsed = errors.New("Run or Discard was called before")

// Launch starts a process for a run and opens its stream. Nothing of the attack
// happens until Process.Run. The process lives until Run or Discard whatever
// becomes of ctx, which bounds only the launch.
func (h *Host) Launch(ctx context.Context, o engine.Offer, id engine.ExecutorID) (engine.Process, error) {
	s, err := h.open(ctx, call{
		class: classLaunch, what: string(id), digest: o.Digest, ref: o.Ref,
		path: filepath.Join(h.dir(o.Kind), o.Plugin), env: h.passTo(o.Ref, o.Env),
	})
	if err != nil {
		return nil, fmt.Errorf("start plugin %s: %w", o.Plugin, err)
	}
	streamCtx, cancel := context.WithCancel(context.Background())
	opened := context.AfterFunc(ctx, cancel) // opening waits for the connection
	stream, err := s.rpc.Run(streamCtx)
	if !opened() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel()
		s.end(0)
		return nil, fmt.Errorf("start plugin %s: %w", o.Plugin, s.broken("Run", err))
	}
	return &process{
		session: s, ref: o.Ref, stream: stream, cancel: cancel,
		isolation: h.isolationOf(s.child, s.runner.folder(), s.runner.cage), lacks: h.lacks(o),
	}, nil
}

// process is a launched plugin. It implements engine.Process.
type process struct {
	*session
	ref    engine.Ref
	stream pluginv1.Plugin_RunClient
	cancel context.CancelFunc
	once   sync.Once
	// isolation is what was found to confine the process.
	isolation []string
	// lacks says in words what the process was not given.
	lacks []string
}

// PID is the process's number.
func (p *process) PID() int { return p.child.pid }

// Isolation names what really confines the process, as it was found after its
// start.
func (p *process) Isolation() []string { return slices.Clone(p.isolation) }

// Run sends Start and returns when the run is over and nothing is left of it.
func (p *process) Run(ctx context.Context, start engine.Start, sink engine.Sink) engine.Exit {
	exit := engine.Exit{Err: errUsed}
	p.once.Do(func() {
		if ctx.Err() != nil {
			p.close(0)
			exit = engine.Exit{
				Stopped: true, NotStarted: true, Status: p.status(0),
				Err: fmt.Errorf("stopped before it was started: %w", context.Cause(ctx)),
			}
			return
		}
		c := newConversation(ctx, p, sink)
		exit = c.hold(start)
	})
	return exit
}

// Discard ends the process. Its lifeline closes before Start was sent, so it
// exits without running; one that does not is killed.
func (p *process) Discard() {
	p.once.Do(func() {
		_ = p.stream.CloseSend() // never fails
		p.close(exitPatience)
	})
}

// close ends the process and the stream.
func (p *process) close(patience time.Duration) {
	if patience == 0 {
		p.child.kill()
	}
	p.end(patience)
	p.cancel()
}

// status tells how the process ended; call it after close.
func (p *process) status(peak int64) engine.ExitStatus {
	st := engine.ExitStatus{Code: -1, PeakMemory: peak, Stderr: p.output.text()}
	if !p.child.isGone() || p.child.state == nil {
		return st
	}
	state := p.child.state
	st.CPU = state.UserTime() + state.SystemTime()
	st.Code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		st.Signal = ws.Signal().String()
	}
	return st
}
