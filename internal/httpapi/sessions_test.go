package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// follow opens a stream and returns its connection once it has begun.
func (g *gate) follow(network, address, target, secret string) net.Conn {
	g.t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n", target)
	if secret != "" {
		fmt.Fprintf(conn, "Authorization: Bearer %s\r\n", secret)
	}
	fmt.Fprint(conn, "\r\n")
	status, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	if err != nil || !strings.Contains(status, "200") {
		g.t.Fatalf("%s: %q, %v", target, status, err)
	}
	return conn
}

// endless is a log that has no end.
func endless(ctx context.Context, _ uint64) iter.Seq2[engine.LogEntry, error] {
	return func(func(engine.LogEntry, error) bool) { <-ctx.Done() }
}

// isCut reads a stream to its end, which must not look like a whole one.
func isCut(t *testing.T, conn net.Conn) {
	t.Helper()
	rest := make([]byte, 0, 4096)
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		rest = append(rest, buf[:n]...)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			t.Fatal("the stream goes on")
		}
		if err != nil {
			break
		}
	}
	if strings.HasSuffix(string(rest), "0\r\n\r\n") {
		t.Errorf("the stream ends as if it were whole: %q", rest)
	}
}

// streams are those that have no end by themselves.
var streams = []string{"/api/1/events/", "/api/1/executors/" + string(execA) + "/log?follow=true"}

func TestStreamsEndWithTheirKey(t *testing.T) {
	for _, target := range streams {
		t.Run(target, func(t *testing.T) {
			g := newGate(t, Config{})
			g.engine.follow = endless
			id, secret := g.key(access.NewKey{Role: access.Viewer})
			_, other := g.key(access.NewKey{Role: access.Viewer})
			cut := g.follow("tcp", g.addr, target, secret)
			stays, local := g.follow("tcp", g.addr, target, other), g.follow("unix", g.socket, target, "")
			g.doLocal(call{method: http.MethodDelete, target: "/api/1/keys/" + string(id)}).is(http.StatusOK)
			isCut(t, cut)
			goesOn(t, stays)
			goesOn(t, local)
			if strings.Contains(g.log.String(), "ERROR") {
				t.Errorf("the log has an error: %s", g.log)
			}
		})
		t.Run(target+" when it expires", func(t *testing.T) {
			g := newGate(t, Config{})
			g.engine.follow = endless
			_, secret := g.key(access.NewKey{Role: access.Viewer, Expires: time.Now().Add(300 * time.Millisecond)})
			isCut(t, g.follow("tcp", g.addr, target, secret))
		})
		t.Run(target+" when the first key is made", func(t *testing.T) {
			g := newGate(t, Config{Open: OpenHere})
			g.engine.follow = endless
			cut := g.follow("tcp", g.addr, target, "")
			g.doLocal(sendJSON(http.MethodPost, "/api/1/keys/", `{"name":"n","role":"viewer"}`)).is(http.StatusCreated)
			isCut(t, cut)
		})
	}
}

// goesOn looks whether a stream is still open.
func goesOn(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
				t.Errorf("a stream ended that should go on: %v", err)
			}
			return
		}
	}
}

// A key that is revoked while its stream is being opened must not be missed.
func TestASessionOfAKeyThatIsGoneIsOver(t *testing.T) {
	s := sessions{still: func(access.Caller) bool { return false }}
	ctx, leave := s.enter(access.WithCaller(t.Context(), access.Caller{Key: "k"}))
	defer leave()
	if cause := context.Cause(ctx); !errors.Is(cause, errKeyEnded) {
		t.Errorf("it is not over: %v", cause)
	}
}

func TestSessionsAreForgottenWhenTheyEnd(t *testing.T) {
	s := sessions{still: func(access.Caller) bool { return true }}
	for _, caller := range []access.Caller{{Key: "a"}, {Key: "a"}, {}, {From: socketFrom}} {
		ctx, leave := s.enter(access.WithCaller(t.Context(), caller))
		if ctx.Err() != nil {
			t.Errorf("%+v is over: %v", caller, context.Cause(ctx))
		}
		defer func() {
			leave()
			if ctx.Err() == nil {
				t.Errorf("%+v is not over", caller)
			}
		}()
	}
	if len(s.open) != 2 || len(s.open["a"]) != 2 {
		t.Errorf("open are %v", s.open)
	}
	t.Cleanup(func() {
		if len(s.open) != 0 {
			t.Errorf("not forgotten: %v", s.open)
		}
	})
}

