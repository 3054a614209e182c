package store

import (
	"slices"
	"sync"
	"time"
)

const (
	// commitWindow is how far back the commits are remembered, and commitsKept
	// how many of them at most.
	commitWindow = time.Minute
	commitsKept  = 4096
)

// commitTimes remembers how long the commits of the last minute took. The zero
// value is ready.
type commitTimes struct {
	mu    sync.Mutex
	list  []commitTime // the oldest first
	since time.Time    // when the one under way began; zero: none is
}

type commitTime struct {
	at   time.Time // its end
	took time.Duration
}

func (c *commitTimes) began() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = time.Now()
}

// ended returns how long the commit under way took.
func (c *commitTimes) ended() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	took := now.Sub(c.since)
	c.since = time.Time{}
	if len(c.list) == commitsKept {
		c.list = slices.Delete(c.list, 0, commitsKept/4) // not one at each commit
	}
	c.list = append(c.list, commitTime{now, took})
	return took
}

// percentile is the 99th of the last minute.
func (c *commitTimes) percentile() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	old := slices.IndexFunc(c.list, func(t commitTime) bool { return now.Sub(t.at) < commitWindow })
	if old < 0 {
		old = len(c.list)
	}
	c.list = slices.Delete(c.list, 0, old)
	took := make([]time.Duration, 0, len(c.list)+1)
	for _, t := range c.list {
		took = append(took, t.took)
	}
	if !c.since.IsZero() {
		took = append(took, now.Sub(c.since))
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)*99+99)/100-1]
}
