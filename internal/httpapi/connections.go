package httpapi

import (
	"context"
	"errors"
	"net"
	"sync"
)

// boundedListener accepts no more connections at a time than it has places, so
// that nobody can use up the process's files: those beyond it wait to be accepted.
// Connections that say nothing are cut by their deadlines, and make room.
type boundedListener struct {
	net.Listener
	places  chan struct{}
	closed  context.Context
	close   context.CancelFunc
	closing func() error
}

func newBoundedListener(ln net.Listener, most int) *boundedListener {
	l := &boundedListener{Listener: ln, places: make(chan struct{}, most), closing: sync.OnceValue(ln.Close)}
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
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
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
