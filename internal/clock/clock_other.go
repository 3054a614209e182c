//go:build !linux

package clock

import (
	"os"
	"time"
)

const (
	// interval is how often the clocks are compared.
	interval = 30 * time.Second
	// tolerance is how far they may drift apart in an interval.
	tolerance = time.Second
)

// comparison compares the wall clock with the monotonic one.
type comparison struct {
	ticker *time.Ticker
	closed chan struct{}
	last   time.Time // carries both readings
}

func newSource() (source, error) {
	return &comparison{ticker: time.NewTicker(interval), closed: make(chan struct{}), last: time.Now()}, nil
}

func (c *comparison) next() error {
	for {
		select {
		case <-c.ticker.C:
		case <-c.closed:
			return os.ErrClosed
		}
		now := time.Now()
		step := now.Round(0).Sub(c.last.Round(0)) - now.Sub(c.last)
		c.last = now
		if step.Abs() > tolerance {
			return nil
		}
	}
}

func (c *comparison) close() error {
	c.ticker.Stop()
	close(c.closed)
	return nil
}
