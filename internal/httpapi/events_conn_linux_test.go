package httpapi

import (
	"crypto/tls"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel keeps little for readers of events, however their connection is
// wrapped.
func TestLittleIsKeptForReaders(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	bounded := newBoundedListener(ln, 1, func(netip.Addr) bool { return true }, nil)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := bounded.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	buffer := func() (size int) {
		raw, err := accepted.(*boundedConn).Conn.(syscall.Conn).SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) })
		}
		if err != nil {
			t.Fatal(err)
		}
		return size
	}
	if before := buffer(); before <= 2*sendBuffer {
		t.Skipf("the system keeps only %d bytes by itself", before)
	}
	boundSending(withConnection(t.Context(), tls.Server(accepted, &tls.Config{MinVersion: tls.VersionTLS12})))
	if after := buffer(); after > 2*sendBuffer { // the kernel doubles what it is told: socket(7)
		t.Errorf("it keeps %d bytes", after)
	}
	boundSending(t.Context()) // of a request that has no connection
}
