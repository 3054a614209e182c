package store

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

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
	prefixes [][]byte   // the walks to merge
	start    []byte     // first place
	after    []byte     // place to start after; nil: none
	end      []byte     // first instant not to be listed; nil: none
	attack   engine.Ref // to be checked; "": not
	limit    int
}

// newReading returns nil when nothing can match.
func newReading(q engine.ExecutorQuery) (*reading, error) {
	r := &reading{limit: pageLength(q.Limit)}
	var err error
	if r.after, err = place(listExecutors, q.Cursor, placeLength); err != nil {
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
	if !q.From.IsZero() {
		r.start = timeKey(notBefore(q.From))
	}
	if !q.To.IsZero() {
		r.end = timeKey(notBefore(q.To))
	}
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
	for place := range r.places(t) {
		e, err := t.executorAt(place[timeLength:])
		if err != nil {
			return nil, "", err
		}
		if r.attack != "" && e.AttackRef != r.attack {
			continue
		}
		if len(page) == r.limit {
			return page, cursorAt(listExecutors, last), nil
		}
		page = append(page, e)
		last = place
	}
	return page, "", nil
}

// places yields the places to list, in order.
func (r *reading) places(t *txn) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for place := range t.merge(bucketExecutorIndex, r.prefixes, r.start, r.after) {
			if r.end != nil && bytes.Compare(place[:timeLength], r.end) >= 0 || !yield(place) {
				return
			}
		}
	}
}

// merge yields the places that follow one of the prefixes in an index, in order,
// from start on and after the other one, each nil if there is none. Places are
// valid for the transaction.
func (t *txn) merge(b bucket, prefixes [][]byte, start, after []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		walks := make([]*walk, len(prefixes))
		for i, prefix := range prefixes {
			walks[i] = &walk{cursor: t.bucket(b).Cursor(), prefix: prefix}
			walks[i].seek(start, after)
		}
		for first := earliest(walks); first != nil; first = earliest(walks) {
			if !yield(first.place) {
				return
			}
			first.next()
		}
	}
}

// walk is the part of an index that has one prefix.
type walk struct {
	cursor *bbolt.Cursor
	prefix []byte
	place  []byte // where it stands; nil: at its end
}

// seek moves to the first place from start on that comes after the other one.
func (w *walk) seek(start, after []byte) {
	if bytes.Compare(start, after) < 0 {
		start = after
	}
	k, _ := w.cursor.Seek(slices.Concat(w.prefix, start))
	w.stand(k)
	if after != nil && bytes.Equal(w.place, after) {
		w.next()
	}
}

func (w *walk) next() {
	k, _ := w.cursor.Next()
	w.stand(k)
}

func (w *walk) stand(key []byte) {
	w.place = nil
	if key != nil && bytes.HasPrefix(key, w.prefix) {
		w.place = key[len(w.prefix):]
	}
}

// earliest returns the walk that stands first; nil when all are at their end.
func earliest(walks []*walk) *walk {
	var first *walk
	for _, w := range walks {
		if w.place != nil && (first == nil || bytes.Compare(w.place, first.place) < 0) {
			first = w
		}
	}
	return first
}
