package host

import (
	"os"
	"sync"
)

// tracker knows the children that are alive, so that nothing of theirs is taken
// for a leftover, and ends what a child leaves behind.
type tracker struct {
	mu       sync.Mutex
	children map[*child]bool
	pids     map[int]bool
	closed   bool
	// forking is held for reading from a fork until the child is known, and for
	// writing while orphans are looked at: a child not yet known looks like one.
	forking sync.RWMutex
}

func newTracker() *tracker {
	return &tracker{children: map[*child]bool{}, pids: map[int]bool{}}
}

// start forks a child and keeps track of it until it is removed. errClosed after
// close.
func (t *tracker) start(c *child, fork func() (*os.Process, error)) error {
	t.forking.RLock()
	defer t.forking.RUnlock()
	if !t.admit(c) {
		return errClosed
	}
	proc, err := fork()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		delete(t.children, c)
		return err
	}
	c.proc, c.pid = proc, proc.Pid
	t.pids[c.pid] = true
	return nil
}

// admit makes the child's mark known before there is a process that carries it.
func (t *tracker) admit(c *child) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.children[c] = true
	}
	return !t.closed
}

// close refuses new children and waits for forks under way.
func (t *tracker) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.forking.Lock()
	defer t.forking.Unlock()
}

func (t *tracker) remove(c *child) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.children, c)
	delete(t.pids, c.pid)
}

// leads says whether the process is a child of ours that is waited for.
func (t *tracker) leads(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pids[pid]
}

// count is how many children have a process.
func (t *tracker) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pids)
}

// marks returns the marks of the children that are alive and not given up.
func (t *tracker) marks() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	marks := make(map[string]bool, len(t.children))
	for c := range t.children {
		if !c.givenUp.Load() {
			marks[c.mark] = true
		}
	}
	return marks
}

// all returns the children that have a process.
func (t *tracker) all() []*child {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*child
	for c := range t.children {
		if t.pids[c.pid] {
			out = append(out, c)
		}
	}
	return out
}
