package httpapi

import (
	"context"
	"errors"
	"sync"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// errKeyEnded is why a stream ends whose caller may not read any more.
var errKeyEnded = errors.New("the key under which the stream was opened is no longer valid")

// sessions are the answers that go on for long, by the key they were asked for
// with, "" for callers that needed none. They end when the key does: one that was
// revoked must not go on hearing.
type sessions struct {
	// still says whether a caller may have what it asked for.
	still func(access.Caller) bool

	mu   sync.Mutex
	open map[access.KeyID]map[*session]struct{}
}

type session struct{ cancel context.CancelCauseFunc }

// enter returns a context for an answer that goes on: it ends, with errKeyEnded
// as its cause, when the caller may no longer have it. leave must be called.
func (s *sessions) enter(ctx context.Context) (_ context.Context, leave func()) {
	caller := access.CallerOf(ctx)
	expire := func() {}
	if !caller.Expires.IsZero() {
		ctx, expire = context.WithDeadlineCause(ctx, caller.Expires, errKeyEnded)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	this := &session{cancel}
	if caller.From != socketFrom { // which needs none
		s.add(caller.Key, this)
		if !s.still(caller) { // any more, since it was let in
			cancel(errKeyEnded)
		}
	}
	return ctx, func() {
		cancel(nil)
		expire()
		s.leave(caller.Key, this)
	}
}

func (s *sessions) add(key access.KeyID, this *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[access.KeyID]map[*session]struct{}{}
	}
	if s.open[key] == nil {
		s.open[key] = map[*session]struct{}{}
	}
	s.open[key][this] = struct{}{}
}

func (s *sessions) leave(key access.KeyID, this *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open[key], this)
	if len(s.open[key]) == 0 {
		delete(s.open, key)
	}
}

// end ends all of a key.
func (s *sessions) end(key access.KeyID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for each := range s.open[key] {
		each.cancel(errKeyEnded)
	}
}
