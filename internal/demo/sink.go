package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// sink is the HTTP service that is called.
type sink struct {
	url      string
	server   *http.Server
	requests chan request
	serving  sync.WaitGroup
	failed   error // read after serving
}

// request is what the service was sent.
type request struct{ method, path, body string }

func startSink(ctx context.Context) (*sink, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the service under attack: %w", err)
	}
	s := &sink{url: "http://" + ln.Addr().String() + "/orders", requests: make(chan request, 1)}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 5 * time.Second}
	s.serving.Go(func() {
		if err := s.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.failed = err
		}
	})
	return s, nil
}

func (s *sink) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.requests <- request{r.Method, r.URL.Path, string(body)}:
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "called more than once", http.StatusConflict)
	}
}

// received returns the one request that came.
func (s *sink) received(ctx context.Context) (request, error) {
	select {
	case r := <-s.requests:
		return r, nil
	case <-ctx.Done():
		return request{}, errors.New("the service under attack was not called")
	}
}

func (s *sink) close() error {
	err := s.server.Close()
	s.serving.Wait()
	return errors.Join(s.failed, err)
}
