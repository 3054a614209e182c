package sdktest

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// trace marks a call's goroutines, by a pprof label that a goroutine inherits
// from the one that starts it. So they can be found among all others.
type trace string

const traceLabel = "sdktest"

var traces atomic.Int64

func newTrace() trace { return trace(strconv.FormatInt(traces.Add(1), 10)) }

// do calls code, marked.
func (c trace) do(code func()) {
	pprof.Do(context.Background(), pprof.Labels(traceLabel, string(c)), func(context.Context) { code() })
}

// stacks returns the stacks of the goroutines that are there, but for idle
// connections, which net/http keeps on purpose.
func (c trace) stacks() []string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a buffer takes everything
	mark := strconv.Quote(traceLabel) + ":" + strconv.Quote(string(c))
	var found []string
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, mark) && !strings.Contains(stack, "net/http.(*persistConn)") {
			found = append(found, stack)
		}
	}
	return found
}

// How long goroutines may take to end when their call has returned.
const (
	endTries = 100
	endTime  = time.Second
)

// leaks returns the stacks of the goroutines that don't end.
func (c trace) leaks() []string {
	for range endTries { // most are about to: no clock has to move for that
		if len(c.stacks()) == 0 {
			return nil
		}
		runtime.Gosched()
	}
	for range endTries {
		if len(c.stacks()) == 0 {
			return nil
		}
		time.Sleep(endTime / endTries)
	}
	return c.stacks()
}

// expectEnd marks the test as failed if goroutines of the call go on.
func (c trace) expectEnd(t testing.TB, what string) {
	t.Helper()
	if leaks := c.leaks(); len(leaks) > 0 {
		t.Errorf("%s has returned, but goroutines it started go on; under a daemon the process ends now:\n%s",
			what, strings.Join(leaks, "\n\n"))
	}
}

// nearEnd returns a channel that gets something when go test is about to end the
// process because its time is over; nil where the test has no such time, or is
// in a bubble, whose clock is another.
func nearEnd(t testing.TB) (near <-chan time.Time, stop func() bool) {
	limited, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return nil, func() bool { return false }
	}
	defer func() {
		if recover() != nil { // what Deadline does in a bubble
			near, stop = nil, func() bool { return false }
		}
	}()
	deadline, ok := limited.Deadline()
	if !ok {
		return nil, func() bool { return false }
	}
	timer := time.NewTimer(time.Until(deadline) * 9 / 10)
	return timer.C, timer.Stop
}
