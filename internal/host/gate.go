package host

import (
	"context"
	"slices"
	"sync"
	"time"
)

// class is how urgent a process is to be spawned; lower goes first.
type class int

const (
	classUndo class = iota
	classLaunch
	classPlan
	classDescribe
	classes
)

// spawnPatience is how long a process may keep its place in the gate. One that
// takes longer waits for something rather than starts, and must not keep others
// from starting.
const spawnPatience = time.Second

// gate bounds how many processes are being spawned at once: beyond a few a core,
// more at once only makes each one later. Who waits is served by class, and
// first come first served within a class.
type gate struct {
	mu      sync.Mutex
	free    int
	waiting [classes][]chan struct{}
}

func newGate(places int) *gate { return &gate{free: places} }

// enter waits for a place. The place is given back by calling leave, which may
// be called more than once, or by itself after spawnPatience.
func (g *gate) enter(ctx context.Context, c class) (leave func(), err error) {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return g.ticket(), nil
	}
	place := make(chan struct{})
	g.waiting[c] = append(g.waiting[c], place)
	g.mu.Unlock()

	select {
	case <-place:
		return g.ticket(), nil
	case <-ctx.Done():
		g.withdraw(c, place)
		return nil, context.Cause(ctx)
	}
}

// ticket returns the function that gives one place back, once.
func (g *gate) ticket() func() {
	var once sync.Once
	release := func() { once.Do(g.release) }
	timer := time.AfterFunc(spawnPatience, release)
	return func() {
		timer.Stop()
		release()
	}
}

// release hands the place to the first who waits, or keeps it.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.waiting {
		if len(g.waiting[c]) > 0 {
			close(g.waiting[c][0])
			g.waiting[c] = slices.Delete(g.waiting[c], 0, 1)
			return
		}
	}
	g.free++
}

// withdraw gives up waiting. A place that was handed over meanwhile goes on.
func (g *gate) withdraw(c class, place chan struct{}) {
	g.mu.Lock()
	i := slices.Index(g.waiting[c], place)
	if i >= 0 {
		g.waiting[c] = slices.Delete(g.waiting[c], i, i+1)
	}
	g.mu.Unlock()
	if i < 0 {
		g.release()
	}
}
