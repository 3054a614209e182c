package engine

import (
	"context"
	"sync"
)

// register holds the runs that are live. Claiming and registering is one step
// for whoever asks, so that an executor seen as starting in the store is found
// here, unless its end is being stored.
type register struct {
	claiming sync.RWMutex

	mu      sync.Mutex
	runs    map[ExecutorID]*liveRun
	byRef   map[Ref]int
	byPlan  map[PlanID]int
	changed broadcast
}

func newRegister() *register {
	return &register{runs: map[ExecutorID]*liveRun{}, byRef: map[Ref]int{}, byPlan: map[PlanID]int{}}
}

// claim runs fn, which claims executors in the store, and registers the result.
func (g *register) claim(fn func() ([]Executor, error)) ([]*liveRun, error) {
	g.claiming.Lock()
	defer g.claiming.Unlock()
	executors, err := fn()
	if err != nil {
		return nil, err
	}
	runs := make([]*liveRun, len(executors))
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, ex := range executors {
		runs[i] = newLiveRun(ex)
		g.runs[ex.ID] = runs[i]
		g.byRef[ex.AttackRef]++
		g.byPlan[ex.PlanID]++
	}
	return runs, nil
}

// find returns the live run of an executor, nil when there is none. It waits
// for a claim under way.
func (g *register) find(id ExecutorID) *liveRun {
	g.claiming.RLock()
	defer g.claiming.RUnlock()
	return g.peek(id)
}

// peek is find without waiting.
func (g *register) peek(id ExecutorID) *liveRun {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.runs[id]
}

func (g *register) remove(r *liveRun) {
	g.mu.Lock()
	delete(g.runs, r.executor.ID)
	takeOne(g.byRef, r.executor.AttackRef)
	takeOne(g.byPlan, r.executor.PlanID)
	g.mu.Unlock()
	close(r.done)
	g.changed.notify()
}

// takeOne counts one down and forgets what has come to 0.
func takeOne[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// alive says how many runs of a ref and of a plan are live.
func (g *register) alive(ref Ref, plan PlanID) (ofRef, ofPlan int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byRef[ref], g.byPlan[plan]
}

// most says how many runs the ref and the plan with the most have.
func (g *register) most() (ofRef, ofPlan int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range g.byRef {
		ofRef = max(ofRef, n)
	}
	for _, n := range g.byPlan {
		ofPlan = max(ofPlan, n)
	}
	return ofRef, ofPlan
}

// waiting counts the runs that are claimed and have not been started.
func (g *register) waiting() int { return g.len() - g.started() }

// started counts the runs whose Start may have been sent and whose end is not
// stored.
func (g *register) started() int {
	n := 0
	for _, r := range g.all() {
		if r.hasStarted() {
			n++
		}
	}
	return n
}

func (g *register) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.runs)
}

func (g *register) all() []*liveRun {
	g.mu.Lock()
	defer g.mu.Unlock()
	runs := make([]*liveRun, 0, len(g.runs))
	for _, r := range g.runs {
		runs = append(runs, r)
	}
	return runs
}

// empty waits until nothing is live.
func (g *register) empty(ctx context.Context) error {
	return g.changed.until(ctx, func() (bool, error) { return g.len() == 0, nil })
}
