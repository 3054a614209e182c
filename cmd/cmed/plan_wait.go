package main

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// How often the executors are looked at while the daemon tells of every change,
// and while it does not.
const (
	lookWhileTold   = 30 * time.Second
	lookWhileUntold = time.Second
)

// waiting follows the executors of some plans.
type waiting struct {
	client *client.Client
	plans  []client.Plan
	// over, if set, is called once for each executor that is over.
	over func(client.Executor)
	line *progressLine
	// lost tells those who see no line that the daemon is gone.
	lost outage

	executors map[string]client.Executor
	order     []string        // their ids, as they were first seen
	told      map[string]bool // those that over was called for
	deleted   map[string]bool // gone before they were seen to be over
	standing  map[string]bool // those that succeeded and are not to be undone until somebody asks
	// looked is set when all plans have been looked at once: before that nothing
	// is known of some.
	looked bool
}

func newWaiting(c *client.Client, plans []client.Plan) *waiting {
	return &waiting{
		client: c, plans: plans, lost: outage{to: io.Discard, what: "the wait"},
		executors: map[string]client.Executor{}, told: map[string]bool{}, deleted: map[string]bool{},
		standing: map[string]bool{},
	}
}

// news is what the stream of events has to say.
type news struct {
	change *client.Change
	// told says whether changes are told from now on; read it without a change.
	told bool
}

// wait returns when all executors are over, when ctx ends, or with the error of a
// daemon that refuses. One that can't be reached is waited for.
func (w *waiting) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var streaming sync.WaitGroup
	defer streaming.Wait()
	defer cancel()
	from := make(chan news)
	streaming.Go(func() { w.stream(ctx, from) })

	look, draw := time.NewTimer(0), time.NewTicker(time.Second)
	defer look.Stop()
	defer draw.Stop()
	every := lookWhileUntold
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-draw.C:
		case <-look.C:
			if err = w.lookAtAll(ctx); err == nil {
				err = w.lookAtEffects(ctx)
			}
			look.Reset(every)
		case n := <-from:
			switch {
			case n.change != nil:
				if err = w.apply(ctx, *n.change); err == nil {
					err = w.lookAtEffects(ctx)
				}
			case n.told:
				every = lookWhileTold
				look.Reset(0) // for what changed before
			default:
				every = lookWhileUntold
				look.Reset(every)
			}
		}
		if err != nil && ctx.Err() == nil {
			look.Reset(lookWhileUntold)
		}
		if over, err := w.judge(ctx, err); over || err != nil {
			return err
		}
		w.line.show(w.progress(time.Now()))
	}
}

// judge says whether the wait is over, after a look that may have failed; the error is
// one that no later look will mend.
func (w *waiting) judge(ctx context.Context, err error) (over bool, _ error) {
	switch {
	case err == nil || ctx.Err() != nil:
		return w.allOver(), nil
	case !client.Passing(err):
		return false, err
	default:
		return false, w.lost.begin(time.Now(), err)
	}
}

// stream passes on what the daemon tells until ctx ends, and takes the stream up
// again when it breaks off. A daemon that has no events says nothing.
func (w *waiting) stream(ctx context.Context, to chan<- news) {
	tell := func(n news) bool {
		select {
		case to <- n:
			return true
		case <-ctx.Done():
			return false
		}
	}
	q := client.EventQuery{Types: []string{"plan", "executor", "undo"}}
	if len(w.plans) == 1 {
		q.Plan = w.plans[0].ID
	}
	pause := shortestPause
	q.Opened = func() {
		pause = shortestPause
		tell(news{told: true})
	}
	for ctx.Err() == nil {
		last, err := w.client.Events(ctx, q, func(change client.Change) bool { return tell(news{change: &change}) })
		q.After = last
		if err == nil || !tell(news{}) {
			return
		}
		if !client.Passing(err) {
			return
		}
		sleep(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// apply takes a change in.
func (w *waiting) apply(ctx context.Context, change client.Change) error {
	switch {
	case change.Type == client.Reset, change.Plan != nil:
		return w.lookAtAll(ctx)
	case change.Executor != nil:
		e := *change.Executor
		if _, ours := w.executors[e.ID]; ours {
			w.take(e)
		}
		if change.Type == "executor.deleted" {
			w.remove(e.ID)
		}
	case change.Undo != nil:
		if _, ours := w.executors[change.Undo.Executor]; ours {
			e, err := w.client.Executor(ctx, change.Undo.Executor)
			if err != nil {
				return w.lookAtAll(ctx) // it may be gone
			}
			w.take(e)
		}
	}
	return nil
}

// lookAtAll reads all executors. Those that are not there any more are deleted.
func (w *waiting) lookAtAll(ctx context.Context) error {
	seen := map[string]bool{}
	for _, p := range w.plans {
		executors, _, err := w.client.Executors(ctx, client.ExecutorQuery{Plan: p.ID, All: true})
		if err != nil {
			return err
		}
		for _, e := range executors {
			seen[e.ID] = true
			w.take(e)
		}
	}
	for _, id := range w.order {
		if !seen[id] {
			w.remove(id)
		}
	}
	w.looked = true
	w.lost.over()
	return nil
}

func (w *waiting) take(e client.Executor) {
	if _, known := w.executors[e.ID]; !known {
		w.order = append(w.order, e.ID)
	}
	w.executors[e.ID] = e
	if !w.isOver(e) || w.told[e.ID] {
		return
	}
	w.told[e.ID] = true
	if w.over != nil {
		w.over(e)
	}
}

// eachUndoing calls fn for those executors that are over but for their undo.
func (w *waiting) eachUndoing(fn func(client.Executor)) {
	for _, id := range w.order {
		if e := w.executors[id]; !w.deleted[id] && e.Final() && !w.isOver(e) {
			fn(e)
		}
	}
}

// remove takes in that an executor is gone. One that was over keeps its outcome.
func (w *waiting) remove(id string) {
	if e, known := w.executors[id]; known && !w.isOver(e) {
		w.deleted[id] = true
	}
}

func (w *waiting) allOver() bool {
	if !w.looked {
		return false
	}
	for _, id := range w.order {
		if !w.deleted[id] && !w.isOver(w.executors[id]) {
			return false
		}
	}
	return true
}
