package clock

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// That a step of the clock ends the wait can't be tested here: it would take
// setting the clock of the machine. What the kernel says of the timer is
// tested instead, and in clock_test.go what is made of its answers.
func TestTimerIsCancelledByAStep(t *testing.T) {
	s, err := newSource()
	if err != nil {
		t.Fatal(err)
	}
	timer := s.(*timer)
	defer func() {
		if err := timer.close(); err != nil {
			t.Error(err)
		}
	}()
	var fd int
	control(t, timer, func(n int) error { fd = n; return nil })
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		t.Skipf("no /proc here, mount it to run this test: %v", err)
	}
	for _, want := range []string{
		"clockid: 0\n",          // CLOCK_REALTIME
		"settime flags: 03\n",   // TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, octal
		"it_interval: (0, 0)\n", // no periodic wake-up
	} {
		if !strings.Contains(string(info), want) {
			t.Errorf("the timer lacks %q:\n%s", want, info)
		}
	}
	if left := remaining(t, timer); left < horizon-time.Hour || left > horizon {
		t.Errorf("the timer expires in %v, want %v", left, horizon)
	}
}

// An expiry is not a step: the timer is only set anew.
func TestExpiryIsNoStep(t *testing.T) {
	s, err := newSource()
	if err != nil {
		t.Fatal(err)
	}
	timer := s.(*timer)
	setTo(t, timer, time.Now().Add(-time.Second))
	answered := make(chan error, 1)
	go func() { answered <- timer.next() }()

	deadline := time.Now().Add(10 * time.Second)
	for remaining(t, timer) < horizon-time.Hour {
		if time.Now().After(deadline) {
			t.Fatal("the expired timer was not set anew")
		}
		time.Sleep(time.Millisecond)
	}
	if err := timer.close(); err != nil {
		t.Error(err)
	}
	if err := <-answered; !errors.Is(err, os.ErrClosed) {
		t.Errorf("next answered %v, want it to wait until closed", err)
	}
}

func TestCloseGivesTheDescriptorBack(t *testing.T) {
	w, err := Watch()
	if err != nil {
		t.Fatal(err)
	}
	file := w.source.(*timer).file
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("stat after Close: %v, want %v", err, os.ErrClosed)
	}
}

func setTo(t *testing.T, timer *timer, at time.Time) {
	t.Helper()
	control(t, timer, func(fd int) error {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(at.UnixNano())}
		return unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	})
}

func remaining(t *testing.T, timer *timer) time.Duration {
	t.Helper()
	var spec unix.ItimerSpec
	control(t, timer, func(fd int) error { return unix.TimerfdGettime(fd, &spec) })
	return time.Duration(spec.Value.Nano())
}

func control(t *testing.T, timer *timer, fn func(fd int) error) {
	t.Helper()
	raw, err := timer.file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = fn(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Fatal(failed)
	}
}
