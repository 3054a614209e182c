//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// families are the names of those that people may know.
var families = map[int]string{
	unix.AF_INET: "IPv4", unix.AF_INET6: "IPv6", unix.AF_PACKET: "packet", unix.AF_VSOCK: "vsock", unix.AF_BLUETOOTH: "Bluetooth",
	unix.AF_CAN: "CAN", unix.AF_TIPC: "TIPC", unix.AF_XDP: "XDP",
}

var types = map[int]string{unix.SOCK_STREAM: "stream", unix.SOCK_DGRAM: "datagram", unix.SOCK_RAW: "raw"}

// socket lets those be made that can't send until they are connected: libraries
// make them only to see whether there is a family. Routing sockets are read from;
// to change anything they need a capability that nobody here has.
func (r *request) socket() verdict {
	family, kind := r.number(0), r.number(1)&0xf
	switch family {
	case unix.AF_UNIX, unix.AF_NETLINK, unix.AF_ALG:
		return goOn()
	case unix.AF_INET, unix.AF_INET6:
		if kind == unix.SOCK_STREAM {
			return goOn()
		}
	}
	name := families[family]
	if name == "" {
		name = fmt.Sprint("family ", family)
	}
	if t := types[kind]; t != "" {
		name += " (" + t + ")"
	}
	return refuse(unix.ENETUNREACH, Network, name)
}

// lookups are sockets of local services that libraries ask for names of users and
// machines. They do without.
var lookups = []string{"/run/nscd/", "/var/run/nscd/", "/run/systemd/userdb/", "/run/systemd/resolve/", "/run/dbus/"}

// connect refuses networks, and sockets that others on this machine serve: what
// listens there may do anything.
func (r *request) connect() verdict {
	a, err := r.address(r.args[1], r.number(2))
	switch {
	case errors.Is(err, os.ErrPermission):
		return refuse(unix.ENETUNREACH, Network, "an address "+unreadable)
	case err != nil:
		return goOn() // the kernel says the same
	case a.ip.IsValid():
		return refuse(unix.ENETUNREACH, Network, a.ip.String())
	case a.family != unix.AF_UNIX || a.path == "":
		return goOn()
	case a.abstract:
		return refuse(unix.ECONNREFUSED, Network, "unix:@"+a.path)
	}
	path, err := r.socketPath(a)
	switch {
	case errors.Is(err, os.ErrPermission):
		return refuse(unix.ECONNREFUSED, Network, "unix:"+a.path)
	case err != nil:
		return goOn()
	case r.mayChange(path, false):
		return goOn()
	case slices.ContainsFunc(lookups, func(l string) bool { return strings.HasPrefix(path, l) || strings.HasPrefix(a.path, l) }):
		return quietly(unix.ECONNREFUSED)
	}
	return refuse(unix.ECONNREFUSED, Network, "unix:"+path)
}

// bind refuses to make a socket's file anywhere else. A port is only taken; who
// listens is refused that.
func (r *request) bind() verdict {
	path := ""
	a, err := r.address(r.args[1], r.number(2))
	if err == nil {
		if a.family != unix.AF_UNIX || a.path == "" || a.abstract {
			return goOn()
		}
		path, err = r.socketPath(a)
	}
	switch {
	case errors.Is(err, os.ErrPermission) && !r.policy.Held:
		return refuse(unix.EACCES, Write, "an address "+unreadable)
	case err != nil || exists(path) || r.mayChange(path, false):
		return goOn()
	}
	return refuse(unix.EACCES, Write, path)
}

// sendTo refuses to connect with what is sent first (TCP's fast open), as if that
// were switched off.
func (r *request) sendTo() verdict { return r.openFast(r.args[4], r.number(5)) }

// sendMessage is sendTo with the address in a struct msghdr, or in the first of some.
func (r *request) sendMessage() verdict {
	const most = 12 // a pointer and a length
	b, err := r.memory(r.args[1], most)
	if err != nil || len(b) < most {
		return r.openFast(0, 0)
	}
	return r.openFast(binary.NativeEndian.Uint64(b), int(int32(binary.NativeEndian.Uint32(b[8:])))) //nolint:gosec // as the kernel reads it
}

func (r *request) openFast(address uint64, n int) verdict {
	what := "TCP fast open"
	if a, err := r.address(address, n); err == nil && a.ip.IsValid() {
		what = a.ip.String()
	}
	return refuse(unix.EOPNOTSUPP, Network, what)
}

// listen refuses to wait for others on a network, or on this machine's own.
func (r *request) listen() verdict {
	fd, err := r.borrow(r.number(0))
	if errors.Is(err, os.ErrPermission) && !r.isUnix(r.number(0)) {
		return refuse(unix.EACCES, Network, "listening on an address "+unreadable)
	}
	if err != nil {
		return goOn()
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is written to it
	at, err := unix.Getsockname(fd)
	if err != nil {
		return goOn()
	}
	switch a := at.(type) {
	case *unix.SockaddrInet4:
		return refuse(unix.EACCES, Network, "listening on "+netip.AddrPortFrom(netip.AddrFrom4(a.Addr), port(a.Port)).String())
	case *unix.SockaddrInet6:
		return refuse(unix.EACCES, Network, "listening on "+netip.AddrPortFrom(netip.AddrFrom16(a.Addr), port(a.Port)).String())
	}
	return goOn()
}

func port(n int) uint16 { return uint16(n) } //nolint:gosec // what the kernel gave

// borrow returns a copy of a descriptor of the caller's (pidfd_getfd(2)).
func (r *request) borrow(fd int) (int, error) {
	process, err := unix.PidfdOpen(r.process(), 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(process) //nolint:errcheck // nothing is written to it
	return unix.PidfdGetfd(process, fd, 0)
}

// isUnix says whether a descriptor of the caller's is a unix socket, as the kernel
// lists them (proc_pid_net(5)).
func (r *request) isUnix(fd int) bool {
	link, err := os.Readlink(r.proc("fd/" + strconv.Itoa(fd)))
	inode, isSocket := strings.CutPrefix(strings.TrimSuffix(link, "]"), "socket:[")
	list, listErr := os.ReadFile(r.proc("net/unix"))
	if err != nil || !isSocket || listErr != nil {
		return false
	}
	const atInode = 6
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > atInode && fields[atInode] == inode {
			return true
		}
	}
	return false
}

// address is a socket's.
type address struct {
	family int
	ip     netip.AddrPort
	// path of a unix socket; with abstract it is a name.
	path     string
	abstract bool
}

// address reads one of n bytes from the caller's memory.
func (r *request) address(at uint64, n int) (address, error) {
	const most = 128 // struct sockaddr_storage
	b, err := r.memory(at, min(max(n, 0), most))
	if err != nil {
		return address{}, err
	}
	if len(b) < 2 {
		return address{}, unix.EFAULT
	}
	a := address{family: int(binary.NativeEndian.Uint16(b))}
	switch {
	case a.family == unix.AF_INET && len(b) >= 8:
		a.ip = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
	case a.family == unix.AF_INET6 && len(b) >= 24:
		a.ip = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:]))
	case a.family == unix.AF_UNIX:
		a.path, a.abstract = strings.CutPrefix(string(b[2:]), "\x00")
		if !a.abstract {
			a.path, _, _ = strings.Cut(a.path, "\x00")
		}
	}
	return a, nil
}

// socketPath is where a unix socket is.
func (r *request) socketPath(a address) (string, error) {
	base, err := r.folder(place{dir: cwd})
	if err != nil && !filepath.IsAbs(a.path) {
		return "", err
	}
	return r.resolve(base, a.path, true)
}