// busy is an answer during whose writes the next event is published, so that its
// reader is never done.
type busy struct {
	http.ResponseWriter
	feed   *feed
	writes int
	after  func()
}

func (b *busy) Write(p []byte) (int, error) {
	if b.writes++; b.writes == 3 {
		b.after()
	}
	if b.writes > 100 {
		return 0, errors.New("it goes on and on")
	}
	b.feed.publish(about{kind: "plan.created", thing: "plan"}, []byte("{}"))
	return len(p), nil
}

// A reader that is always a little behind ends with its key, too.
func TestABusyStreamEndsWithItsKey(t *testing.T) {
	f := newFeed(EventsConfig{}.withDefaults(), time.Minute)
	r, _, err := f.join("")
	if err != nil {
		t.Fatal(err)
	}
	defer r.leave()
	ctx, cancel := context.WithCancelCause(t.Context())
	w := &busy{ResponseWriter: httptest.NewRecorder(), feed: f, after: func() { cancel(errKeyEnded) }}
	e := eventSender{w: w, control: http.NewResponseController(w), reader: r, wanted: func(about) bool { return true }}
	f.publish(about{kind: "plan.created", thing: "plan"}, []byte("{}"))
	if err := e.follow(ctx, nil); !errors.Is(err, errKeyEnded) {
		t.Errorf("it ends with %v after %d writes", err, w.writes)
	}
}

// large is a copy of the store that tells when its second MiB is read.
type large struct {
	read   int
	second func()
}

func (l *large) Read(p []byte) (int, error) {
	if l.read += len(p); l.read > 1<<20 {
		l.second()
	}
	return len(p), nil
}

func (*large) Close() error { return nil }

func TestABackupEndsWithItsKey(t *testing.T) {
	g := newGate(t, Config{})
	id, secret := g.key(access.NewKey{Role: access.Admin})
	revoke := sync.OnceFunc(func() {
		g.doLocal(call{method: http.MethodDelete, target: "/api/1/keys/" + string(id)}).is(http.StatusOK)
	})
	g.server.cfg.Backup = func(context.Context) (Backup, error) {
		return Backup{ReadCloser: &large{second: revoke}, At: time.Now(), Size: 256 << 20}, nil
	}
	conn := g.follow("tcp", g.addr, "/api/1/backup", secret)
	n, err := io.Copy(io.Discard, conn)
	if err != nil || n >= 128<<20 {
		t.Errorf("%d bytes were sent after the key was revoked: %v", n, err)
	}
}

// forever is an audit without an end.
type forever struct {
	audit.Store
	page func()
}

func (f forever) Audit(_ context.Context, q audit.Query) ([]audit.Entry, error) {
	f.page()
	page := make([]audit.Entry, q.Limit)
	page[len(page)-1].Seq = q.After + uint64(q.Limit)
	return page, nil
}

func TestAnExportOfTheAuditEndsWithItsKey(t *testing.T) {
	g := newGate(t, Config{})
	id, secret := g.key(access.NewKey{Role: access.Admin})
	pages := 0
	g.server.cfg.Audit = forever{g.store, func() {
		switch pages++; {
		case pages == 2:
			if _, err := g.keys.Revoke(t.Context(), id); err != nil {
				t.Error(err)
			}
			g.server.sessions.end(id)
		case pages > 100:
			panic(http.ErrAbortHandler)
		}
	}}
	conn := dial(t, "tcp", g.addr)
	fmt.Fprintf(conn, "GET /api/1/audit/ HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nAuthorization: Bearer %s\r\n\r\n", ndjsonType, secret)
	_, _ = io.Copy(io.Discard, conn) // to its end, which is a cut
	if pages > 3 {
		t.Errorf("%d pages were sent, of which the key was good for 2", pages)
	}
}

func TestACompleteListEndsWithItsKey(t *testing.T) {
	g := newGate(t, Config{})
	id, secret := g.key(access.NewKey{Role: access.Viewer})
	many(g.engine, 10*chunk)
	pages := 0
	g.engine.onPage = func() {
		if pages++; pages == 2 {
			if _, err := g.keys.Revoke(t.Context(), id); err != nil {
				t.Error(err)
			}
			g.server.sessions.end(id)
		}
	}
	isCut(t, g.follow("tcp", g.addr, "/api/1/executors/", secret))
	if pages != 2 {
		t.Errorf("%d pages were read, of which the key was good for 2", pages)
	}
	if strings.Contains(g.log.String(), "[ERROR]") {
		t.Errorf("it is logged as a defect: %s", g.log)
	}
}
