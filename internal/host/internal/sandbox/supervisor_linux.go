//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notification is a call that waits (struct seccomp_notif).
type notification struct {
	id    uint64
	tid   uint32
	flags uint32
	nr    uint32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// response says what becomes of a call (struct seccomp_notif_resp).
type response struct {
	id    uint64
	value int64
	errno int32 // negative
	flags uint32
}

// maxSeen bounds how many attempts of one sandbox are told.
const maxSeen = 200

// Supervisor judges the calls of the processes in one sandbox until the last of
// them is gone, or it is ended.
type Supervisor struct {
	file   *os.File
	policy Policy
	ended  atomic.Bool   // nothing more is to be judged
	done   chan struct{} // closed when nothing is judged any more
	seen   map[Attempt]bool
}

// Supervise takes over a listener and judges what comes on it, in a goroutine that
// End waits for. It must be called before the thread that has the filter does
// anything that could be judged.
func Supervise(listener int, p Policy) *Supervisor {
	_ = unix.SetNonblock(listener, true) // so that the runtime's poller waits for it
	s := &Supervisor{
		file: os.NewFile(uintptr(listener), "seccomp"), policy: p, done: make(chan struct{}), seen: map[Attempt]bool{},
	}
	go func() {
		defer close(s.done)
		if conn, err := s.file.SyscallConn(); err == nil {
			_ = conn.Read(func(fd uintptr) bool { return s.serve(int(fd)) }) // it ends when the file is closed
		}
	}()
	return s
}

// End waits for the last process to go, for some time. What is left then gets
// ENOSYS for every call that would be judged. It says whether none was left.
func (s *Supervisor) End(bound time.Duration) bool {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	gone := true
	select {
	case <-s.done:
	case <-timer.C:
		gone = false
	}
	s.ended.Store(true) // Close waits for serve, which calls that never cease would keep
	_ = s.file.Close()  // nothing is written to it
	<-s.done
	return gone
}

// serve judges the calls that wait, and says whether there will be no more.
func (s *Supervisor) serve(fd int) (over bool) {
	for {
		if s.ended.Load() {
			return true
		}
		waiting := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // a file descriptor
		_, err := unix.Poll(waiting, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return true
		}
		switch {
		case waiting[0].Revents&unix.POLLIN != 0:
			s.serveOne(fd)
		case waiting[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0:
			return true
		default:
			return false
		}
	}
}

// serveOne takes one call and answers. A caller that was killed meanwhile wants
// no answer.
func (s *Supervisor) serveOne(fd int) {
	var n notification
	if control(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) != nil { //nolint:gosec // how the kernel is called
		return
	}
	r := &request{notification: n, policy: s.policy}
	v := r.judge()
	// What was read is this caller's only if the call still waits: else its
	// number may be another's by now.
	if control(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil { //nolint:gosec // how the kernel is called
		return
	}
	answer := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if v.errno != 0 {
		answer.flags, answer.errno = 0, -int32(v.errno) //nolint:gosec // an errno
		s.tell(v.attempts)
	}
	_ = control(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)) //nolint:gosec // how the kernel is called
}

// tell tells of attempts that were not told before.
func (s *Supervisor) tell(attempts []Attempt) {
	for _, a := range attempts {
		if !s.seen[a] && len(s.seen) < maxSeen {
			s.seen[a] = true
			s.policy.Saw(a)
		}
	}
}

func control(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}

// Probe tries a sandbox out on a thread that onThread calls its function on, and
// which ends with it. ErrUnsupported, with the reason, when it doesn't work.
func Probe(onThread func(func())) error {
	result := make(chan error, 1)
	onThread(func() { result <- tryOut() })
	if err := <-result; err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return nil
}

// tryOut has a call of the thread's own refused.
func tryOut() error {
	const path = "/cmed-sandbox-probe"
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	fd, err := RestrictThread()
	if err != nil {
		return err
	}
	var saw []Attempt
	s := Supervise(fd, Policy{Own: path, Mine: func(int) bool { return false }, Saw: func(a Attempt) { saw = append(saw, a) }})
	err = unix.Mkdir(path+"-outside", 0o700)
	s.End(0) // the thread itself is left
	switch {
	case err == nil:
		_ = unix.Rmdir(path + "-outside")
		return errors.New("a call that is to be refused went on")
	case !errors.Is(err, unix.EACCES):
		return fmt.Errorf("a call that is to be refused ended otherwise: %w", err)
	case !slices.Equal(saw, []Attempt{{Write, path + "-outside"}}):
		return fmt.Errorf("of a call that was refused, seen was %v", saw)
	}
	return nil
}
