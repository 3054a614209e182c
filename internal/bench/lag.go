package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// mostMinimal is how many minimal programs are started at the most.
const mostMinimal = 100

// wave is a number of runs due at once, and how often they are measured.
type wave struct {
	atOnce int
	bursts int           // in one plan
	apart  time.Duration // between its bursts
	rounds int           // plans, in turn with the minimal programs
	notice time.Duration // from the post to the first burst; more than the engine's lead
}

// waves lists those that are measured. The greatest comes last.
func (w *world) waves() []wave {
	all := []wave{
		{atOnce: 1, bursts: w.times(20), apart: 250 * time.Millisecond, rounds: 1, notice: time.Second},
		{atOnce: 10, bursts: 1, rounds: w.times(10), notice: time.Second},
		{atOnce: 100, bursts: 1, rounds: w.times(4), notice: 3 * time.Second},
	}
	if w.quick {
		return all
	}
	return append(all, wave{atOnce: 500, bursts: 1, rounds: 1, notice: 7 * time.Second})
}

// measureLag posts plans whose runs are due at once, and starts as many minimal
// programs in advance and calls all of them at one instant.
func measureLag(ctx context.Context, w *world) (rows []row, err error) {
	crowd, err := w.greatest(ctx)
	if err != nil {
		return nil, err
	}
	d, err := w.startBursts(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	var minimal rounds
	for _, v := range w.waves() {
		var ours outcomes
		if v.atOnce <= mostMinimal {
			w.note("lag: %d due at once", v.atOnce)
			if ours, minimal, err = d.compare(ctx, w, v); err != nil {
				return rows, err
			}
		} else {
			ours = outcomes{crowd.outcome} // the limit is that of the wave before
		}
		rows = append(rows, lagRow(v.atOnce, ours, minimal))
	}
	return rows, nil
}

func lagRow(atOnce int, ours outcomes, minimal rounds) row {
	lags := ours.lags()
	r := newRow(fmt.Sprintf("lag p99, %d due at once", atOnce), inMilliseconds(lags.percentile(99)),
		fmt.Sprintf("p99 of %d pre-started go-plugin programs", min(atOnce, mostMinimal)), inMilliseconds(minimal.percentile(99)))
	r = r.with("p50 %s, max %s, %d lost of %d", inMilliseconds(lags.percentile(50)), inMilliseconds(lags.all().percentile(100)),
		ours.lost(), ours.due())
	if atOnce == 100 {
		r = r.atMost(4)
		r.Target += ", "
	}
	r.Target += "none lost"
	r.Met = r.Met && ours.lost() == 0
	return r
}

// compare takes turns.
func (d *bursts) compare(ctx context.Context, w *world, v wave) (ours outcomes, minimal rounds, err error) {
	for range v.rounds {
		var called sample
		for range v.bursts {
			lags, err := w.callAtOnce(ctx, v.atOnce)
			if err != nil {
				return ours, nil, err
			}
			called = append(called, lags...)
		}
		minimal = append(minimal, called)
		one, err := d.run(ctx, v)
		if err != nil {
			return ours, nil, err
		}
		ours = append(ours, one)
	}
	return ours, minimal, nil
}

// crowd is the greatest burst, and the daemon's memory in it.
type crowd struct {
	outcome outcome
	peak    int64 // bytes
}

// greatest measures the greatest burst, once a run, in a daemon of its own.
func (w *world) greatest(ctx context.Context) (c *crowd, err error) {
	if w.crowd != nil {
		return w.crowd, nil
	}
	waves := w.waves()
	v := waves[len(waves)-1]
	w.note("a burst of %d due at once", v.atOnce)
	d, err := w.startBursts(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	peak := watchPeak(d.server.pid)
	c = &crowd{}
	c.outcome, err = d.run(ctx, v)
	var watched error
	c.peak, watched = peak()
	if err = errors.Join(err, watched); err != nil {
		return nil, err
	}
	w.crowd = c
	return c, nil
}

// startBursts starts a daemon with the benchmark's own plugins.
func (w *world) startBursts(ctx context.Context) (*bursts, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	s, err := w.startDaemon(ctx, setup{filepath.Join(dir, "cme.db"), w.benchAttacks, w.benchPlanners})
	if err != nil {
		return nil, err
	}
	return &bursts{server: s, client: newClient(s), dir: dir}, nil
}
