package sdk

import (
	"context"
	"sync"
	"time"
)

// life is the life of a plugin process. It serves calls until it is told to
// end; then the calls under way have the grace to finish, no new one begins,
// and the process goes.
type life struct {
	grace time.Duration
	// leave ends the process once nothing is under way. flush is set when a
	// call has just finished, whose answer is to reach the host. Called once.
	leave func(flush bool)
	// kill ends the process at once. Called when the grace is over.
	kill func()

	mu     sync.Mutex
	cause  *StopError // why it ends; nil while it doesn't
	calls  map[int]context.CancelCauseFunc
	serial int
	left   bool

	// ending is closed when the life is told to end, over when nothing is under
	// way any more.
	ending, over chan struct{}
}

func newLife(grace time.Duration) *life {
	return &life{
		grace: grace, leave: func(bool) {}, kill: func() {},
		calls: map[int]context.CancelCauseFunc{}, ending: make(chan struct{}), over: make(chan struct{}),
	}
}

// begin enters a call, whose context is cancelled with the cause when the life
// ends. The error is that cause if it already does: the call must not begin.
// Otherwise the caller must call done when the call is over.
func (l *life) begin(cancel context.CancelCauseFunc) (done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil {
		return nil, l.cause
	}
	l.serial++
	id := l.serial
	l.calls[id] = cancel
	return func() {
		l.mu.Lock()
		delete(l.calls, id)
		l.mu.Unlock()
		l.leaveIfOver(true)
	}, nil
}

// end tells the life to end. Only the first cause counts.
func (l *life) end(cause *StopError) {
	l.mu.Lock()
	if l.cause != nil {
		l.mu.Unlock()
		return
	}
	l.cause = cause
	for _, cancel := range l.calls {
		cancel(cause)
	}
	close(l.ending)
	time.AfterFunc(l.grace, l.kill)
	l.mu.Unlock()
	l.leaveIfOver(false)
}

func (l *life) leaveIfOver(flush bool) {
	l.mu.Lock()
	over := l.cause != nil && len(l.calls) == 0 && !l.left
	l.left = l.left || over
	l.mu.Unlock()
	if over {
		l.leave(flush)
		close(l.over)
	}
}
