package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
)

// drain is how long after the last due time all runs must have ended.
const drain = 45 * time.Second

// bursts is a daemon that is given many runs at once. What ran is counted by
// what the attacks themselves wrote, never by the daemon's record.
type bursts struct {
	server *server
	client *client
	dir    string
	posted int
}

func (d *bursts) close() error {
	d.client.close()
	return d.server.stop()
}

// outcome is what came of some bursts.
type outcome struct {
	due  int
	lags sample // of those that ran
}

func (o outcome) lost() int { return o.due - len(o.lags) }

// outcomes are those of several rounds.
type outcomes []outcome

func (o outcomes) due() (n int) {
	for _, one := range o {
		n += one.due
	}
	return n
}

func (o outcomes) lost() (n int) {
	for _, one := range o {
		n += one.lost()
	}
	return n
}

func (o outcomes) lags() rounds {
	var r rounds
	for _, one := range o {
		r = append(r, one.lags)
	}
	return r
}

// run posts a plan and returns when all its runs have ended.
func (d *bursts) run(ctx context.Context, v wave) (outcome, error) {
	d.posted++
	marks := filepath.Join(d.dir, "marks-"+strconv.Itoa(d.posted))
	first := time.Now().Add(v.notice).Truncate(time.Microsecond) // as exact as the engine is
	body, err := burst(marks, first, v.atOnce, v.bursts, v.apart).encode()
	if err != nil {
		return outcome{}, err
	}
	plan, err := d.client.post(ctx, body)
	if err != nil {
		return outcome{}, err
	}
	last := first.Add(time.Duration(v.bursts-1) * v.apart)
	if err := pause(ctx, time.Until(last)); err != nil {
		return outcome{}, err
	}
	executors, err := d.await(ctx, plan, last.Add(drain))
	if err != nil {
		return outcome{}, err
	}
	return read(marks, executors, v, first)
}

// await asks for the plan's executors until all are final.
func (d *bursts) await(ctx context.Context, plan string, deadline time.Time) ([]listed, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, errors.New("the runs of a burst did not end in time"))
	defer cancel()
	for {
		executors, err := d.client.executorsOf(ctx, plan)
		if err != nil {
			return nil, err
		}
		if allFinal(executors) {
			return executors, nil
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func allFinal(executors []listed) bool {
	for _, e := range executors {
		switch e.State {
		case "scheduled", "starting", "running":
			return false
		}
	}
	return true
}

// read compares the marks with the plan. An executor without a mark is lost; one
// with two, or a mark of nobody, is an error: then the figures mean nothing.
func read(path string, executors []listed, v wave, first time.Time) (outcome, error) {
	marks, err := stamp.Read(path)
	if err != nil {
		return outcome{}, err
	}
	due := map[string]time.Time{}
	for _, e := range executors {
		burst, err := strconv.Atoi(e.Name) // the planner names them so
		if err != nil {
			return outcome{}, fmt.Errorf("executor %s is named %q, not by its burst", e.ID, e.Name)
		}
		due[e.ID] = first.Add(time.Duration(burst) * v.apart)
	}
	o := outcome{due: v.atOnce * v.bursts}
	for _, m := range marks {
		at, expected := due[m.Name]
		if !expected {
			return outcome{}, fmt.Errorf("%q left a mark that it should not, or a second one", m.Name)
		}
		delete(due, m.Name)
		o.lags = append(o.lags, m.At.Sub(at))
	}
	return o, nil
}
