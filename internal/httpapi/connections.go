package httpapi

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// boundedListener accepts no more connections at a time than it has places, so
// that nobody can use up the process's files: those beyond it wait to be accepted.
// Connections that say nothing are cut by their deadlines, and make room. One
// address has at most half of the places, so that it can't keep all others out by
// asking now and then on each: what it opens beyond them is closed.
type boundedListener struct {
	net.Listener
	places  chan struct{}
	crowds  crowds
	crowded func(netip.Addr) // nil: nobody asks
	closed  context.Context
	close   context.CancelFunc
	closing func() error
}

// newBoundedListener bounds ln. many says of which addresses any number may come:
// behind a proxy there are many clients. crowded, if not nil, is told of those of
// which too many came.
func newBoundedListener(ln net.Listener, places int, many func(netip.Addr) bool, crowded func(netip.Addr)) *boundedListener {
	l := &boundedListener{
		Listener: ln, places: make(chan struct{}, places), closing: sync.OnceValue(ln.Close), crowded: crowded,
		crowds: crowds{most: max(1, places/2), many: many, here: map[netip.Prefix]int{}},
	}
	l.closed, l.close = context.WithCancel(context.Background())
	return l
}

// Accept waits for a place, then for a connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed.Done():
		return nil, net.ErrClosed
	}
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.places
			return nil, err
		}
		from := addressOf(conn)
		leave, ok := l.crowds.enter(from)
		if !ok {
			_ = conn.Close() // nothing was said on it
			if l.crowded != nil {
				l.crowded(from)
			}
			continue
		}
		return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { leave(); <-l.places })}, nil
	}
}

// addressOf is where a connection comes from; the zero Addr for one of a unix
// socket.
func addressOf(conn net.Conn) netip.Addr {
	at, _ := conn.RemoteAddr().(*net.TCPAddr)
	if at == nil {
		return netip.Addr{}
	}
	return plainAddress(at.AddrPort().Addr())
}

// crowds counts the connections of each address that is counted.
type crowds struct {
	most int
	many func(netip.Addr) bool

	mu   sync.Mutex
	here map[netip.Prefix]int
}

// enter counts a connection until leave is called; false when its address has as
// many as it may. Of IPv6 a network of 64 bits counts as one address.
func (c *crowds) enter(addr netip.Addr) (leave func(), ok bool) {
	if !addr.IsValid() || c.many(addr) {
		return func() {}, true
	}
	network := networkOf(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[network] >= c.most {
		return nil, false
	}
	c.here[network]++
	return func() { c.leave(network) }, true
}

func (c *crowds) leave(network netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[network]--; c.here[network] == 0 {
		delete(c.here, network)
	}
}

// Close stops accepting.
func (l *boundedListener) Close() error {
	l.close()
	return l.closing()
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

// CloseWrite tells the client that nothing more comes, where the connection can.
// net/http does so before it closes one with an unread rest of a request, so that
// its answer is not lost with the rest.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetWriteBuffer sets the size of the kernel's buffer, where the connection has
// such a one.
func (c *boundedConn) SetWriteBuffer(bytes int) error {
	if buffered, ok := c.Conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		return buffered.SetWriteBuffer(bytes)
	}
	return errors.ErrUnsupported
}

func (c *boundedConn) Close() error {
	defer c.leave()
	if err := c.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
