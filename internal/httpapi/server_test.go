package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestShutdownWaitsForRequests(t *testing.T) {
	f := newFake(t)
	planning, finish := make(chan struct{}), make(chan struct{})
	f.onCreate = func(context.Context) {
		close(planning)
		<-finish
	}
	server, addr := serveLoopback(t, Config{}, f)
	status := make(chan int, 1)
	go func() { status <- postStatus(addr) }()
	<-planning

	hurried, cancel := context.WithCancel(context.Background())
	cancel()
	if err := server.http.Shutdown(hurried); !errors.Is(err, context.Canceled) {
		t.Fatalf("shutdown did not wait: %v", err)
	}
	close(finish)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request under way got %d", got)
	}
}

// postStatus posts a plan and returns the status, 0 when there was none.
func postStatus(addr string) int {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := client.Post("http://"+addr+"/api/1/plans/", "application/json", strings.NewReader(minimalPlan))
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	f := newFake(t)
	planning, cut := make(chan struct{}), make(chan struct{})
	f.onCreate = func(ctx context.Context) {
		close(planning)
		<-ctx.Done()
		close(cut)
	}
	server, addr := serveLoopback(t, Config{}, f)
	status := make(chan int, 1)
	go func() { status <- postStatus(addr) }()
	<-planning
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown ended with %v", err)
	}
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		t.Fatal("the handler still runs")
	}
	if got := <-status; got != 0 {
		t.Errorf("the request cut off got %d", got)
	}
}

func TestServeThatCannot(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if err := NewServer(Config{}, newFake(t), hclog.NewNullLogger()).Serve(ln, nil); err == nil {
		t.Error("serving on a closed listener succeeded")
	}
}
