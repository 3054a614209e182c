package sdktest_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// textArgs are the args of most attacks here.
type textArgs struct {
	Text string `json:"text" jsonschema:"minLength=1"`
}

// aText are args that fit.
var aText = textArgs{"x"}

func attack(run func(ctx context.Context, args textArgs, run *sdk.Run) error) sdk.Attack[textArgs] {
	return sdk.Attack[textArgs]{Info: sdk.Info{Ref: "t:A"}, Run: run}
}

func nothing(context.Context, textArgs, *sdk.Run) error { return nil }

// judged is a test that is judged itself: what it reports is on record, and ends
// nothing but the goroutine it is in.
type judged struct {
	testing.TB

	mu       sync.Mutex
	words    []string
	cleanups []func()
}

func (j *judged) Helper() {}

func (j *judged) Cleanup(f func()) { j.cleanups = append(j.cleanups, f) }

func (j *judged) say(words string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.words = append(j.words, words)
}

func (j *judged) Error(args ...any) { j.say(fmt.Sprint(args...)) }

func (j *judged) Errorf(format string, args ...any) { j.say(fmt.Sprintf(format, args...)) }

func (j *judged) Fatal(args ...any) {
	j.Error(args...)
	runtime.Goexit()
}

func (j *judged) Fatalf(format string, args ...any) {
	j.Errorf(format, args...)
	runtime.Goexit()
}

// judge runs a test with its cleanups and returns what it complained of.
func judge(t *testing.T, test func(t testing.TB)) []string {
	t.Helper()
	j := &judged{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for len(j.cleanups) > 0 {
				last := len(j.cleanups) - 1
				cleanup := j.cleanups[last]
				j.cleanups = j.cleanups[:last]
				cleanup()
			}
		}()
		test(j)
	}()
	<-done
	return j.words
}

// complains expects a test to complain once, with a text that begins as given.
func complains(t *testing.T, want string, test func(t testing.TB)) (complaint string) {
	t.Helper()
	words := judge(t, test)
	if len(words) != 1 || !strings.HasPrefix(words[0], want) {
		t.Errorf("the test complains %q, want %q", words, want)
		return ""
	}
	return words[0]
}

func write(path string) func(context.Context) error {
	return func(context.Context) error { return os.WriteFile(path, nil, 0o600) }
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
