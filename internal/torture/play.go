package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// reportEvery is how often the progress is told.
const reportEvery = 15 * time.Second

// enough is how many broken promises end the torture: more would say no more.
const enough = 30

var errEnough = errors.New("too many promises were broken")

// dealer hands out cases: all of them in a random order, then all again.
type dealer struct {
	mu     sync.Mutex
	seed   uint64
	cases  []torment
	deck   []torment
	serial uint64
}

// deal returns the next case, with the serial number of its round.
func (d *dealer) deal() (torment, uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.deck) == 0 {
		d.deck = append(d.deck, d.cases...)
		c := newChance(d.seed, d.serial)
		c.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
	}
	next := d.deck[0]
	d.deck = d.deck[1:]
	d.serial++
	return next, d.serial
}

// playAll plays rounds in several worlds until the time is up.
func playAll(ctx context.Context, o options, dir string, bin binaries, t *tally, progress io.Writer) error {
	d := &dealer{seed: o.seed, cases: chosen(o.only)}
	until := time.Now().Add(o.time)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var worlds sync.WaitGroup
	for i := range o.worlds {
		worlds.Go(func() {
			home := filepath.Join(dir, strconv.Itoa(i+1))
			if err := playWorlds(ctx, home, bin, d, t, until); err != nil {
				cancel(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { worlds.Wait(); close(done) }()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	begun := time.Now()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(progress, "%6.0fs  %s\n", time.Since(begun).Seconds(), t.total())
			if len(t.findings()) >= enough {
				cancel(errEnough)
			}
		case <-done:
			if err := context.Cause(ctx); !errors.Is(err, errEnough) {
				return err
			}
			return nil
		}
	}
}

// playWorlds plays rounds in one world after the other: the next one begins
// when a promise was broken, and the broken one is kept as it is.
func playWorlds(ctx context.Context, home string, bin binaries, d *dealer, t *tally, until time.Time) error {
	for n := 1; time.Now().Before(until); n++ {
		w, err := newWorld(home+"."+strconv.Itoa(n), bin)
		if err != nil {
			return err
		}
		err = playWorld(ctx, w, d, t, until)
		if err := errors.Join(err, w.close()); err != nil {
			return err
		}
	}
	return nil
}

// playWorld plays rounds until the time is up or a promise is broken, and looks
// at all of the world once more at its end.
func playWorld(ctx context.Context, w *world, d *dealer, t *tally, until time.Time) error {
	for time.Now().Before(until) {
		c, serial := d.deal()
		p := &player{world: w, ctx: ctx, chance: newChance(d.seed, serial), result: result{notes: map[string]int{}}}
		err := p.playRound(c)
		if err == nil && len(p.found) == 0 && !time.Now().Before(until) {
			err = p.final()
		}
		t.add(c, serial, p.result)
		if err != nil {
			return fmt.Errorf("round %d, %s, in %s: %w", serial, c.name, w.dir, err)
		}
		if len(p.found) > 0 {
			return nil
		}
	}
	return nil
}
