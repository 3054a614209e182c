//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asChild is the test binary as a process in a sandbox: it does what its arguments
// say and prints what came of each.
func asChild(args []string) {
	out := make([]string, len(args))
	for i, a := range args {
		verb, object, _ := strings.Cut(a, " ")
		err := errors.New("unknown act")
		if act, ok := acts[verb]; ok {
			err = act(object)
		}
		out[i] = "ok"
		if errno, ok := errors.AsType[unix.Errno](err); ok {
			out[i] = unix.ErrnoName(errno)
		} else if err != nil {
			out[i] = err.Error()
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

// acts are system calls on a path, each as directly as can be.
var acts = map[string]func(string) error{
	"read":     func(p string) error { return open(unix.AT_FDCWD, p, unix.O_RDONLY) },
	"write":    func(p string) error { return open(unix.AT_FDCWD, p, unix.O_WRONLY) },
	"truncing": func(p string) error { return open(unix.AT_FDCWD, p, unix.O_RDONLY|unix.O_TRUNC) },
	"create":   func(p string) error { return open(unix.AT_FDCWD, p, unix.O_WRONLY|unix.O_CREAT) },
	"exclusive": func(p string) error {
		return open(unix.AT_FDCWD, p, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	},
	"nameless": func(p string) error { return open(unix.AT_FDCWD, p, unix.O_RDWR|unix.O_TMPFILE) },
	"path": func(p string) error { // the kernel ignores the rest
		return open(unix.AT_FDCWD, p, unix.O_PATH|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC)
	},
	"beneath": func(p string) error { // by the descriptor of its folder
		dir, err := unix.Open(p[:strings.LastIndex(p, "/")], unix.O_PATH, 0)
		if err != nil {
			return err
		}
		defer unix.Close(dir)
		return open(dir, p[strings.LastIndex(p, "/")+1:], unix.O_WRONLY|unix.O_CREAT)
	},
	"anew": func(p string) error { // a descriptor opened once more, by what /proc says of it
		fd, err := unix.Open(p, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return open(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), unix.O_WRONLY)
	},
	"mkdir":   func(p string) error { return unix.Mkdir(p, 0o700) },
	"fifo":    func(p string) error { return unix.Mknod(p, unix.S_IFIFO|0o600, 0) },
	"symlink": func(p string) error { return unix.Symlink("anywhere", p) },
	"link":    func(p string) error { return unix.Link(p, "linked") },
	"link-to": func(p string) error { return unix.Link("mine", p) },
	"unlink":  func(p string) error { return unix.Unlink(p) },
	"rmdir":   func(p string) error { return unix.Rmdir(p) },
	"take":    func(p string) error { return unix.Rename(p, "taken") },
	"put":     func(p string) error { return unix.Rename("mine", p) },
	"swap": func(p string) error {
		return unix.Renameat2(unix.AT_FDCWD, "mine", unix.AT_FDCWD, p, unix.RENAME_EXCHANGE)
	},
	"truncate": func(p string) error { return unix.Truncate(p, 0) },
	"chmod":    func(p string) error { return unix.Chmod(p, 0o600) },
	"fchmod":   func(p string) error { return withFile(p, func(fd int) error { return unix.Fchmod(fd, 0o600) }) },
	"fchmodat2": func(p string) error {
		return unix.Fchmodat(unix.AT_FDCWD, p, 0o600, unix.AT_SYMLINK_NOFOLLOW)
	},
	"chown":  func(p string) error { return unix.Chown(p, -1, -1) },
	"lchown": func(p string) error { return unix.Lchown(p, -1, -1) },
	"fchown": func(p string) error { return withFile(p, func(fd int) error { return unix.Fchown(fd, -1, -1) }) },
	"utimes": func(p string) error { return unix.Utimes(p, make([]unix.Timeval, 2)) },
	"touch": func(p string) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, p, make([]unix.Timespec, 2), unix.AT_SYMLINK_NOFOLLOW)
	},
	"futimens": func(p string) error {
		return withFile(p, func(fd int) error {
			var times [2]unix.Timespec
			_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
			return result(errno)
		})
	},
	"setxattr": func(p string) error { return unix.Setxattr(p, "user.x", []byte("x"), 0) },
	"fsetxattr": func(p string) error {
		return withFile(p, func(fd int) error { return unix.Fsetxattr(fd, "user.x", []byte("x"), 0) })
	},
	"removexattr": func(p string) error { return unix.Removexattr(p, "user.x") },
	"cd":          os.Chdir,

	"openat2": func(p string) error {
		_, err := unix.Openat2(unix.AT_FDCWD, p, &unix.OpenHow{Flags: unix.O_RDONLY})
		return err
	},
	"io_uring": func(string) error {
		_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return result(errno)
	},
	// Without a sandbox these would fail too, with other errors.
	"umount": func(p string) error { return unix.Unmount(p, 0) },
	"module": func(p string) error { return unix.DeleteModule(p, 0) },
	"reboot": func(string) error {
		_, _, errno := unix.Syscall(unix.SYS_REBOOT, 0, 0, 0)
		return result(errno)
	},
	"route": func(string) error { return socket(unix.AF_NETLINK, unix.SOCK_RAW) },
	"raw":   func(string) error { return socket(unix.AF_INET, unix.SOCK_RAW) },
	"tcp":   func(string) error { return socket(unix.AF_INET6, unix.SOCK_STREAM) },
	"vsock": func(string) error { return socket(unix.AF_VSOCK, unix.SOCK_STREAM) },

	"send-fast":         func(to string) error { return sendFast(to, sendTo) },
	"send-message-fast": func(to string) error { return sendFast(to, sendMessage) },
	"send-several-fast": func(to string) error { return sendFast(to, sendSeveral) },
	"talk": func(string) error { // over a socket that is connected
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return errors.Join(unix.Sendto(pair[0], []byte("x"), 0, nil), unix.Sendmsg(pair[1], []byte("x"), nil, nil, 0))
	},
	"listen": func(at string) error { // at an address, or a path
		l, err := net.Listen(map[bool]string{false: "tcp", true: "unix"}[strings.Contains(at, "/")], at)
		if err != nil {
			return errno(err)
		}
		return l.Close()
	},
	"dial": func(to string) error {
		_, err := net.Dial("tcp", to)
		return errno(err)
	},
	"undumpable": func(string) error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) },

	"term": func(pid string) error { return unix.Kill(number(pid), unix.SIGTERM) },
	"ask":  func(pid string) error { return unix.Kill(number(pid), 0) },
	"term-by-descriptor": func(pid string) error {
		fd, err := unix.PidfdOpen(number(pid), 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
	},
	"queue-term": func(pid string) error {
		info := [16]int64{1: 0xffffffff} // SI_QUEUE
		_, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(number(pid)), uintptr(unix.SIGTERM), uintptr(unsafe.Pointer(&info)))
		return result(errno)
	},
	"seize":   func(pid string) error { return unix.PtraceSeize(number(pid)) },
	"renice":  func(pid string) error { return unix.Setpriority(unix.PRIO_PROCESS, number(pid), 5) },
	"pin":     func(pid string) error { return unix.SchedSetaffinity(number(pid), &unix.CPUSet{1}) },
	"limits":  func(pid string) error { return unix.Prlimit(number(pid), unix.RLIMIT_NOFILE, nil, &unix.Rlimit{}) },
	"limit":   func(pid string) error { return unix.Prlimit(number(pid), unix.RLIMIT_CORE, &unix.Rlimit{}, nil) },
	"account": func(p string) error { return unix.Acct(p) },
	"by-handle": func(p string) error {
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, p, 0)
		if err != nil {
			return err
		}
		return withFile("/", func(root int) error {
			fd, err := unix.OpenByHandleAt(root, handle, unix.O_WRONLY)
			_ = unix.Close(fd)
			return err
		})
	},
	"term-self": func(string) error {
		signal.Ignore(unix.SIGTERM)
		return unix.Kill(os.Getpid(), unix.SIGTERM)
	},
	"threads": threads,
	"flood":   flood,
	"wait": func(path string) error {
		for range 1000 {
			if _, err := os.Stat(path); err == nil {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return errors.New("it never came")
	},
}

// errno is the number of an error of package net.
func errno(err error) error {
	if number, ok := errors.AsType[unix.Errno](err); ok {
		return number
	}
	return err
}

// The calls that can connect and send at once. Each sends to the address.
const (
	sendTo = iota
	sendMessage
	sendSeveral
)

func sendFast(to string, how int) error {
	at := netip.MustParseAddrPort(to)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	address := &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	switch how {
	case sendTo:
		return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, address)
	case sendMessage:
		return unix.Sendmsg(fd, []byte("x"), nil, address, unix.MSG_FASTOPEN)
	}
	text := []byte("x")
	part := unix.Iovec{Base: &text[0], Len: 1}
	raw := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: at.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&raw.Port))[:], at.Port())
	message := struct {
		unix.Msghdr
		sent uint32
	}{Msghdr: unix.Msghdr{Name: (*byte)(unsafe.Pointer(&raw)), Namelen: unix.SizeofSockaddrInet4, Iov: &part, Iovlen: 1}}
	_, _, number := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), 1, unix.MSG_FASTOPEN, 0, 0)
	return result(number)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func result(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func open(dir int, path string, flags int) error {
	fd, err := unix.Openat(dir, path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func withFile(path string, do func(fd int) error) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return do(fd)
}

func socket(family, kind int) error {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// threads has many threads write inside and outside at once.
func threads(outside string) error {
	const count, times = 32, 40
	wrong := make(chan error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for j := range times {
				if err := os.WriteFile(fmt.Sprintf("thread-%d-%d", i, j), nil, 0o600); err != nil {
					wrong <- err
					return
				}
				if err := os.WriteFile(fmt.Sprintf("%s/%d", outside, i), nil, 0o600); !errors.Is(err, unix.EACCES) {
					wrong <- fmt.Errorf("outside: %w", err)
					return
				}
			}
		})
	}
	all.Wait()
	close(wrong)
	return <-wrong
}

// flood has many threads ask, without a pause, for what is refused.
func flood(outside string) error {
	path, err := unix.BytePtrFromString(outside + "/new")
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range 300 {
		all.Add(1)
		go func() {
			runtime.LockOSThread()
			all.Done()
			for {
				_, _, _ = unix.Syscall(unix.SYS_MKDIRAT, ^uintptr(99), uintptr(unsafe.Pointer(path)), 0o700) // AT_FDCWD
			}
		}()
	}
	all.Wait()
	fmt.Println("begun")
	select {}
}
