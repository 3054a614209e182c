package sdktest

import (
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Live is a run that goes on. Its methods are called from the goroutine of the
// test.
type Live struct {
	t      testing.TB
	offer  *offered
	call   *call
	stream *runStream
	trace  trace
	// served gets the error of the service's call when it has returned.
	served chan error
	stops  chan sdk.StopCause
	// over is closed when the run is, or when it is given up as hung.
	over chan struct{}

	mu sync.Mutex
	// changed is closed, and replaced, when the recording has changed.
	changed   chan struct{}
	recording Recording
	broken    error // of the service's call
	hung      bool
	overran   bool // its timeout stopped it
	judged    bool // what is wrong with the run has been said
}

// Stop asks the run to end, as a halt, a timeout, a shutdown, the death of the
// host or a SIGTERM does, and returns at once. Only the first stop counts.
func (l *Live) Stop(cause sdk.StopCause) {
	select {
	case l.stops <- cause:
	case <-l.over:
	}
}

// AwaitRecords waits until so many undo records are stored, which is before the
// harm of the last one is known to be done. The test fails if the run ends with
// fewer.
func (l *Live) AwaitRecords(n int) {
	l.t.Helper()
	if !l.await(func(r *Recording) bool { return len(r.Records) >= n }) {
		recording := l.Wait()
		l.t.Fatalf("the run ended with %d undo records; %d were awaited (%s)", len(recording.Records), n, ending(recording))
	}
}

// Await waits until enough is true of what the run has done so far. The test
// fails if the run ends before.
func (l *Live) Await(enough func(soFar *Recording) bool) {
	l.t.Helper()
	if !l.await(enough) {
		l.t.Fatalf("the run ended before what was awaited (%s)", ending(l.Wait()))
	}
}

// ending says how a run ended.
func ending(r *Recording) string {
	if r.Failure == nil {
		return "it succeeded"
	}
	return "it failed: " + r.Failure.Message
}

// await returns whether enough became true before the run ended.
func (l *Live) await(enough func(*Recording) bool) bool {
	l.t.Helper()
	near, release := nearEnd(l.t)
	defer release()
	for {
		l.mu.Lock()
		soFar, changed := l.recording.copy(), l.changed
		l.mu.Unlock()
		if enough(soFar) {
			return true
		}
		select {
		case <-changed:
		case <-l.over:
			l.mu.Lock()
			last := l.recording.copy()
			l.mu.Unlock()
			return enough(last)
		case <-near:
			l.t.Fatalf("what was awaited has not come, and the time of the test is nearly over:\n%s", l.where())
		}
	}
}

// Wait returns when the run is over.
func (l *Live) Wait() *Recording {
	l.t.Helper()
	near, release := nearEnd(l.t)
	defer release()
	select {
	case <-l.over:
	case <-near:
		l.t.Fatalf("the run goes on, and the time of the test is nearly over:\n%s", l.where())
	}
	if wrong := l.judge(); wrong != "" {
		l.t.Fatal(wrong)
	}
	return l.recording.copy()
}

// judge returns, once, what a run that is over did that it must not do.
func (l *Live) judge() string {
	l.t.Helper()
	if l.judged {
		return ""
	}
	l.judged = true
	switch {
	case l.hung:
		return "the attack has not returned " + l.call.grace.String() + " after it was told to stop (" +
			string(l.recording.Stopped) + "); its context had ended:\n" + l.where()
	case l.broken != nil && l.recording.Stopped == "":
		return "the call failed: " + status.Convert(l.broken).Message()
	case l.broken != nil: // stopped before it began
		l.recording.Failure = &Failure{Message: status.Convert(l.broken).Message()}
	}
	l.trace.expectEnd(l.t, "the attack")
	if l.overran && l.call.timeout == 0 {
		return "the run took longer than " + runTimeout.String() + " and was stopped; sdktest.Timeout allows for more, or makes it a test of that"
	}
	return ""
}

// where shows where the attack is.
func (l *Live) where() string { return strings.Join(l.trace.stacks(), "\n\n") }

// end stops a run that nobody has waited for.
func (l *Live) end() {
	l.t.Helper()
	l.Stop(sdk.Shutdown)
	<-l.over // within the grace
	if wrong := l.judge(); wrong != "" {
		l.t.Error(wrong)
	}
}
