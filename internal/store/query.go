package store

import (
	"context"
	"slices"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Executors implements engine.Store. Due instants from From on and before To
// are listed. A page is DefaultLimit long, at most MaxLimit. CodeInvalid also
// for a state that is none.
//
// The narrowest scope is walked; with a plan and an attack given, the plan's,
// and its executors are looked at one by one.
func (s *Store) Executors(ctx context.Context, q engine.ExecutorQuery) ([]engine.Executor, engine.Cursor, error) {
	r, err := newReading(q)
	if err != nil || r == nil {
		return nil, "", err
	}
	var page []engine.Executor
	var next engine.Cursor
	err = s.view(ctx, func(t *txn) error {
		page, next, err = r.page(t)
		return err
	})
	return page, next, err
}

// reading is an ExecutorQuery in terms of the index.
type reading struct {
	prefixes [][]byte // the walks to merge
	stretch  stretch
	list     listKind   // of the cursors
	attack   engine.Ref // to be checked; "": not
	limit    int
}

// newReading returns nil when nothing can match.
func newReading(q engine.ExecutorQuery) (*reading, error) {
	r := &reading{limit: pageLength(q.Limit), list: listExecutors}
	if q.Newest {
		r.list = listNewestExecutors
	}
	from, err := place(r.list, q.Cursor, placeLength)
	if err != nil {
		return nil, err
	}
	states, err := walkedStates(q.States)
	if err != nil {
		return nil, err
	}
	scope := []byte{scopeAll}
	switch {
	case q.Plan != "":
		plan, err := idKey(q.Plan)
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // no plan has such an id, so none of its executors match
		}
		scope, r.attack = planScope(plan), q.Attack
	case q.Attack != "":
		scope = attackScope(q.Attack)
	}
	for _, state := range states {
		r.prefixes = append(r.prefixes, walkPrefix(scope, state))
	}
	s := stretch{backwards: q.Newest}
	if !q.From.IsZero() {
		s.low = timeKey(notBefore(q.From))
	}
	if !q.To.IsZero() {
		s.high = timeKey(notBefore(q.To))
	}
	r.stretch = s.from(from)
	return r, nil
}

func walkedStates(states []engine.State) ([]byte, error) {
	if len(states) == 0 {
		return []byte{stateAll}, nil
	}
	var walked []byte
	for _, state := range states {
		b := stateBytes[state]
		if b == 0 {
			return nil, engine.Errorf(engine.CodeInvalid, "%.40q is not a state of an executor", string(state))
		}
		if !slices.Contains(walked, b) {
			walked = append(walked, b)
		}
	}
	return walked, nil
}

func (r *reading) page(t *txn) ([]engine.Executor, engine.Cursor, error) {
	var page []engine.Executor
	var last []byte
	for place := range t.merge(bucketExecutorIndex, r.prefixes, r.stretch) {
		e, err := t.executorAt(place[timeLength:])
		if err != nil {
			return nil, "", err
		}
		if r.attack != "" && e.AttackRef != r.attack {
			continue
		}
		if len(page) == r.limit {
			return page, cursorAt(r.list, last), nil
		}
		page = append(page, e)
		last = place
	}
	return page, "", nil
}
