package awstest

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// listener is an HTTP server on loopback.
type listener struct {
	url      string
	server   http.Server
	serving  sync.WaitGroup
	mu       sync.Mutex // guards stopped, and that nothing is added to handling after it
	stopped  bool
	handling sync.WaitGroup
}

// start serves until stop.
func (l *listener) start(handler http.HandlerFunc) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("awstest: " + err.Error())
	}
	l.url = "http://" + ln.Addr().String()
	l.server.ReadHeaderTimeout = 10 * time.Second
	l.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.enter() {
			panic(http.ErrAbortHandler)
		}
		defer l.handling.Done()
		handler(w, r)
	})
	l.serving.Go(func() {
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			panic("awstest: " + err.Error())
		}
	})
}

// enter notes that a request is handled, unless it is too late for one.
func (l *listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.handling.Add(1)
	}
	return !l.stopped
}

// stop ends the server and its connections, and waits for the requests under
// way.
func (l *listener) stop() {
	_ = l.server.Close() // its listener and connections are closed whatever this returns
	l.serving.Wait()
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.handling.Wait()
}
