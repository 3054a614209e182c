package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const (
	oneID   = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
)

// serve has a handler answer on a socket and returns a driver of it that waits
// 300 ms for an answer.
func serve(t *testing.T, handler http.HandlerFunc) *driver {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	path := filepath.Join(socketFolder(t), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	d := openAt(t, "unix://"+path)
	d.call = 300 * time.Millisecond
	return d
}

// socketFolder is a folder with a path that is short enough for a socket's.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// engineWith answers as an engine whose containers all run and which leaves the
// orders to the handler.
func engineWith(orders http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if r.Method == http.MethodPost {
			orders(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		id := strings.Split(r.URL.Path, "/")
		if len(id) < 4 || id[2] != "containers" {
			return // a ping
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"Id": id[3], "Name": "/one", "State": map[string]any{"Status": "running"},
			"Config": map[string]any{}, "HostConfig": map[string]any{},
		})
	}
}

// afterPing leaves to the handler what comes after the version is agreed on.
func afterPing(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if r.Method != http.MethodHead {
			handler(w, r)
		}
	}
}

func saying(status int, content, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", content)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestWhatAnswersIsNoEngine(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    error
		texts   []string
	}{
		"it never answers": {
			hang, compute.ErrUnreachable,
			[]string{"no answer from unix:///", "within 300ms; see whether the engine there works: docker -H unix:///"},
		},
		"it stops in the middle": {
			afterPing(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `[{"Id": "1`)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}), compute.ErrUnreachable,
			[]string{"within 300ms"},
		},
		"a page": {
			saying(200, "text/html", "<html>hello"), compute.ErrUnreachable,
			[]string{"can't be understood: invalid character '<'", "see whether DOCKER_HOST is the address of a Docker Engine"},
		},
		"a page for anything else": {
			saying(404, "text/html", "<html>\n  not\tfound "+strings.Repeat("x", 2000)), compute.ErrUnreachable,
			[]string{"can't be understood: <html> not found xxx", "x…; see whether DOCKER_HOST"},
		},
		"JSON of another kind":  {saying(200, "application/json", `"hello"`), compute.ErrUnreachable, []string{"can't be understood: json: cannot unmarshal"}},
		"nothing":               {saying(200, "application/json", ""), compute.ErrUnreachable, []string{"can't be understood: EOF"}},
		"a redirect":            {saying(301, "text/html", ""), compute.ErrUnreachable, []string{"can't be understood"}},
		"a proxy that says no":  {saying(403, "text/html", "<h1>403</h1>"), compute.ErrNotAllowed, []string{"<h1>403</h1>; what listens at unix:///"}},
		"a gateway that failed": {saying(502, "text/html", "bad gateway"), compute.ErrUnreachable, []string{"bad gateway"}},
		"an engine that starts": {saying(503, "application/json", `{"message":"starting"}`), compute.ErrUnreachable, []string{"starting; see whether the engine at"}},
		"an answer cut short": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, `[{"Id": "1`)
			}, compute.ErrUnreachable,
			[]string{"can't be understood: unexpected EOF"},
		},
		"it hangs up": {
			func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, compute.ErrUnreachable,
			[]string{"no answer from unix:///", ": EOF; see whether dockerd is running"},
		},
		"no HTTP": {
			func(w http.ResponseWriter, _ *http.Request) {
				connection, _, _ := w.(http.Hijacker).Hijack()
				_, _ = io.WriteString(connection, "220 smtp.example.org\r\n")
				_ = connection.Close()
			}, compute.ErrUnreachable,
			[]string{"malformed HTTP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, c.handler)
			began := time.Now()
			_, err := d.List(t.Context(), nil)
			mustFail(t, err, c.kind, append(c.texts, "ContainerList: ")...)
			if _, err = d.Find(t.Context(), oneID); err == nil || errors.Is(err, compute.ErrNotFound) {
				t.Errorf("a container is taken for gone: %v", err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestAnAnswerWithoutEndIsCutShort(t *testing.T) {
	chunk := strings.Repeat(" ", 1<<20)
	d := serve(t, afterPing(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}))
	d.call = 30 * time.Second // the end must be the limit's
	overTransport(t, d, func(transport *transport) { transport.limit = 2 << 20 })
	_, err := d.List(t.Context(), nil)
	mustFail(t, err, compute.ErrUnreachable, "can't be understood: EOF")
}

// overTransport has a driver use a transport that was changed.
func overTransport(t *testing.T, d *driver, change func(*transport)) {
	t.Helper()
	transport := newTransport(d.address)
	change(transport)
	engine, err := d.address.clientOver(transport)
	if err != nil {
		t.Fatal(err)
	}
	d.engine = engine
}

func TestAnEngineThatFailsSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    error
		text    string
	}{
		"inside": {
			saying(500, "application/json", `{"message":"driver failed\nprogramming"}`), nil,
			"ContainerKill 111111111111: driver failed programming; look into the log of the engine at unix:///",
		},
		"as it is gone":   {saying(404, "application/json", `{"message":"No such container: 1"}`), compute.ErrNotFound, "No such container: 1"},
		"as it has ended": {saying(409, "application/json", `{"message":"is not running"}`), compute.ErrBadState, "is not running"},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, engineWith(c.handler))
			_, err := d.Kill(t.Context(), order(oneID))
			if err == nil || !strings.Contains(err.Error(), c.text) || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestWhatWasChangedComesBackWithTheError(t *testing.T) {
	d := serve(t, engineWith(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, otherID) {
			saying(500, "application/json", `{"message":"no"}`)(w, r)
		}
	}))
	changes, err := d.Kill(t.Context(), order(otherID, oneID))
	if len(changes) != 1 || changes[0] != (compute.Change{ID: oneID, From: compute.Running, To: compute.Stopped}) {
		t.Errorf("changed %+v", changes)
	}
	if err == nil || !strings.Contains(err.Error(), "ContainerKill 222222222222: no") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnOrderThatHangsIsBoundAndEndsWithItsContext(t *testing.T) {
	d := serve(t, engineWith(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	_, err := d.Pause(t.Context(), order(oneID))
	mustFail(t, err, compute.ErrUnreachable, "ContainerPause 111111111111: no answer from unix:///", "within 300ms")

	reason := errors.New("the run's time is over")
	ctx, cancel := contextFor(t, 100*time.Millisecond, reason)
	defer cancel()
	_, err = d.Kill(ctx, order(oneID))
	mustFail(t, err, reason, "ContainerKill 111111111111: stopped before the engine answered: the run's time is over")
	if errors.Is(err, compute.ErrUnreachable) {
		t.Error("the engine is blamed")
	}
}

func TestAnotherContainerThanTheOneAskedForIsNotBelieved(t *testing.T) {
	d := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		saying(200, "application/json", `{"Id":"`+otherID+`","State":{},"Config":{},"HostConfig":{}}`)(w, nil)
	})
	_, err := d.Find(t.Context(), oneID)
	mustFail(t, err, compute.ErrUnreachable, "it doesn't describe that container")
}

func TestThereIsNoEngine(t *testing.T) {
	folder := socketFolder(t)
	left := filepath.Join(folder, "left")
	listener, err := net.Listen("unix", left)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = listener.Close()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for host, text := range map[string]string{
		"unix://" + folder + "/none": "there is no socket unix://" + folder + "/none; see whether dockerd is running",
		"unix://" + left:             "nobody listens at unix://" + left + "; see whether dockerd is running: systemctl",
		"unix://" + file:             "nobody listens at unix://" + file,
		"tcp://127.0.0.1:1":          "nobody listens at tcp://127.0.0.1:1",
	} {
		_, err := openAt(t, host).List(t.Context(), nil)
		mustFail(t, err, compute.ErrUnreachable, text)
	}
}

// What root, as whom tests may run, and a machine with an engine can't bring
// about is told to the driver by its transport.
func TestTheSocketCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		at    address
		errno syscall.Errno
		kind  error
		text  string
	}{
		{address{network: "unix", at: "/s"}, syscall.EACCES, compute.ErrNotAllowed, "this user may not use the socket unix:///s; add the user that the attack runs as to the group docker"},
		{address{network: "unix", at: usualSocket, usual: true}, syscall.ENOENT, compute.ErrUnconfigured, "there is no Docker Engine at the usual unix:///var/run/docker.sock, and DOCKER_HOST is not set; start dockerd, or set DOCKER_HOST"},
	} {
		d := openAt(t, "")
		d.address = c.at
		overTransport(t, d, func(transport *transport) {
			transport.base.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", c.errno)}
			}
		})
		_, err := d.List(t.Context(), nil)
		mustFail(t, err, c.kind, c.text)
	}
}
