package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxWaiting bounds the queue. What does not fit waits in the store, unseen,
// until there is room.
const maxWaiting = 20_000

// waitQueue holds executors whose time has come and that a limit keeps from
// starting, so that the scheduler can look past them for others. Those of one
// plan and ref stand in one line: what keeps the first of them keeps the others.
type waitQueue struct {
	mu      sync.Mutex
	entries map[ExecutorID]queued
	lines   map[lineKey]*line
}

type queued struct {
	executor Executor
	// because says which limit, in words.
	because string
}

type lineKey struct {
	ref  Ref
	plan PlanID
}

// line has its places by due time, then id. Who has left the queue may still
// have a place.
type line struct {
	places []place
	sorted bool
}

type place struct {
	due time.Time
	id  ExecutorID
}

func comparePlaces(a, b place) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) }

func newWaitQueue() *waitQueue {
	return &waitQueue{entries: map[ExecutorID]queued{}, lines: map[lineKey]*line{}}
}

func (q *waitQueue) has(id ExecutorID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ok := q.entries[id]
	return ok
}

// add queues executors, or changes why they wait. It returns how many are new.
func (q *waitQueue) add(list []queued) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	added := 0
	for _, w := range list {
		if _, ok := q.entries[w.executor.ID]; !ok {
			if len(q.entries) == maxWaiting {
				continue
			}
			added++
			q.line(w.executor).join(place{w.executor.Due, w.executor.ID})
		}
		w.executor.Args = nil
		q.entries[w.executor.ID] = w
	}
	return added
}

func (q *waitQueue) line(ex Executor) *line {
	key := lineKey{ex.AttackRef, ex.PlanID}
	if q.lines[key] == nil {
		q.lines[key] = &line{sorted: true}
	}
	return q.lines[key]
}

func (l *line) join(p place) {
	if n := len(l.places); n > 0 && comparePlaces(l.places[n-1], p) >= 0 {
		l.sorted = false
	}
	l.places = append(l.places, p)
}

// forget takes executors out: they are claimed, or no longer as they were.
func (q *waitQueue) forget(ids ...ExecutorID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		delete(q.entries, id)
	}
}

// because says why an executor waits, "" when it does not.
func (q *waitQueue) because(id ExecutorID) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.entries[id].because
}

// front returns the first of each line: as many as room has for it, at least
// one, and those that waited too long.
func (q *waitQueue) front(now time.Time, room func(Ref, PlanID) int) []Executor {
	q.mu.Lock()
	defer q.mu.Unlock()
	var front []Executor
	for key, l := range q.lines {
		first := q.firstOf(l, now, max(room(key.ref, key.plan), 1))
		if len(first) == 0 {
			delete(q.lines, key)
		}
		front = append(front, first...)
	}
	return front
}

// firstOf returns the first n of a line and those that waited too long, at most
// sweep of them.
func (q *waitQueue) firstOf(l *line, now time.Time, n int) []Executor {
	if !l.sorted {
		slices.SortFunc(l.places, comparePlaces)
		l.places, l.sorted = slices.Compact(l.places), true
	}
	gone := 0 // at the head
	var first []Executor
	for _, p := range l.places {
		w, ok := q.entries[p.id]
		if !ok || !w.executor.Due.Equal(p.due) {
			if len(first) == 0 {
				gone++
			}
			continue
		}
		late := now.After(p.due.Add(w.executor.MisfireGrace))
		if len(first) >= n && !late || len(first) == sweep {
			break
		}
		first = append(first, w.executor)
	}
	l.places = l.places[gone:]
	return first
}

// compareDue orders executors as the due index does.
func compareDue(a, b Executor) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}
