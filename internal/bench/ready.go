package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// readyRounds is how often each server is started.
const readyRounds = 15

// measureReady starts a bare server, a daemon that never ran before, one that
// did and has an empty store, and one with a full store, in turn.
func measureReady(ctx context.Context, w *world) ([]row, error) {
	full, err := w.seeded(ctx, mixed(w.most()))
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	empty := filepath.Join(dir, "cme.db")
	for _, path := range []string{full, empty} { // so that both know their plugins
		if _, err := startAndStop(w.startDaemon(ctx, w.shipped(path))); err != nil {
			return nil, err
		}
	}
	var bare, first, again, stored sample
	for range w.times(readyRounds) {
		dir, err := w.folder()
		if err != nil {
			return nil, err
		}
		for _, m := range []struct {
			to    *sample
			start func() (*server, error)
		}{
			{&bare, func() (*server, error) { return w.startWeb(ctx) }},
			{&first, func() (*server, error) { return w.startDaemon(ctx, w.shipped(filepath.Join(dir, "cme.db"))) }},
			{&again, func() (*server, error) { return w.startDaemon(ctx, w.shipped(empty)) }},
			{&stored, func() (*server, error) { return w.startDaemon(ctx, w.shipped(full)) }},
		} {
			took, err := startAndStop(m.start())
			if err != nil {
				return nil, err
			}
			*m.to = append(*m.to, took)
		}
		if err := os.RemoveAll(dir); err != nil { // with its copies of all plugins
			return nil, err
		}
	}
	return readyRows(w.most(), bare, first, again, stored), nil
}

func readyRows(most int, bare, first, again, stored sample) []row {
	against := func(what string, s sample) row {
		return newRow(what, inMilliseconds(s.median()), "bare Go HTTP server", inMilliseconds(bare.median()))
	}
	bound := 3*bare.median() + 50*time.Millisecond
	return []row{
		against("ready, first start: store made, plugins described", first),
		against("ready, empty store", again),
		against("ready, "+thousands(most)+" executors stored", stored).under(inMilliseconds(bound), "<= 3x + 50 ms"),
	}
}

// startAndStop returns how long a server took to be ready, and ends it.
func startAndStop(s *server, err error) (time.Duration, error) {
	if err != nil {
		return 0, err
	}
	return s.startup, s.stop()
}
