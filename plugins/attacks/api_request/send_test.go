package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// received is what a sink saw of one request.
type received struct {
	method, path, host, body string
	header                   http.Header
}

// sink serves on loopback, hands on what it receives, and answers with handler.
func sink(t *testing.T, handler http.HandlerFunc) (endpoint string, requests <-chan received) {
	t.Helper()
	seen := make(chan received, 32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request: %v", err)
		}
		seen <- received{method: r.Method, path: r.URL.RequestURI(), host: r.Host, body: string(body), header: r.Header}
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestSendBody(t *testing.T) {
	for _, c := range []struct {
		rule, method, body, payload string
		wantBody, wantType          string
	}{
		{"a payload is a form by default", "POST", "", `{"test": "1", "n": 1.50, "on": true}`, "n=1.50&on=true&test=1", "application/x-www-form-urlencoded"},
		{"GET sends it in the body too", "GET", "", `{"test": "1"}`, "test=1", "application/x-www-form-urlencoded"},
		{"a list repeats its field, null leaves it out", "POST", "form", `{"a": ["x", 2], "b": null}`, "a=x&a=2", "application/x-www-form-urlencoded"},
		{"form fields are escaped", "PUT", "form", `{"a&b": "c=d é"}`, "a%26b=c%3Dd+%C3%A9", "application/x-www-form-urlencoded"},
		{"an empty form is no body", "POST", "form", `{}`, "", ""},
		{"JSON keeps its numbers", "POST", "json", `{"big": 12345678901234567890, "list": [1, 2]}`, `{"big":12345678901234567890,"list":[1,2]}`, "application/json"},
		{"JSON null is a body", "POST", "json", `null`, `null`, "application/json"},
		{"raw is sent as it is", "POST", "raw", `"<a>\n"`, "<a>\n", ""},
		{"a string is raw by default", "POST", "", `"a=1"`, "a=1", ""},
		{"none sends nothing", "DELETE", "none", "", "", ""},
		{"no payload sends nothing", "delete", "", "", "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			endpoint, requests := sink(t, noContent)
			args := Args{Endpoint: endpoint, Method: c.method, Body: c.body, Payload: json.RawMessage(c.payload)}
			got, err := send(t.Context(), args, "0190")
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != http.StatusNoContent {
				t.Errorf("status %d", got.Status)
			}
			r := <-requests
			if r.method != strings.ToUpper(c.method) || r.body != c.wantBody || r.header.Get("Content-Type") != c.wantType {
				t.Errorf("got %s, body %q of type %q; want body %q of type %q",
					r.method, r.body, r.header.Get("Content-Type"), c.wantBody, c.wantType)
			}
		})
	}
}

func TestSendHeaders(t *testing.T) {
	endpoint, requests := sink(t, noContent)
	if _, err := send(t.Context(), Args{Endpoint: endpoint + "/a?b=c", Method: "POST"}, "0190"); err != nil {
		t.Fatal(err)
	}
	r := <-requests
	if r.path != "/a?b=c" || r.header.Get("Idempotency-Key") != "0190" || r.header.Get("User-Agent") != userAgent {
		t.Errorf("by default: %s %v", r.path, r.header)
	}

	args := Args{Endpoint: endpoint, Method: "POST", Payload: json.RawMessage(`{"a": 1}`), Headers: map[string]string{
		"X-CUSTOM-HEADER": "test", "host": "shop.example", "idempotency-key": "mine", "content-type": "text/odd", "User-Agent": "me",
	}}
	if _, err := send(t.Context(), args, "0190"); err != nil {
		t.Fatal(err)
	}
	r = <-requests
	for name, want := range map[string]string{
		"X-Custom-Header": "test", "Idempotency-Key": "mine", "Content-Type": "text/odd", "User-Agent": "me",
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.host != "shop.example" {
		t.Errorf("host %q", r.host)
	}
}

func TestRefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := send(t.Context(), Args{Endpoint: "http://" + address + "/x", Method: "get"}, "0190")
	if err == nil || got.Status != 0 {
		t.Fatalf("answer %+v, error %v", got, err)
	}
	want := fmt.Sprintf("GET http://%s/x: dial tcp %s: connect: connection refused", address, address)
	if err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
}

// hang answers nothing until the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestTimeout(t *testing.T) {
	endpoint, _ := sink(t, hang)
	_, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET", Timeout: sdk.Duration(50 * time.Millisecond)}, "0190")
	if want := "GET " + endpoint + ": no complete answer within 50ms"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestTimeoutCoversTheBody(t *testing.T) {
	endpoint, _ := sink(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "start")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	got, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET", Timeout: sdk.Duration(100 * time.Millisecond)}, "0190")
	if err == nil || !strings.Contains(err.Error(), "no complete answer within 100ms") {
		t.Errorf("error %v", err)
	}
	if got.Status != http.StatusOK || got.Body != "start" {
		t.Errorf("what came of the answer is lost: %+v", got)
	}
}

func TestStopAbortsTheRequest(t *testing.T) {
	aborted := make(chan struct{})
	endpoint, requests := sink(t, func(w http.ResponseWriter, r *http.Request) {
		hang(w, r)
		close(aborted)
	})
	halt := errors.New("halted by the lever")
	ctx, stop := context.WithCancelCause(t.Context())
	go func() {
		<-requests
		stop(halt)
	}()
	if _, err := send(ctx, Args{Endpoint: endpoint, Method: "GET"}, "0190"); !errors.Is(err, halt) {
		t.Errorf("error %v, want the cause of the stop", err)
	}
	select {
	case <-aborted:
	case <-time.After(10 * time.Second):
		t.Error("the server still waits for its client")
	}
}

func TestAttackHappensAtMostOnce(t *testing.T) {
	endpoint, requests := sink(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
			return
		}
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			err = connection.Close() // the kind of failure net/http repeats requests for
		}
		if err != nil {
			t.Error(err)
		}
	})
	if _, err := send(t.Context(), Args{Endpoint: endpoint, Method: "POST"}, "0190"); err == nil {
		t.Error("a broken connection is no failure")
	}
	if n := len(requests); n != 2 {
		t.Errorf("%d requests, want the first and the redirected one", n)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(noContent))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail are meant to
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, c := range []struct {
		rule, wantError string
		tls             TLS
	}{
		{"an unknown authority is refused", "certificate signed by unknown authority", TLS{}},
		{"unless nothing is checked", "", TLS{InsecureSkipVerify: true}},
		{"or it is trusted", "", TLS{CAPEM: authority}},
		{"a name can be asked for", "", TLS{CAPEM: authority, ServerName: "example.com"}},
		{"and is checked", "not shop.test", TLS{CAPEM: authority, ServerName: "shop.test"}},
		{"a certificate that is none", "ca_pem has no certificate", TLS{CAPEM: "-----BEGIN CERTIFICATE-----\n"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := send(t.Context(), Args{Endpoint: server.URL, Method: "GET", TLS: c.tls}, "0190")
			switch {
			case c.wantError == "" && (err != nil || got.Status != http.StatusNoContent):
				t.Errorf("status %d, error %v", got.Status, err)
			case c.wantError != "" && (err == nil || !strings.Contains(err.Error(), c.wantError)):
				t.Errorf("error %v, want %s", err, c.wantError)
			}
		})
	}
}
