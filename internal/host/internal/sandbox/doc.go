// Package sandbox keeps processes from changing anything outside a folder of their
// own, and from the network, and tells what they tried (seccomp_unotify(2)).
//
// A filter is put on the thread that forks a process, which inherits it with all
// it starts and can't take it off. Calls that would change a file, or that reach
// for a network, wait in the kernel until the Supervisor has judged them: it reads
// what they name from the caller's memory, then lets them go on or has them fail.
// What a call would do anyway, such as making a folder that is there, is not held
// against it.
//
// It is made for plugins that are honest and may be wrong. It is no wall: between
// the look at a path and the call, another thread of the process can change what
// is in the memory or where a link leads. The host has Landlock refuse that, where
// the kernel has it; who must be kept in gets stricter rules. What is not seen:
// signals to single threads, ioctls, System V IPC and message queues, and datagrams
// to unix sockets by address. Of a process that nobody of its user may look into,
// what the kernel keeps from it is not seen either.
package sandbox

import "errors"

// ErrUnsupported is returned when the system has no means for a sandbox.
var ErrUnsupported = errors.New("it needs Linux 5.6 or newer on amd64 or arm64, with user notification of seccomp")

// Kind says what a process tried.
type Kind int

// The kinds of attempts.
const (
	// Write is a change to the file system; What is the path.
	Write Kind = iota
	// Network is a way out; What is an address or a kind of socket.
	Network
	// Signal is a signal to a process of somebody else's; What is the process.
	Signal
	// System is a change to the machine: its clock, mounts, name, or the memory,
	// limits or priority of a process of somebody else's. What is the system call.
	System
)

// Attempt is something a process tried, and was refused.
type Attempt struct {
	Kind Kind
	What string
}

// Policy is what the processes in one sandbox may do.
type Policy struct {
	// Own is the folder they may change, without links in its path.
	Own string
	// Held says that the kernel keeps them from writing, making, moving and removing
	// files anywhere else too (Landlock, from version 3 on).
	Held bool
	// Mine says whether a process is one of them. Those they may send signals.
	Mine func(pid int) bool
	// Saw is told of each attempt once, before the call fails. It is called from
	// one goroutine, and the processes wait for it.
	Saw func(Attempt)
}
