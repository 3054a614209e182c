package host

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/sandbox"
)

// busyRetries is how often an executable that is "text file busy" is tried
// again. A fork elsewhere in this process may hold the freshly written copy
// open until its own exec.
const busyRetries = 6

var errClosed = errors.New("the plugin host is closed")

// spawner forks plugin processes from a thread that it keeps to itself: the
// kernel sends a child its parent-death signal when the thread that forked it
// ends, and Go ends threads when it likes. The thread is hardened, and so are
// the children. A child that is confined has a thread of its own, for what is
// put on a thread can't be taken off.
type spawner struct {
	requests chan spawnRequest
	quit     chan struct{}
	done     chan struct{}
	// hardened is the error of hardening the thread; read it after newSpawner.
	hardened error
}

type spawnRequest struct {
	path  string
	args  []string
	attr  *os.ProcAttr
	rules *landlock.Ruleset // nil: not confined
	// room, if set, is the sandbox it is put in.
	room  *room
	reply chan spawnReply
}

// spawnReply is a process, and what must be called when it has been reaped.
type spawnReply struct {
	proc    *os.Process
	release func()
	// sandbox judges what it does, if it is in one.
	sandbox *sandbox.Supervisor
	err     error
}

func newSpawner() *spawner {
	// Go finds out once whether the kernel has process descriptors, on whatever
	// thread comes first. That must not be one whose calls wait for this process.
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Release()
	}
	s := &spawner{requests: make(chan spawnRequest), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan struct{})
	onOwnThread(func() {
		defer close(s.done)
		s.hardened = hardenThread()
		close(ready)
		s.run()
	})
	<-ready
	return s
}

func (s *spawner) run() {
	for {
		select {
		case r := <-s.requests:
			proc, err := os.StartProcess(r.path, r.args, r.attr)
			r.reply <- spawnReply{proc: proc, release: func() {}, err: err}
		case <-s.quit:
			return
		}
	}
}

// start forks and returns when the child has executed the path, or could not.
func (s *spawner) start(r spawnRequest) (spawnReply, error) {
	wait := 2 * time.Millisecond
	for try := 0; ; try++ {
		r.reply = make(chan spawnReply, 1)
		if r.rules != nil || r.room != nil {
			confine(r)
		} else {
			select {
			case s.requests <- r:
			case <-s.quit:
				return spawnReply{}, errClosed
			}
		}
		reply := <-r.reply
		if reply.err == nil {
			return reply, nil
		}
		if !errors.Is(reply.err, syscall.ETXTBSY) || try == busyRetries {
			return spawnReply{}, fmt.Errorf("execute: %w", reply.err)
		}
		time.Sleep(wait)
		wait *= 2
	}
}

// confine forks from a thread with the rules on it, or a sandbox, and keeps the
// thread until the child is released.
func confine(r spawnRequest) {
	release, ended := make(chan struct{}), make(chan struct{})
	onOwnThread(func() {
		defer close(ended)
		_ = hardenThread() // without no_new_privs the rules are refused
		judge, err := r.restrictThread()
		var proc *os.Process
		if err == nil {
			// What is judged is judged here too: os tries out, once, what it
			// can do with processes.
			proc, err = os.StartProcess(r.path, r.args, r.attr)
		}
		switch {
		case judge != nil && err != nil:
			judge.End(0)
		case judge != nil:
			r.room.leader.Store(int64(proc.Pid))
		}
		r.reply <- spawnReply{proc: proc, sandbox: judge, err: err, release: func() {
			close(release)
			<-ended
		}}
		if err == nil {
			<-release
		}
	})
}

// restrictThread puts on the calling thread what the child is to inherit. The
// supervisor is that of its sandbox; nil without.
func (r spawnRequest) restrictThread() (*sandbox.Supervisor, error) {
	if r.rules != nil {
		if err := r.rules.RestrictThread(); err != nil {
			return nil, err
		}
	}
	if r.room == nil {
		return nil, nil //nolint:nilnil // no sandbox is no error
	}
	listener, err := sandbox.RestrictThread()
	if err != nil {
		return nil, err
	}
	return sandbox.Supervise(listener, r.room.policy), nil
}

// close ends the thread. No child may be left: it would get the signal.
func (s *spawner) close() {
	close(s.quit)
	<-s.done
}
