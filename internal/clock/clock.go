// Package clock tells when the wall clock was set, by a person or by a time
// service, and when the machine woke up from suspend. The scheduler sleeps on
// timers that count elapsed time; after such a step it must look again.
//
// On Linux the kernel announces it and nothing wakes up in between. Elsewhere
// the two clocks are compared every 30 seconds.
package clock

import (
	"errors"
	"os"
	"sync"
)

// Watcher announces steps of the wall clock. Make it with Watch, end it with
// Close.
type Watcher struct {
	changes chan struct{}
	source  source
	err     error // why it stopped watching; read after ended
	ended   sync.WaitGroup
}

// source blocks until the clock was set.
type source interface {
	// next returns nil when the clock was set, os.ErrClosed after close, and
	// another error when steps can't be seen any more.
	next() error
	close() error
}

// Watch begins to watch. The error says why this system can't announce steps.
func Watch() (*Watcher, error) {
	s, err := newSource()
	if err != nil {
		return nil, err
	}
	return watch(s), nil
}

func watch(s source) *Watcher {
	w := &Watcher{changes: make(chan struct{}, 1), source: s}
	w.ended.Go(w.loop)
	return w
}

// Changes receives after each step of the clock; steps that come while the last
// one was not yet taken are one. It is never closed.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Close ends the watching and returns when its goroutine and its file
// descriptor are gone. The error says why steps were no longer seen, if that
// happened before. It must be called once.
func (w *Watcher) Close() error {
	err := w.source.close()
	w.ended.Wait()
	return errors.Join(w.err, err)
}

func (w *Watcher) loop() {
	for {
		switch err := w.source.next(); {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			w.err = err
			return
		}
		select {
		case w.changes <- struct{}{}:
		default: // one is waiting to be taken already
		}
	}
}
