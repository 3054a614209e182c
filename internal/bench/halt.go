package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// haltedAtOnce is how many attacks run when the lever is pulled.
	haltedAtOnce = 50
	// haltExtra is what the lever may take besides twice the time of the minimal
	// programs, and besides the grace of attacks that ignore the stop.
	haltExtra, haltExtraDeaf = 200 * time.Millisecond, 2 * time.Second
	// stopGrace is the daemon's default, which it is started with.
	stopGrace = 10 * time.Second
)

// measureHalt has 50 attacks do harm and pulls the lever: until the last process
// is gone and the last harm undone. As many minimal programs are started and
// ended in turn.
func measureHalt(ctx context.Context, w *world) (rows []row, err error) {
	d, err := w.startBursts(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	var prompt, minimal, deaf sample
	for range w.times(5) {
		w.note("halt: %d attacks that stop", haltedAtOnce)
		took, err := w.startAndEnd(haltedAtOnce)
		if err != nil {
			return nil, err
		}
		minimal = append(minimal, took)
		if took, err = d.halt(ctx, false); err != nil {
			return nil, err
		}
		prompt = append(prompt, took)
	}
	for range w.times(2) {
		w.note("halt: %d attacks that ignore it", haltedAtOnce)
		took, err := d.halt(ctx, true)
		if err != nil {
			return nil, err
		}
		deaf = append(deaf, took)
	}
	return haltRows(prompt, minimal, deaf), nil
}

func haltRows(prompt, minimal, deaf sample) []row {
	bound := 2*minimal.median() + haltExtra
	ready := newRow(fmt.Sprintf("halt of %d that stop", haltedAtOnce), inMilliseconds(prompt.median()),
		fmt.Sprintf("%d minimal go-plugin programs started and ended", haltedAtOnce), inMilliseconds(minimal.median()))
	ignore := newRow(fmt.Sprintf("halt of %d that ignore it", haltedAtOnce), inMilliseconds(deaf.median()),
		"the grace", inMilliseconds(stopGrace))
	return []row{
		ready.under(inMilliseconds(bound), "<= 2x + 200 ms").with("max %s", inMilliseconds(prompt.percentile(100))),
		ignore.under(inMilliseconds(stopGrace+haltExtraDeaf), "<= grace + 2 s").with("max %s", inMilliseconds(deaf.percentile(100))),
	}
}

// startAndEnd is how long it takes to start n minimal programs and to end them.
func (w *world) startAndEnd(n int) (time.Duration, error) {
	begin := time.Now()
	err := atOnce(n, spawning, func(int) error {
		p, err := startMinimal(w.program("goplugin"))
		if err == nil {
			p.stop()
		}
		return err
	})
	return time.Since(begin), err
}

// leverDocument is what is read of the lever.
type leverDocument struct {
	Engaged  bool `json:"engaged"`
	Stopping int  `json:"stopping"`
	Undoing  int  `json:"undoing"`
	Stop     struct {
		Runs     int      `json:"runs"`
		UndoneMS *float64 `json:"undone_ms"`
	} `json:"stop"`
}

// halt has attacks run, pulls the lever, and returns how long it took until they
// were gone and undone, seen from outside. The lever is released then.
func (d *bursts) halt(ctx context.Context, deaf bool) (time.Duration, error) {
	d.posted++
	dir := filepath.Join(d.dir, "harm-"+strconv.Itoa(d.posted))
	if err := os.Mkdir(dir, 0o700); err != nil { //nolint:gosec // in our own folder
		return 0, err
	}
	first := time.Now().Add(3 * time.Second)
	plan := burst("", first, haltedAtOnce, 1, time.Second)
	plan.Attack = configured{"bench:Hold", map[string]any{"dir": dir, "deaf": deaf}}
	body, err := plan.encode()
	if err != nil {
		return 0, err
	}
	if _, err := d.client.post(ctx, body); err != nil {
		return 0, err
	}
	if err := awaitFiles(ctx, dir, haltedAtOnce, first.Add(drain)); err != nil {
		return 0, err
	}
	begin := time.Now()
	l, err := d.lever(ctx, http.MethodPut)
	for err == nil && (l.Stopping > 0 || l.Undoing > 0 || l.Stop.UndoneMS == nil) {
		if err = pause(ctx, 5*time.Millisecond); err == nil {
			l, err = d.lever(ctx, http.MethodGet)
		}
	}
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	if l.Stop.Runs != haltedAtOnce {
		return 0, fmt.Errorf("the lever stopped %d runs of %d", l.Stop.Runs, haltedAtOnce)
	}
	if err := awaitFiles(ctx, dir, 0, time.Now()); err != nil {
		return 0, err
	}
	_, err = d.lever(ctx, http.MethodDelete)
	return took, err
}

// lever pulls, shows or releases the lever.
func (d *bursts) lever(ctx context.Context, method string) (leverDocument, error) {
	var l leverDocument
	var answer bytes.Buffer
	if err := d.client.call(ctx, method, "halt", nil, &answer); err != nil {
		return l, err
	}
	if err := json.Unmarshal(answer.Bytes(), &l); err != nil {
		return l, fmt.Errorf("read the lever: %w", err)
	}
	return l, nil
}

// awaitFiles waits until a folder has so many files.
func awaitFiles(ctx context.Context, dir string, want int, deadline time.Time) error {
	for {
		files, err := os.ReadDir(dir)
		if err != nil || len(files) == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d harms in place, want %d", len(files), want)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}
