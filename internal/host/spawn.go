package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// busyRetries is how often an executable that is "text file busy" is tried
// again. A fork elsewhere in this process may hold the freshly written copy
// open until its own exec.
const busyRetries = 6

var errClosed = errors.New("the plugin host is closed")

// spawner forks all plugin processes from one thread that it keeps to itself:
// the kernel sends a child its parent-death signal when the thread that forked
// it ends, and Go ends threads when it likes.
type spawner struct {
	requests chan spawnRequest
	quit     chan struct{}
	done     chan struct{}
}

type spawnRequest struct {
	path  string
	args  []string
	attr  *os.ProcAttr
	reply chan spawnReply
}

type spawnReply struct {
	proc *os.Process
	err  error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest), quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case r := <-s.requests:
			proc, err := os.StartProcess(r.path, r.args, r.attr)
			r.reply <- spawnReply{proc, err}
		case <-s.quit:
			return
		}
	}
}

// start forks and returns when the child has executed path, or could not.
func (s *spawner) start(path string, args []string, attr *os.ProcAttr) (*os.Process, error) {
	wait := 2 * time.Millisecond
	for try := 0; ; try++ {
		r := spawnRequest{path: path, args: args, attr: attr, reply: make(chan spawnReply, 1)}
		select {
		case s.requests <- r:
		case <-s.quit:
			return nil, errClosed
		}
		reply := <-r.reply
		if !errors.Is(reply.err, syscall.ETXTBSY) || try == busyRetries {
			if reply.err != nil {
				return nil, fmt.Errorf("execute: %w", reply.err)
			}
			return reply.proc, nil
		}
		time.Sleep(wait)
		wait *= 2
	}
}

// close ends the thread. No child may be left: it would get the signal.
func (s *spawner) close() {
	close(s.quit)
	<-s.done
}
