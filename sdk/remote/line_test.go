package remote_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line is a TCP line to a server that can fall silent: what is sent is lost, and
// nothing is closed.
type line struct {
	addr   string
	to     string
	silent chan struct{}
	busy   sync.WaitGroup
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	l := &line{addr: listener.Addr().String(), to: to, silent: make(chan struct{})}
	over := make(chan struct{})
	l.busy.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.busy.Go(func() { l.join(conn, over) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		close(over)
		l.busy.Wait()
	})
	return l
}

func (l *line) silence() { close(l.silent) }

func (l *line) join(near net.Conn, over <-chan struct{}) {
	defer near.Close()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(hushed{far, l.silent}, near) })
	both.Go(func() { _, _ = io.Copy(hushed{near, l.silent}, far) })
	<-over
	_, _ = near.Close(), far.Close()
	both.Wait()
}

// hushed swallows what is written once the line is silent.
type hushed struct {
	net.Conn
	silent <-chan struct{}
}

func (h hushed) Write(p []byte) (int, error) {
	select {
	case <-h.silent:
		return len(p), nil
	default:
		return h.Conn.Write(p)
	}
}
