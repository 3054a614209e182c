//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
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

// stuckBound is how long the judgement under way may take when a sandbox ends.
const stuckBound = time.Second

// Supervisor judges the calls of the processes in one sandbox until the last of
// them is gone, or it is ended.
type Supervisor struct {
	file   *os.File
	policy Policy
	ended  atomic.Bool   // nobody is told of anything any more
	call   atomic.Uint32 // the number of the last call that was judged
	done   chan struct{} // closed when nothing is judged any more
	stuck  bool          // a judgement outlived End
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
		conn, err := s.file.SyscallConn()
		for err == nil && await(conn) {
			s.serve(conn)
		}
	}()
	return s
}

// End waits for the last process to go, for some time. What is left then gets
// ENOSYS for every call that would be judged. It says whether none was left. A
// judgement that does not end, as of a path on a file system that does not answer,
// is left to itself: see Stuck.
func (s *Supervisor) End(bound time.Duration) bool {
	gone := s.over(bound) || s.empty()
	s.ended.Store(true)
	_ = s.file.Close() // nothing is written to it
	s.stuck = !s.over(stuckBound)
	return gone
}

// Stuck returns, after End, the name of the call whose judgement did not end; ""
// if it did. Its goroutine is still there.
func (s *Supervisor) Stuck() string {
	if !s.stuck {
		return ""
	}
	return calls[s.call.Load()].name
}

// over waits until nothing is judged any more, and says whether that came.
func (s *Supervisor) over(bound time.Duration) bool {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-s.done:
		return true
	case <-timer.C:
		return false
	}
}

// empty says whether the last process is gone, though nobody has noticed.
func (s *Supervisor) empty() bool {
	events := int16(0)
	if conn, err := s.file.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { events = pending(fd) })
	}
	return events&unix.POLLIN == 0 && events&unix.POLLHUP != 0
}

// await waits for a call, and says whether one came: there are no more when the
// last process is gone or the file is closed.
func await(conn syscall.RawConn) (came bool) {
	err := conn.Read(func(fd uintptr) bool {
		events := pending(fd)
		came = events&unix.POLLIN != 0
		return events != 0
	})
	return err == nil && came
}

// pending returns what there is to be told of a listener now.
func pending(listener uintptr) int16 {
	for {
		waiting := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}} //nolint:gosec // a file descriptor
		_, err := unix.Poll(waiting, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return unix.POLLERR
		}
		return waiting[0].Revents
	}
}

// serve takes one call and answers. A caller that was killed meanwhile wants no
// answer. While it judges nothing keeps the file from being closed.
func (s *Supervisor) serve(conn syscall.RawConn) {
	var n notification
	if control(conn, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) != nil { //nolint:gosec // how the kernel is called
		return
	}
	s.call.Store(n.nr)
	r := &request{notification: n, policy: s.policy}
	v := r.judge()
	// What was read is this caller's only if the call still waits: else its
	// number may be another's by now.
	if control(conn, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil { //nolint:gosec // how the kernel is called
		return
	}
	answer := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if v.errno != 0 {
		answer.flags, answer.errno = 0, -int32(v.errno) //nolint:gosec // an errno
		s.tell(v.attempts)
	}
	_ = control(conn, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)) //nolint:gosec // how the kernel is called
}

// tell tells of attempts that were not told before.
func (s *Supervisor) tell(attempts []Attempt) {
	for _, a := range attempts {
		if !s.seen[a] && len(s.seen) < maxSeen && !s.ended.Load() {
			s.seen[a] = true
			s.policy.Saw(a)
		}
	}
}

// control makes a request of the listener. It fails when that is closed.
func control(conn syscall.RawConn, request uintptr, arg unsafe.Pointer) error {
	errno := unix.EINTR
	err := conn.Control(func(fd uintptr) {
		for errno == unix.EINTR {
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
		}
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
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
