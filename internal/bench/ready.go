package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// readyRounds is how often each server is started.
const readyRounds = 15

// starts is a server that is started again and again.
type starts struct {
	start func() (*server, error)
	took  sample
}

// measureReady starts a bare server, a daemon that never ran before, one that
// did and has an empty store, and one with a full store, in turn.
func measureReady(ctx context.Context, w *world) ([]row, error) {
	full, err := w.mixedStore(ctx, w.most())
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	fresh, empty := filepath.Join(dir, "fresh"), filepath.Join(dir, "cme.db")
	daemon := func(store string) *starts {
		return &starts{start: func() (*server, error) { return w.startDaemon(ctx, w.shipped(store)) }}
	}
	bare := &starts{start: func() (*server, error) { return w.startWeb(ctx) }}
	first, again, stored := daemon(filepath.Join(fresh, "cme.db")), daemon(empty), daemon(full.path)
	for _, path := range []string{full.path, empty} { // so that both know their plugins
		if err := daemon(path).once(); err != nil {
			return nil, err
		}
	}
	for range w.times(readyRounds) {
		if err := os.Mkdir(fresh, 0o700); err != nil { //nolint:gosec // in our own folder
			return nil, err
		}
		for _, s := range []*starts{bare, first, again, stored} {
			if err := s.once(); err != nil {
				return nil, err
			}
		}
		if err := os.RemoveAll(fresh); err != nil { //nolint:gosec // in our own folder
			return nil, err
		}
	}
	return readyRows(w.most(), bare.took, first.took, again.took, stored.took), nil
}

// once measures how long the server takes to be ready, and ends it.
func (s *starts) once() error {
	server, err := s.start()
	if err != nil {
		return err
	}
	s.took = append(s.took, server.startup)
	return server.stop()
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
