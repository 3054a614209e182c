package clock

import (
	"errors"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a source that answers what the test sends.
type scripted struct {
	answers chan error
	closed  chan struct{}
}

func newScripted() *scripted {
	return &scripted{answers: make(chan error), closed: make(chan struct{})}
}

func (s *scripted) next() error {
	select {
	case err := <-s.answers:
		return err
	case <-s.closed:
		return os.ErrClosed
	}
}

func (s *scripted) close() error {
	close(s.closed)
	return nil
}

func TestStepIsAnnounced(t *testing.T) {
	s := newScripted()
	w := watch(s)
	s.answers <- nil
	select {
	case <-w.Changes():
	case <-time.After(10 * time.Second):
		t.Error("a step was not announced")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestStepsNotTakenAreOne(t *testing.T) {
	s := newScripted()
	w := watch(s)
	for range 3 { // none blocks, though nobody takes them
		s.answers <- nil
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if n := len(w.Changes()); n != 1 {
		t.Errorf("%d steps are waiting, want 1", n)
	}
}

func TestCloseTellsWhyWatchingEnded(t *testing.T) {
	s := newScripted()
	w := watch(s)
	broken := errors.New("broken")
	s.answers <- broken
	if err := w.Close(); !errors.Is(err, broken) {
		t.Errorf("Close: %v, want %v", err, broken)
	}
	if len(w.Changes()) != 0 {
		t.Error("the failure was announced as a step")
	}
}

func TestNothingIsAnnouncedWithoutAStep(t *testing.T) {
	w, err := Watch()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if len(w.Changes()) != 0 {
		t.Error("a step was announced")
	}
}
