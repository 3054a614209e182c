package docker

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		dockertest.Stop()
		os.Exit(code)
	}))
}

// stubborn is a command that takes no notice of SIGTERM.
var stubborn = []string{"sleep", "3600"}

// setHost makes the environment name an engine, and nothing else of it.
func setHost(t *testing.T, host string) {
	t.Helper()
	for _, name := range []string{"DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "HTTP_PROXY"} {
		t.Setenv(name, "")
	}
	t.Setenv("DOCKER_HOST", host)
}

// openReal returns a driver of the real engine, and the engine.
func openReal(t *testing.T) (*driver, *dockertest.Engine) {
	t.Helper()
	e := dockertest.Start(t)
	return openAt(t, e.Host), e
}

func openAt(t *testing.T, host string) *driver {
	t.Helper()
	setHost(t, host)
	opened, err := Open(t.Context(), compute.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*driver)
}

func order(ids ...string) compute.Order { return compute.Order{IDs: ids} }

// mustChange fails the test unless an order led to one change of this kind.
func mustChange(t *testing.T, do func(context.Context, compute.Order) ([]compute.Change, error), id string, from, to compute.State) {
	t.Helper()
	changes, err := do(t.Context(), order(id))
	if err != nil {
		t.Fatal(err)
	}
	if want := (compute.Change{ID: id, From: from, To: to}); len(changes) != 1 || changes[0] != want {
		t.Fatalf("got %+v, want %+v", changes, want)
	}
}

// mustFail fails the test unless the error is an *Error of the kind, with the
// texts in it.
func mustFail(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if _, ok := errors.AsType[*compute.Error](err); !ok || !errors.Is(err, kind) {
		t.Fatalf("the error is %v, want an *Error that is: %v", err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error says %q, and not %q", err, text)
		}
	}
}

func mustBe(t *testing.T, e *dockertest.Engine, id, state string) {
	t.Helper()
	if got := e.State(t, id); got != state {
		t.Fatalf("the engine says %s, want %s", got, state)
	}
}

// soon waits until the engine says that a container is in a state.
func soon(t *testing.T, e *dockertest.Engine, id, state string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); e.State(t, id) != state; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the engine says %s, want %s", e.State(t, id), state)
		}
	}
}

// contextFor is a context that ends with the reason after d.
func contextFor(t *testing.T, d time.Duration, reason error) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeoutCause(t.Context(), d, reason)
}
