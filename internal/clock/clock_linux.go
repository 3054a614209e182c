package clock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// horizon is how far ahead the timer is set. That it expires is of no interest;
// it only has to be armed (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
const horizon = 365 * 24 * time.Hour

// timer is a timerfd on the wall clock that is cancelled when that is set. The
// kernel does the same on resume from suspend.
type timer struct{ file *os.File }

func newSource() (source, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch the clock: timerfd_create: %w", err)
	}
	// Non-blocking, so the runtime's poller waits for it and no thread does.
	t := &timer{file: os.NewFile(uintptr(fd), "timerfd")}
	if err := arm(fd); err != nil {
		return nil, errors.Join(err, t.file.Close())
	}
	return t, nil
}

func arm(fd int) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(time.Now().Add(horizon).UnixNano())}
	err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	// ECANCELED: the timer is set, and the clock was too since the last read.
	// The caller is about to announce a step anyway.
	if err != nil && !errors.Is(err, unix.ECANCELED) {
		return fmt.Errorf("watch the clock: timerfd_settime: %w", err)
	}
	return nil
}

func (t *timer) next() error {
	for {
		var expirations [8]byte
		_, err := t.file.Read(expirations[:])
		switch {
		case errors.Is(err, unix.ECANCELED):
			return t.rearm()
		case err != nil:
			return fmt.Errorf("watch the clock: %w", err)
		case binary.NativeEndian.Uint64(expirations[:]) > 0: // a year has passed
			if err := t.rearm(); err != nil {
				return err
			}
		}
	}
}

// rearm sets the timer while keeping close from giving its descriptor away.
func (t *timer) rearm() error {
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	var armed error
	if err := raw.Control(func(fd uintptr) { armed = arm(int(fd)) }); err != nil {
		return err
	}
	return armed
}

func (t *timer) close() error { return t.file.Close() }
