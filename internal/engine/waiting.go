package engine

import (
	"cmp"
	"slices"
	"sync"
)

// maxWaiting bounds the queue. What does not fit waits in the store, unseen,
// until there is room.
const maxWaiting = 20_000

// waitQueue holds executors whose time has come and that a limit keeps from
// starting, so that the scheduler can look past them for others.
type waitQueue struct {
	mu      sync.Mutex
	entries map[ExecutorID]queued
	// order has the ids by due time, then id; some may have left.
	order []ExecutorID
}

type queued struct {
	executor Executor
	// because says which limit, in words.
	because string
}

func newWaitQueue() *waitQueue { return &waitQueue{entries: map[ExecutorID]queued{}} }

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
			q.order = append(q.order, w.executor.ID)
		}
		w.executor.Args = nil
		q.entries[w.executor.ID] = w
	}
	return added
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

// all returns those that wait, by due time, then id.
func (q *waitQueue) all() []Executor {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order = slices.DeleteFunc(q.order, func(id ExecutorID) bool {
		_, ok := q.entries[id]
		return !ok
	})
	byDue := func(a, b ExecutorID) int { return compareDue(q.entries[a].executor, q.entries[b].executor) }
	if !slices.IsSortedFunc(q.order, byDue) {
		slices.SortFunc(q.order, byDue)
	}
	q.order = slices.Compact(q.order)
	list := make([]Executor, len(q.order))
	for i, id := range q.order {
		list[i] = q.entries[id].executor
	}
	return list
}

// compareDue orders executors as the due index does.
func compareDue(a, b Executor) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}
