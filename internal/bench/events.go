package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// eventReaders read the event stream, every other one of which takes nothing.
	eventReaders = 1000
	// eventsGrowth is how much memory they may cost.
	eventsGrowth = 64 << 20
	// eventsRounds is how often runs are measured with them and without.
	eventsRounds = 10
)

// eventsWave is runs enough for a p99, with no rest between for what is told of
// them.
func (w *world) eventsWave() wave {
	return wave{atOnce: 10, bursts: w.times(20), apart: 250 * time.Millisecond, notice: 3 * time.Second}
}

// measureEvents runs the same bursts in two daemons in turn, one of which has
// readers, and measures how late they start and what memory the daemons take.
func measureEvents(ctx context.Context, w *world) (rows []row, err error) {
	quiet, err := w.startBursts(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, quiet.close()) }()
	read, err := w.startBursts(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, read.close()) }()
	v := w.eventsWave()
	var with, without watchedOutcomes
	turns := []func() error{
		func() error { return without.add(quiet, func() (outcome, error) { return quiet.run(ctx, v) }) },
		func() error { return with.add(read, func() (outcome, error) { return read.runRead(ctx, v) }) },
	}
	for round := range w.times(eventsRounds) {
		w.note("events: round %d", round+1)
		for i := range turns {
			if err := turns[(i+round)%len(turns)](); err != nil { // neither always comes first
				return nil, err
			}
		}
	}
	return eventsRows(v.atOnce, with, without), nil
}

func eventsRows(each int, with, without watchedOutcomes) []row {
	readers := thousands(eventReaders) + " event readers"
	lags, bare := with.lags(), without.lags()
	late := newRow(fmt.Sprintf("lag p99, %d due at once, %s, half of them stuck", each, readers), inMilliseconds(lags.percentile(99)),
		"the same without readers", inMilliseconds(bare.percentile(99))).atMost(1.2)
	late = late.with("p50 %s against %s, %d lost of %d", inMilliseconds(lags.percentile(50)),
		inMilliseconds(bare.percentile(50)), with.lost(), with.due())
	late.Target += ", none lost"
	late.Met = late.Met && with.lost()+without.lost() == 0
	grown := newRow("memory grown by "+readers, inMegabytes(max(with.peak-without.peak, 0)),
		"the daemon without them", inMegabytes(without.peak)).under(inMegabytes(eventsGrowth), "<= 64 MB")
	return []row{late, grown}
}

// watchedOutcomes are those of rounds in which the daemon's memory was watched.
type watchedOutcomes struct {
	outcomes
	peak int64 // bytes
}

func (o *watchedOutcomes) add(d *bursts, run func() (outcome, error)) error {
	stop := watchPeak(d.server.pid)
	one, err := run()
	peak, watched := stop()
	o.outcomes = append(o.outcomes, one)
	o.peak = max(o.peak, peak)
	return errors.Join(err, watched)
}

// runRead is run while a thousand read the events. Those that do read must get
// all of them.
func (d *bursts) runRead(ctx context.Context, v wave) (o outcome, err error) {
	a := &audience{}
	defer func() { err = errors.Join(err, a.leave(), d.awaitReaders(ctx, 0)) }()
	if err := a.gather(ctx, d.server.base, eventReaders); err != nil {
		return o, err
	}
	if err := d.awaitReaders(ctx, eventReaders); err != nil {
		return o, err
	}
	if o, err = d.run(ctx, v); err != nil {
		return o, err
	}
	const perRun = 3 // starting, running, succeeded
	return o, a.await(ctx, 1+perRun*o.due)
}

// awaitReaders waits until the daemon counts so many readers.
func (d *bursts) awaitReaders(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drain, fmt.Errorf("the daemon does not come to %s", count(want, "event reader")))
	defer cancel()
	for {
		n, err := d.client.metric(ctx, "cmed_event_readers")
		if err != nil || int(n) == want {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}
