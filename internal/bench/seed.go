package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// page is how many executors, or plans, are listed at once.
const page = 100

// seedingAtOnce is how many plans are stored at the same time: those that wait
// are committed together.
const seedingAtOnce = 512

// The refs of seeded attacks: each is that of half the executors.
const (
	shippedRef = "api_request:ApiRequest"
	otherRef   = "terminate_instance:TerminateInstance"
)

// probe is what a list is to find in a store: a plan with a page of executors
// that have run, a second apart, the only ones from From on and before To.
type probe struct {
	plan     engine.PlanID
	from, to time.Time
}

// shape is what is in a store.
type shape struct {
	plans []seededPlan
	probe probe
}

// seededStore is a file with a shape in it.
type seededStore struct {
	path  string
	probe probe
}

type seededPlan struct {
	plan      engine.Plan
	executors []engine.Executor
}

// mixed is a store after some months: of so many executors 99 in 100 have run,
// in plans of ten, and the rest are due tomorrow and later, one a plan. In the
// midst is a plan with a page of executors that have run.
func mixed(executors int) shape {
	var s shape
	const each = 10
	plans, pending := (executors-page)/each, executors/100
	at := time.Now().UTC().Truncate(time.Second).AddDate(0, -6, 0)
	due := time.Now().UTC().Truncate(time.Second).AddDate(0, 0, 1)
	for i := range plans {
		if i == plans/2 {
			at = s.addProbe(at)
		}
		ref := engine.Ref(shippedRef)
		if i%2 == 1 {
			ref = otherRef
		}
		p := newSeededPlan(ref, at)
		for range each {
			at = at.Add(time.Second)
			p.add(at, engine.Succeeded)
		}
		if i*pending/plans != (i+1)*pending/plans { // evenly, and so many in all
			due = due.Add(time.Minute)
			p.executors = p.executors[1:]
			p.add(due, engine.Scheduled)
		}
		s.plans = append(s.plans, p)
	}
	return s
}

// pageOfFinal is a store with nothing but a page of executors that have run.
func pageOfFinal() shape {
	var s shape
	s.addProbe(time.Now().UTC().Truncate(time.Second).AddDate(0, -6, 0))
	return s
}

// pageOfPending is a store with nothing but a page of plans, each with one
// executor that is due tomorrow or later.
func pageOfPending() shape {
	var s shape
	now := time.Now().UTC().Truncate(time.Second)
	for i := range page {
		p := newSeededPlan(shippedRef, now)
		p.add(now.AddDate(0, 0, 1).Add(time.Duration(i)*time.Minute), engine.Scheduled)
		s.plans = append(s.plans, p)
	}
	return s
}

// addProbe returns the instant of its last executor.
func (s *shape) addProbe(at time.Time) time.Time {
	p := newSeededPlan(shippedRef, at)
	s.probe = probe{plan: p.plan.ID, from: at.Add(time.Second)}
	for range page {
		at = at.Add(time.Second)
		p.add(at, engine.Succeeded)
	}
	s.probe.to = at.Add(time.Second)
	s.plans = append(s.plans, p)
	return at
}

func newSeededPlan(ref engine.Ref, created time.Time) seededPlan {
	attack := `{"ref":"` + string(ref) + `","args":{"endpoint":"http://127.0.0.1:9/orders","method":"POST","payload":{"item":"1"}}}`
	return seededPlan{plan: engine.Plan{
		ID: engine.NewPlanID(), Name: "seeded by the benchmark", Created: created, Zone: "UTC",
		Attack:  engine.Config{Ref: ref, Doc: json.RawMessage(attack)},
		Planner: engine.Config{Ref: "exact_planner:ExactPlanner", Doc: json.RawMessage(`{"ref":"exact_planner:ExactPlanner","args":{"date":"2030-01-01"}}`)},
		Timeout: time.Minute, MisfireGrace: time.Minute, UndoPolicy: engine.UndoAuto, Seed: 1,
	}}
}

func (p *seededPlan) add(due time.Time, state engine.State) {
	e := engine.Executor{
		ID: engine.NewExecutorID(), PlanID: p.plan.ID, Name: p.plan.Name, AttackRef: p.plan.Attack.Ref,
		Due: due, State: state, Lag: -1, Undo: engine.UndoNone, MisfireGrace: time.Minute, Seed: int64(len(p.executors)),
	}
	if state.Final() {
		e.Started, e.Finished, e.Lag = due.Add(time.Millisecond), due.Add(20*time.Millisecond), time.Millisecond
	}
	p.executors = append(p.executors, e)
}

// mixedStore returns a store with a mixed shape. It is filled once a run.
func (w *world) mixedStore(ctx context.Context, executors int) (seededStore, error) {
	return w.seeded(ctx, thousands(executors), func() shape { return mixed(executors) })
}

// seeded returns the store of a name. It is filled once a run.
func (w *world) seeded(ctx context.Context, name string, content func() shape) (s seededStore, err error) {
	if s, ok := w.stores[name]; ok {
		return s, nil
	}
	dir, err := w.folder()
	if err != nil {
		return s, err
	}
	s.path = filepath.Join(dir, "cme.db")
	db, err := store.Open(s.path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w.note("filling a store (%s)", name)
	filled := content()
	s.probe = filled.probe
	err = atOnce(len(filled.plans), seedingAtOnce, func(i int) error {
		return db.CreatePlan(ctx, filled.plans[i].plan, filled.plans[i].executors, nil)
	})
	if err != nil {
		return s, fmt.Errorf("fill a store: %w", err)
	}
	w.stores[name] = s
	return s, nil
}
