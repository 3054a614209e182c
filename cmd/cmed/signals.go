package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// onePress is how long after the first stop another counts as the same one:
// timeout(1), for one, signals the process and then its whole group.
const onePress = time.Second

// errForced is returned when a second signal asked to end at once.
var errForced = errors.New("told a second time to stop: ended at once; " +
	"what ran is ended and undone by the next start")

// orders turns signals into what the daemon is to do.
type orders struct {
	// stop ends with the first SIGINT or SIGTERM, or with its parent.
	stop context.Context
	// force ends with the second one, at least onePress later; its cause is
	// what to say of it.
	force context.Context
	// rescan receives after SIGHUP, halt after SIGUSR1. What comes before
	// somebody listens waits.
	rescan, halt chan struct{}

	cancel, forceNow context.CancelCauseFunc
	ended            sync.WaitGroup
}

// takeOrders listens to signals until release is called.
func takeOrders(ctx context.Context, signals <-chan os.Signal) (o *orders, release func()) {
	o = &orders{rescan: make(chan struct{}, 1), halt: make(chan struct{}, 1)}
	o.stop, o.cancel = context.WithCancelCause(ctx)
	o.force, o.forceNow = context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	o.ended.Go(func() { o.listen(signals, done) })
	return o, func() {
		close(done)
		o.ended.Wait()
		o.cancel(nil)
		o.forceNow(nil)
	}
}

func (o *orders) listen(signals <-chan os.Signal, done <-chan struct{}) {
	var first time.Time // of the first stop
	for {
		select {
		case <-done:
			return
		case sig := <-signals:
			switch sig {
			case syscall.SIGHUP:
				leave(o.rescan)
				continue
			case syscall.SIGUSR1:
				leave(o.halt)
				continue
			}
			switch {
			case first.IsZero():
				first = time.Now()
				o.cancel(fmt.Errorf("received %v", sig))
			case time.Since(first) >= onePress:
				o.forceNow(errForced)
			}
		}
	}
}

// leave puts an order down, unless one is waiting already.
func leave(order chan<- struct{}) {
	select {
	case order <- struct{}{}:
	default:
	}
}

// unlessForced returns what fn returns, or the cause of force when that ends
// before; fn then ends with the process, which is about to exit.
func (o *orders) unlessForced(fn func() error) error {
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		return err
	case <-o.force.Done():
		return context.Cause(o.force)
	}
}
