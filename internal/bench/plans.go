package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// How long plans are posted at a stretch, and how long each limit is measured
// in between.
const (
	postingFor = time.Second
	limitFor   = 500 * time.Millisecond
)

// planRounds is how often they take turns.
const planRounds = 3

// measurePlans posts plans as fast as they are answered. Each post starts a
// planner and stores a plan, so there are two limits: how fast the minimal
// go-plugin program is started, called and stopped, and how fast the store
// takes plans.
func measurePlans(ctx context.Context, w *world) (rows []row, err error) {
	p, err := newPosting(ctx, w)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, executors := range []int{1, 100} {
		for _, clients := range []int{1, 16} {
			w.note("plans: %s each, %s", count(executors, "executor"), count(clients, "client"))
			measured, err := p.measure(ctx, w, executors, clients)
			if err != nil {
				return rows, err
			}
			rows = append(rows, measured...)
		}
	}
	return rows, nil
}

// posting is a daemon that plans are posted to, and a store beside it.
type posting struct {
	server *server
	client *client
	store  *store.Store
	marks  string // file for the minimal programs
}

func newPosting(ctx context.Context, w *world) (*posting, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	p := &posting{marks: filepath.Join(dir, "marks")}
	if p.server, err = w.startDaemon(ctx, w.shipped(filepath.Join(dir, "cme.db"))); err != nil {
		return nil, err
	}
	p.client = newClient(p.server)
	if p.store, err = store.Open(filepath.Join(dir, "alone.db")); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *posting) close() error {
	p.client.close()
	err := p.server.stop()
	if p.store != nil {
		err = errors.Join(err, p.store.Close())
	}
	return err
}

// activity is something that is done as often as possible.
type activity struct {
	long  time.Duration // of one turn
	do    func() error
	rates []float64 // one a turn
}

// measure takes turns: posts, plans stored without a daemon, and minimal
// programs without plans.
func (p *posting) measure(ctx context.Context, w *world, executors, clients int) ([]row, error) {
	plan := oneTomorrow()
	if executors > 1 {
		plan = manyToday(executors)
	}
	body, err := plan.encode()
	if err != nil {
		return nil, err
	}
	posted := &activity{long: postingFor, do: func() error {
		_, err := p.client.post(ctx, body)
		return err
	}}
	stored := &activity{long: limitFor, do: func() error {
		plan := planOf(executors)
		return p.store.CreatePlan(ctx, plan.plan, plan.executors, nil)
	}}
	started := &activity{long: limitFor, do: func() error { return runMinimal(ctx, w.program("goplugin"), p.marks) }}
	for range w.times(planRounds) {
		for _, a := range []*activity{posted, stored, started} {
			rate, err := rateOf(clients, a.long, a.do)
			if err != nil {
				return nil, err
			}
			a.rates = append(a.rates, rate)
		}
	}
	what := fmt.Sprintf("plans of %s posted, %s", count(executors, "executor"), count(clients, "client"))
	return []row{
		newRow(what, middle(posted.rates), "minimal go-plugin programs", middle(started.rates)),
		newRow(what, middle(posted.rates), "the store alone", middle(stored.rates)),
	}, nil
}

// rateOf is how often a second do is done by so many at once, for a while.
func rateOf(clients int, while time.Duration, do func() error) (float64, error) {
	var done atomic.Int64
	begin := time.Now()
	err := atOnce(clients, clients, func(int) error {
		for time.Since(begin) < while {
			if err := do(); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return float64(done.Load()) / time.Since(begin).Seconds(), err
}

// planOf is what a post makes the store keep.
func planOf(executors int) seededPlan {
	now := time.Now().UTC()
	p := newSeededPlan(shippedRef, now)
	for i := range executors {
		p.add(now.Add(24*time.Hour+time.Duration(i)*time.Minute), engine.Scheduled)
	}
	return p
}
