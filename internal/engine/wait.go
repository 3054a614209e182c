package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// broadcast lets any number of goroutines wait for the next change of
// something. The zero value is ready.
type broadcast struct {
	mu sync.Mutex
	c  chan struct{}
}

// next returns a channel that is closed at the next notify.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		b.c = make(chan struct{})
	}
	return b.c
}

func (b *broadcast) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c != nil {
		close(b.c)
		b.c = nil
	}
}

// until waits until done returns true, asking it again after each change, or
// until ctx ends.
func (b *broadcast) until(ctx context.Context, done func() (bool, error)) error {
	for {
		next := b.next()
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// set is a set for concurrent use.
type set[T comparable] struct {
	mu sync.Mutex
	m  map[T]struct{}
}

type (
	idSet  = set[ExecutorID]
	keySet = set[string]
)

func newSet[T comparable]() *set[T] { return &set[T]{m: map[T]struct{}{}} }

// add says whether v was not in the set yet.
func (s *set[T]) add(v T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.m[v]; ok {
		return false
	}
	s.m[v] = struct{}{}
	return true
}

func (s *set[T]) remove(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, v)
}

func (s *set[T]) has(v T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.m[v]
	return ok
}

func (s *set[T]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.m)
}

func (s *set[T]) list() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.m))
}

// waitRoom lets a few work at a time and a bounded number wait.
type waitRoom struct {
	what    string        // what those in it do, in words
	seats   chan struct{} // at work
	entries chan struct{} // at work or waiting
}

func newWaitRoom(what string, seats, waiting int) *waitRoom {
	return &waitRoom{what: what, seats: make(chan struct{}, seats), entries: make(chan struct{}, seats+waiting)}
}

// enter takes a seat, or fails at once with CodeBusy when too many wait. leave
// must be called.
func (w *waitRoom) enter(ctx context.Context) (leave func(), err error) {
	select {
	case w.entries <- struct{}{}:
	default:
		return nil, Errorf(CodeBusy, "%d %s or wait already; try again in a moment", cap(w.entries), w.what)
	}
	select {
	case w.seats <- struct{}{}:
		return func() { <-w.seats; <-w.entries }, nil
	case <-ctx.Done():
		<-w.entries
		return nil, context.Cause(ctx)
	}
}

// waitFor waits for the group, or until ctx ends.
func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { // ends with the group, whose members are bounded themselves
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for d, until c receives, or until ctx ends; d < 0 means for ever.
func sleep(ctx context.Context, d time.Duration, wakers ...<-chan struct{}) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	var first, second <-chan struct{}
	if len(wakers) > 0 {
		first = wakers[0]
	}
	if len(wakers) > 1 {
		second = wakers[1]
	}
	select {
	case <-timer:
	case <-first:
	case <-second:
	case <-ctx.Done():
	}
}
