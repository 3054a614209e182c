//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where a filter finds the parts of a call (struct seccomp_data). Of an argument
// it reads the lower half: the kernel does the same with what is an int.
const (
	atNumber    = 0
	atArch      = 4
	atArguments = 16
)

// What a filter answers.
const (
	allow  = unix.SECCOMP_RET_ALLOW
	notify = unix.SECCOMP_RET_USER_NOTIF
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	// asIf is success, without the call.
	asIf = unix.SECCOMP_RET_ERRNO
)

// opensToChange are the flags of open(2) with one of which a file may change. With
// O_PATH the kernel ignores them.
const opensToChange = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_TMPFILE&^unix.O_DIRECTORY

// filter is the program: a system call is asked for by its number, one after the
// other; those not named are allowed. Programs of another architecture, whose
// numbers mean something else, are ended.
func filter() []unix.SockFilter {
	p := []unix.SockFilter{
		load(atArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: architecture},
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		load(atNumber),
	}
	for _, nr := range withheld {
		p = append(p, ifNumber(nr, answer(absent))...)
	}
	for nr, c := range calls {
		block := []unix.SockFilter{answer(notify)}
		if c.when != 0 {
			block = []unix.SockFilter{
				argument(c.flags),
				{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: 2, K: c.unless},
				{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: c.when},
				answer(notify),
				answer(allow),
			}
		}
		p = append(p, ifNumber(nr, block...)...)
	}
	p = append(p, ifNumber(unix.SYS_PRCTL, readable()...)...)
	return append(p, beyond(), answer(absent), answer(allow))
}

// readable keeps a process from closing its memory to others of its user (prctl(2),
// PR_SET_DUMPABLE): what can't be read can't be judged. It is told that it is done.
func readable() []unix.SockFilter {
	return []unix.SockFilter{
		argument(0),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 3, K: unix.PR_SET_DUMPABLE},
		argument(1),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: 0},
		answer(asIf),
		answer(allow),
	}
}

// argument reads one of the call's.
func argument(index int) unix.SockFilter {
	return load(atArguments + 8*uint32(index)) //nolint:gosec // an index below six
}

// load reads a word of the call.
func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

// answer ends the program.
func answer(with uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: with}
}

// ifNumber does what is given, which must end the program, for a call.
func ifNumber(nr uint32, then ...unix.SockFilter) []unix.SockFilter {
	skip := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(len(then)), K: nr} //nolint:gosec // a few
	return append([]unix.SockFilter{skip}, then...)
}

// beyond does the next instruction for numbers of an interface that shares the
// architecture with ours (x32), and skips it for others.
func beyond() unix.SockFilter {
	const x32 = 0x40000000
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jf: 1, K: x32}
}

// changing are the capabilities that no process in a sandbox has, not even root's:
// with them the machine can be changed in ways that are not looked at.
var changing = []uintptr{
	unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_SYS_BOOT, unix.CAP_SYS_MODULE, unix.CAP_SYS_PTRACE,
	unix.CAP_SYS_RAWIO, unix.CAP_SYS_TIME, unix.CAP_SYS_PACCT, unix.CAP_SYSLOG, unix.CAP_LINUX_IMMUTABLE, unix.CAP_BPF,
}

// RestrictThread puts the filter on the calling thread, for good, and returns the
// file on which its notifications come: for Supervise, or to be closed. The caller
// has locked the thread, has set no_new_privs on it, and lets it end with its
// goroutine.
func RestrictThread() (listener int, err error) {
	for _, c := range changing {
		// Who is not root may not, and has none of them.
		_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
	}
	program := filter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // a few hundred
	// Signals don't interrupt a call that is being looked at, where the kernel
	// can (Linux 5.19). Without, it is looked at twice.
	for _, flags := range []uintptr{
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
	} {
		fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags,
			uintptr(unsafe.Pointer(&prog))) //nolint:gosec // how the kernel is called
		if errno == 0 {
			return int(fd), nil
		}
		err = fmt.Errorf("put a seccomp filter on a thread: %w", errno)
		if !errors.Is(errno, unix.EINVAL) {
			break
		}
	}
	return -1, err
}
