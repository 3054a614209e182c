package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// script is a followed log whose entries a test hands out.
type script struct {
	entries chan engine.LogEntry
	err     error         // yielded when entries is closed
	after   chan uint64   // what each follower asked for
	ended   chan struct{} // one value for each follower that ended
}

func newScript(f *fakeEngine) *script {
	s := &script{
		entries: make(chan engine.LogEntry),
		after:   make(chan uint64, 8),
		ended:   make(chan struct{}, 8),
	}
	f.follow = func(ctx context.Context, after uint64) iter.Seq2[engine.LogEntry, error] {
		return func(yield func(engine.LogEntry, error) bool) {
			defer func() { s.ended <- struct{}{} }()
			s.after <- after
			for {
				select {
				case <-ctx.Done():
					yield(engine.LogEntry{}, ctx.Err())
					return
				case e, more := <-s.entries:
					switch {
					case more && !yield(e, nil):
						return
					case !more && s.err != nil:
						yield(engine.LogEntry{}, s.err)
						return
					case !more:
						return
					}
				}
			}
		}
	}
	return s
}

// entry is a line of the script.
func entry(seq uint64, message string) engine.LogEntry {
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	return engine.LogEntry{Seq: seq, At: at, Level: "info", Source: "attack", Message: message, Fields: []byte(`{ "k": "v" }`)}
}

// reading is an open stream of a client.
type reading struct {
	t     *testing.T
	res   *http.Response
	lines *bufio.Reader
}

// follow opens the log of execB.
func follow(t *testing.T, addr, query string, header http.Header) *reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/1/executors/"+string(execB)+"/log"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	res, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	if err != nil {
		t.Fatalf("follow: %v", err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &reading{t, res, bufio.NewReader(res.Body)}
}

// next fails the test unless the next line is the one wanted.
func (r *reading) next(want string) {
	r.t.Helper()
	line, err := r.lines.ReadString('\n')
	if err != nil || line != want+"\n" {
		r.t.Fatalf("line %q, want %q: %v", line, want, err)
	}
}

// rest reads to the end.
func (r *reading) rest() (string, error) {
	r.t.Helper()
	b, err := io.ReadAll(r.lines)
	return string(b), err
}

var sse = http.Header{"Accept": {"text/event-stream"}}

func TestFollowAsText(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{}, f)
	r := follow(t, addr, "?follow=true", http.Header{})
	if got := r.res.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	if after := <-s.after; after != 0 {
		t.Errorf("followed after %d", after)
	}
	for i := range uint64(3) {
		s.entries <- entry(i+1, "hit")
		r.next("2026-11-21T03:00:00.000+01:00 INFO  [attack] hit k=v") // before there is another
	}
	close(s.entries)
	if rest, err := r.rest(); rest != "" || err != nil {
		t.Errorf("ended with %q, %v", rest, err)
	}
}

func TestFollowAsEvents(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{}, f)
	r := follow(t, addr, "", http.Header{"Accept": {"text/event-stream"}, "Last-Event-Id": {"41"}})
	if got := r.res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	if after := <-s.after; after != 41 {
		t.Errorf("followed after %d", after)
	}
	s.entries <- entry(42, "two\nlines")
	r.next("id: 42")
	r.next("event: log")
	r.next(`data: {"seq":42,"at":"2026-11-21T03:00:00+01:00","level":"info","source":"attack","message":"two\nlines","fields":{"k":"v"}}`)
	r.next("")
	close(s.entries)
	rest, err := r.rest()
	if !strings.HasPrefix(rest, "event: end\ndata: {\"id\":\""+string(execB)) || !strings.HasSuffix(rest, "}\n\n") || err != nil {
		t.Errorf("ended with %q, %v", rest, err)
	}
}

func TestIdleEventStreamShowsThatItLives(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{Heartbeat: time.Millisecond}, f)
	r := follow(t, addr, "", sse)
	for range 3 {
		r.next(":")
		r.next("")
	}
	close(s.entries)
	if _, err := r.rest(); err != nil {
		t.Error(err)
	}
}

func TestFollowEndsWithTheClient(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{}, f)
	r := follow(t, addr, "?follow=1", http.Header{})
	<-s.after
	if err := r.res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		t.Error("the log is followed for nobody")
	}
}

func TestFollowThatBreaksIsCutOff(t *testing.T) {
	for name, header := range map[string]http.Header{"text": {}, "events": sse} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := newScript(f)
			s.err = errors.New("disk gone")
			_, addr := serveLoopback(t, Config{}, f)
			r := follow(t, addr, "?follow=true", header)
			close(s.entries)
			if rest, err := r.rest(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("ended with %q, %v", rest, err)
			}
		})
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	server, addr := serveLoopback(t, Config{}, f)
	text, events := follow(t, addr, "?follow=true", http.Header{}), follow(t, addr, "", sse)
	<-s.after
	<-s.after
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatalf("shutdown: %v", err)
	}
	if rest, err := text.rest(); err != nil || !strings.HasSuffix(rest, " WARN  [cmed] the daemon stops; this log may go on after its start\n") {
		t.Errorf("text ended with %q, %v", rest, err)
	}
	if rest, err := events.rest(); err != nil || strings.Contains(rest, "event: end") {
		t.Errorf("events ended with %q, %v", rest, err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{MaxStreams: 1}, f)
	first := follow(t, addr, "", sse)
	second := follow(t, addr, "", sse)
	if second.res.StatusCode != http.StatusServiceUnavailable || second.res.Header.Get("Retry-After") == "" {
		t.Errorf("a second stream got %s", second.res.Status)
	}
	close(s.entries)
	if _, err := first.rest(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	// The place is free a moment after the client has seen the end.
	deadline := time.Now().Add(10 * time.Second)
	for {
		third := follow(t, addr, "", sse)
		if _, err := third.rest(); err != nil {
			t.Fatal(err)
		}
		if third.res.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a third stream got %s", third.res.Status)
		}
	}
}

func TestReaderThatStopsIsLeft(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{WriteTimeout: 50 * time.Millisecond}, f)
	follow(t, addr, "?follow=true", http.Header{})
	<-s.after
	flood := entry(1, strings.Repeat("x", 1<<20))
	tooLong := time.After(5 * time.Second) // before the client gives up by itself
	for {
		select {
		case s.entries <- flood:
		case <-s.ended:
			return
		case <-tooLong:
			t.Fatal("the server waits for a reader that does not read")
		}
	}
}

func TestEntryThatCannotBeEncodedEndsTheStream(t *testing.T) {
	f := newFake(t)
	s := newScript(f)
	_, addr := serveLoopback(t, Config{}, f)
	r := follow(t, addr, "", sse)
	broken := entry(1, "hit")
	broken.Fields = []byte(`{"k":`)
	s.entries <- broken
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second): // before the client gives up by itself
		t.Fatal("the log is followed on")
	}
	if rest, err := r.rest(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %q, %v", rest, err)
	}
}
