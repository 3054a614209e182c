package sdktest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// hold does harm and waits for its stop, after which it takes the harm back.
func hold(ctx context.Context, _ textArgs, run *sdk.Run) error {
	record, err := run.Record(ctx, "r")
	if err != nil {
		return err
	}
	run.Progress(-1, "holding")
	<-ctx.Done()
	if err := record.Undone(sdk.Undone, "released"); err != nil {
		return err
	}
	return ctx.Err()
}

func TestStop(t *testing.T) {
	for _, cause := range []sdk.StopCause{sdk.Halted, sdk.TimedOut, sdk.Shutdown, sdk.HostGone, sdk.Terminated} {
		t.Run(string(cause), func(t *testing.T) {
			run := sdktest.Start(t, attack(hold), aText)
			run.AwaitRecords(1)
			run.Stop(cause)
			run.Stop(sdk.Halted) // counts no more
			r := run.Wait()
			if r.Failure == nil || r.Failure.Message != "stopped: "+string(cause) || r.Stopped != cause {
				t.Errorf("%+v", r)
			}
			if len(r.Open()) != 0 || r.Records[0].Outcome != sdk.Undone || r.Records[0].Message != "released" {
				t.Errorf("records %+v", r.Records)
			}
			if again := run.Wait(); again.Failure == nil || len(again.Records) != 1 {
				t.Errorf("asked again: %+v", again)
			}
		})
	}
}

func TestAwait(t *testing.T) {
	run := sdktest.Start(t, attack(hold), aText)
	run.Await(func(r *sdktest.Recording) bool { return len(r.Progress) == 1 })
	run.Stop(sdk.Halted)
	run.Wait()
	run.Await(func(r *sdktest.Recording) bool { return r.Records[0].Outcome == sdk.Undone }) // it is over, and true
}

func TestWhatIsAwaitedAndDoesNotCome(t *testing.T) {
	fails := attack(func(context.Context, textArgs, *sdk.Run) error { return errors.New("no luck") })
	complains(t, "the run ended with 0 undo records; 2 were awaited (it failed: no luck)", func(t testing.TB) {
		sdktest.Start(t, fails, aText).AwaitRecords(2)
	})
	complains(t, "the run ended before what was awaited (it succeeded)", func(t testing.TB) {
		sdktest.Start(t, attack(nothing), aText).Await(func(*sdktest.Recording) bool { return false })
	})
}

func TestARunEndsWithItsTest(t *testing.T) {
	causes := make(chan error, 1)
	words := judge(t, func(t testing.TB) {
		sdktest.Start(t, attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error {
			run.Progress(0, "running")
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil
		}), aText).Await(func(r *sdktest.Recording) bool { return len(r.Progress) == 1 })
	})
	var stop *sdk.StopError
	if cause := <-causes; !errors.As(cause, &stop) || stop.Cause != sdk.Shutdown || len(words) != 0 {
		t.Errorf("cause %v, complaints %q", cause, words)
	}
}

// An hour by the clock takes none in a bubble: nothing else than channels is
// between the attack and the test.
func TestAnHourInABubble(t *testing.T) {
	a := attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error {
		return run.Do(ctx, "r", func(ctx context.Context) error {
			select {
			case <-time.After(time.Hour):
				run.Log().Info("an hour later")
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	a.Undo = func(ctx context.Context, _ textArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
		select {
		case <-time.After(time.Minute):
			return sdk.Undone, nil
		case <-ctx.Done():
			return sdk.Failed, ctx.Err()
		}
	}
	before := time.Now()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := sdktest.Run(t, a, aText, sdktest.Timeout(2*time.Hour))
		if r.Failure != nil || len(r.Log) != 1 || time.Since(start) != time.Hour {
			t.Errorf("%+v after %s", r, time.Since(start))
		}
		start = time.Now()
		if u := sdktest.Undo(t, a, aText, r.Records[0]); u.Outcome != sdk.Undone || time.Since(start) != time.Minute {
			t.Errorf("%+v after %s", u, time.Since(start))
		}
	})
	if took := time.Since(before); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

func TestALiveRunInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := sdktest.Start(t, attack(hold), aText)
		run.AwaitRecords(1)
		time.Sleep(10 * time.Minute)
		run.Stop(sdk.Halted)
		if r := run.Wait(); r.Stopped != sdk.Halted || len(r.Open()) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheTimeoutStopsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := sdktest.Run(t, attack(hold), aText, sdktest.Timeout(time.Minute))
		if r.Stopped != sdk.TimedOut || r.Failure == nil || r.Failure.Message != "stopped: timed out" || time.Since(start) != time.Minute {
			t.Errorf("%+v after %s", r, time.Since(start))
		}
	})
}

// That an attack takes as long as the daemon lets it is no accident to be
// overlooked.
func TestATimeoutThatNobodyAskedForFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		complains(t, "the run took longer than 15m0s and was stopped; sdktest.Timeout allows for more", func(t testing.TB) {
			sdktest.Run(t, attack(hold), aText)
		})
	})
}

