package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// settling is how long a daemon is left alone before its memory is read.
const settling = 2 * time.Second

// The targets, in bytes.
const (
	storedTarget = 64 << 20
	burstTarget  = 150 << 20
)

// measureMemory reads the memory of a bare server and of daemons that do
// nothing, list everything, and run a burst.
func measureMemory(ctx context.Context, w *world) ([]row, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	full, err := w.mixedStore(ctx, w.most())
	if err != nil {
		return nil, err
	}
	bare, err := settled(ctx, func() (*server, error) { return w.startWeb(ctx) }, "")
	if err != nil {
		return nil, err
	}
	idle, err := settled(ctx, func() (*server, error) {
		return w.startDaemon(ctx, w.shipped(filepath.Join(dir, "cme.db")))
	}, "")
	if err != nil {
		return nil, err
	}
	stored, err := settled(ctx, func() (*server, error) { return w.startDaemon(ctx, w.shipped(full.path)) }, "executors/?executed=true")
	if err != nil {
		return nil, err
	}
	crowd, err := w.greatest(ctx)
	if err != nil {
		return nil, err
	}
	against := func(what string, bytes int64) row {
		return newRow("memory, "+what, inMegabytes(bytes), "bare Go HTTP server", inMegabytes(bare.idle))
	}
	many := thousands(w.most()) + " executors stored"
	return []row{
		against("idle, empty store", idle.idle),
		against("idle, "+many, stored.idle).under(inMegabytes(storedTarget), "<= 64 MB"),
		against("peak while all is listed, "+many, stored.busy).under(inMegabytes(storedTarget), "<= 64 MB"),
		against(fmt.Sprintf("peak in a burst of %d", crowd.outcome.due), crowd.peak).under(inMegabytes(burstTarget), "<= 150 MB"),
	}, nil
}

// memory is that of a process, in bytes.
type memory struct {
	idle int64 // when it has been left alone for a while
	busy int64 // the most while it was read from
}

// settled starts a server, reads its memory, the second time while it answers a
// GET of path if one is given, and ends it.
func settled(ctx context.Context, start func() (*server, error), path string) (m memory, err error) {
	s, err := start()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := pause(ctx, settling); err != nil {
		return m, err
	}
	if m.idle, err = anonymousMemory(s.pid); err != nil || path == "" {
		return m, err
	}
	c := newClient(s)
	defer c.close()
	stop := watchPeak(s.pid)
	err = c.get(ctx, path, io.Discard)
	busy, watched := stop()
	m.busy = busy
	return m, errors.Join(err, watched)
}

// watchPeak reads a process's memory every few milliseconds until the function
// it returns is called, which returns the most that was seen.
func watchPeak(pid int) (stop func() (int64, error)) {
	var peak int64
	var failed error
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			now, err := anonymousMemory(pid)
			if err != nil {
				failed = err
				return
			}
			peak = max(peak, now)
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() (int64, error) {
		close(quit)
		<-done
		return peak, failed
	}
}
