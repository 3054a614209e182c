package main

import (
	"context"
	"runtime"
	"time"
)

// spawning is how many processes are started at the same time: more would only
// make each one later.
var spawning = 2 * runtime.NumCPU()

// atOnce calls do with 0 to n-1, at most so many at the same time, and returns
// when all calls have. Of many errors it returns the first.
func atOnce(n, most int, do func(i int) error) error {
	next := make(chan int)
	errs := make(chan error, n)
	for range min(n, most) {
		go func() {
			for i := range next {
				errs <- do(i)
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