func TestAnAttackThatDoesNotReturn(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	deaf := func() { <-release }
	complaint := complains(t, "the attack has not returned 50ms after it was told to stop (timed out); its context had ended:\n", func(t testing.TB) {
		sdktest.Run(t, attack(func(context.Context, textArgs, *sdk.Run) error { deaf(); return nil }), aText,
			sdktest.Timeout(50*time.Millisecond), sdktest.Grace(50*time.Millisecond))
	})
	if !strings.Contains(complaint, "live_test.go") {
		t.Errorf("where it is can't be seen: %s", complaint)
	}
}

// limited is a test whose time is nearly over.
type limited struct {
	testing.TB

	deadline time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

// The wait ends before go test ends the whole process, so that the test says
// which of its runs it is, and where.
func TestTheTimeOfATestIsABound(t *testing.T) {
	soon := func(t testing.TB) testing.TB { return limited{t, time.Now().Add(50 * time.Millisecond)} }
	a := attack(hold)
	a.Check = func(ctx context.Context, _ textArgs, _ *sdk.CheckCall) error { <-ctx.Done(); return nil }
	for _, c := range []struct {
		rule, want string
		test       func(t testing.TB)
	}{
		{"a run", "the run goes on, and the time of the test is nearly over:\n", func(t testing.TB) { sdktest.Run(soon(t), a, aText) }},
		{"what is awaited", "what was awaited has not come, and the time of the test is nearly over:\n", func(t testing.TB) {
			sdktest.Start(soon(t), a, aText).AwaitRecords(2)
		}},
		{"a check", "the check is not there, and the time of the test is nearly over:\n", func(t testing.TB) {
			_, _ = sdktest.Check(soon(t), a, aText)
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if complaint := complains(t, c.want, c.test); !strings.Contains(complaint, "live_test.go") {
				t.Errorf("where it is can't be seen: %s", complaint)
			}
		})
	}
}

// A call that doesn't return in time fails the test, whether it returns late or
// never.
func TestAnAnswerThatDoesNotCome(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	a := attack(nothing)
	a.Targets = func(context.Context, textArgs, *sdk.TargetsCall) ([]sdk.Target, error) { <-release; return nil, nil }
	a.Undo = func(context.Context, textArgs, *sdk.UndoCall) (sdk.Outcome, error) { <-release; return sdk.Undone, nil }
	a.Check = func(ctx context.Context, _ textArgs, _ *sdk.CheckCall) error { <-ctx.Done(); return nil }
	soon := []sdktest.Option{sdktest.Timeout(50 * time.Millisecond), sdktest.Grace(50 * time.Millisecond)}
	for _, c := range []struct {
		rule, want string
		test       func(t testing.TB)
	}{
		{"targets", "the list of targets is not there after 50ms, and 50ms after its context has ended:\n", func(t testing.TB) {
			_, _ = sdktest.Targets(t, a, aText, soon...)
		}},
		{"an undo", "the undo is not there after 50ms, and 50ms after its context has ended:\n", func(t testing.TB) {
			sdktest.Undo(t, a, aText, sdktest.RecordOf(t, 1), soon...)
		}},
		{"a late check", "the check was not there after 50ms; the daemon would not have waited longer", func(t testing.TB) {
			_, _ = sdktest.Check(t, a, aText, soon...)
		}},
	} {
		t.Run(c.rule, func(t *testing.T) { complains(t, c.want, c.test) })
	}
}

func TestAGoroutineThatGoesOnIsSeen(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	leak := func() { go func() { <-release }() }
	a := attack(func(context.Context, textArgs, *sdk.Run) error { leak(); return nil })
	a.Check = func(context.Context, textArgs, *sdk.CheckCall) error { leak(); return nil }
	complaint := complains(t, "the attack has returned, but goroutines it started go on; under a daemon the process ends now:\n", func(t testing.TB) {
		sdktest.Run(t, a, aText)
	})
	if !strings.Contains(complaint, "live_test.go") {
		t.Errorf("who started it can't be seen: %s", complaint)
	}
	complains(t, "the code has returned, but goroutines it started go on", func(t testing.TB) { _, _ = sdktest.Check(t, a, aText) })
}

// The goroutines of others are no leaks, nor are those that are about to end, nor
// what net/http keeps.
func TestWhatIsNoLeak(t *testing.T) {
	release := make(chan struct{})
	go func() { <-release }()
	defer close(release)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	r := sdktest.Run(t, attack(func(ctx context.Context, _ textArgs, _ *sdk.Run) error {
		go func() { <-ctx.Done() }() // the context ends with the run
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}), aText)
	if r.Failure != nil {
		t.Error(r.Failure)
	}
}

func TestAStopBeforeTheAttackIsCalled(t *testing.T) {
	for _, cause := range []sdk.StopCause{sdk.Halted, sdk.HostGone} {
		run := sdktest.Start(t, attack(func(ctx context.Context, _ textArgs, _ *sdk.Run) error { <-ctx.Done(); return ctx.Err() }), aText)
		run.Stop(cause)
		if r := run.Wait(); r.Failure == nil || r.Stopped != cause {
			t.Errorf("%+v", r)
		}
	}
}
