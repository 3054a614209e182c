package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// The pauses between attempts to take a stream up again.
const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 5 * time.Second
)

// longestOutage bounds how long a daemon that was there is waited for.
const longestOutage = 15 * time.Minute

// errOutage is returned when a daemon stayed away.
var errOutage = errors.New("the daemon did not come back")

// outage is that what is followed broke off. It is told once, and once that it is
// over.
type outage struct {
	to    io.Writer
	what  string
	since time.Time // zero: there is none
}

// begin takes an attempt in that failed, with nil if the daemon ended it. It returns errOutage when the daemon has
// been away too long to be waited for.
func (o *outage) begin(now time.Time, err error) error {
	if o.since.IsZero() {
		o.since = now
		fmt.Fprintf(o.to, "%s broke off; waiting for the daemon\n", o.what)
	}
	switch {
	case now.Sub(o.since) < longestOutage:
		return nil
	case err == nil:
		return fmt.Errorf("%w within %s", errOutage, longestOutage)
	default:
		return fmt.Errorf("%w within %s: %w", errOutage, longestOutage, err)
	}
}

func (o *outage) over() {
	if !o.since.IsZero() {
		fmt.Fprintf(o.to, "the daemon is back: %s goes on\n", o.what)
	}
	o.since = time.Time{}
}

// following takes a stream up again each time it breaks off.
type following struct {
	lost    outage
	reached bool // the daemon, at least once
	pause   time.Duration
}

func newFollowing(to io.Writer, what string) *following {
	return &following{lost: outage{to: to, what: what}, pause: shortestPause}
}

// opened is called when the daemon has begun to answer.
func (f *following) opened() {
	f.reached, f.pause = true, shortestPause
	f.lost.over()
}

// again waits before the next attempt after one that ended with err, nil if the
// daemon ended it. It returns false when there is to be none, with the error if
// that is one.
func (f *following) again(ctx context.Context, err error) (bool, error) {
	switch {
	case ctx.Err() != nil && f.reached:
		return false, nil
	case err != nil && (!f.reached || !client.Passing(err)):
		return false, err
	}
	if err := f.lost.begin(time.Now(), err); err != nil {
		return false, err
	}
	pause := f.pause
	f.pause = min(2*pause, longestPause)
	return sleep(ctx, pause), nil
}

// sleep waits, and says whether ctx has not ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func isUnreachable(err error) bool {
	_, ok := errors.AsType[*client.Unreachable](err)
	return ok
}
