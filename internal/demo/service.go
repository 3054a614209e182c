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

// service is a small HTTP service: the target of an API request.
type service struct {
	url      string
	server   *http.Server // nil until opened
	requests chan request
	serving  sync.WaitGroup
	failed   error // read after serving
}

// request is what the service was sent.
type request struct{ method, path, body string }

func (v *service) open(ctx context.Context, s *story) ([]string, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the service under attack: %w", err)
	}
	v.url, v.requests = "http://"+ln.Addr().String()+"/orders", make(chan request, 1)
	v.server = &http.Server{Handler: http.HandlerFunc(v.serve), ReadHeaderTimeout: 5 * time.Second}
	v.serving.Go(func() {
		if err := v.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			v.failed = err
		}
	})
	s.tell("A small HTTP service starts; it stands for a system under attack.")
	s.show("%s", v.url)
	return []string{"CMED_TIMEZONE=UTC"}, nil
}

// attack has the daemon call the service.
func (v *service) attack(ctx context.Context, s *story, c *client) error {
	due := time.Now().Add(3 * time.Second).UTC().Truncate(time.Second)
	document := fmt.Sprintf(`{
		"name": "demo",
		"attack": {
			"ref": "api_request:ApiRequest",
			"args": {"endpoint": %q, "method": "POST", "payload": {"item": "1"}, "expect_status": 204}
		},
		"planner": {"ref": "exact_planner:ExactPlanner", "args": {"date": %q}}
	}`, v.url, due.Format(time.RFC3339))

	s.tell("A plan: exact_planner picks the instant, api_request is the attack.")
	executors, err := s.post(ctx, c, []byte(document))
	if err != nil {
		return err
	}
	s.tell("At that instant the daemon runs the attack in a process of its own.")
	ex, err := c.wait(ctx, executors[0].ID)
	if err != nil {
		return err
	}
	if ex.State == "succeeded" {
		got, err := v.received(ctx)
		if err != nil {
			return err
		}
		s.show("the service was called: %s %s with %s", got.method, got.path, got.body)
	}
	return s.record(ctx, c, ex)
}

func (v *service) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case v.requests <- request{r.Method, r.URL.Path, string(body)}:
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "called more than once", http.StatusConflict)
	}
}

// received returns the one request that came.
func (v *service) received(ctx context.Context) (request, error) {
	select {
	case r := <-v.requests:
		return r, nil
	case <-ctx.Done():
		return request{}, errors.New("the service under attack was not called")
	}
}

func (v *service) close() error {
	if v.server == nil {
		return nil
	}
	err := v.server.Close()
	v.serving.Wait()
	return errors.Join(v.failed, err)
}
