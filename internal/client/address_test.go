package client

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// listenUnix listens at a path of any length.
func listenUnix(t *testing.T, path string) net.Listener {
	t.Helper()
	short := path
	if len(path) > maxSocket {
		s, release, err := shortened(path)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		short = s
	}
	ln, err := net.Listen("unix", short)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestADaemonIsCalledOverItsSocket(t *testing.T) {
	paths := map[string]string{"a path": filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		long := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
		if err := os.MkdirAll(long, 0o700); err != nil {
			t.Fatal(err)
		}
		paths["a path that is too long for the kernel"] = filepath.Join(long, "cmed.sock")
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			if Answers(t.Context(), path) {
				t.Error("it answers before there is one")
			}
			ln := listenUnix(t, path)
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"version":"%s %s"}`, r.Host, r.Header.Get("Authorization"))
			})}
			go s.Serve(ln)
			defer s.Close()
			if !Answers(t.Context(), path) {
				t.Error("it does not answer")
			}
			t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
			c, err := New(Options{Server: "unix:" + path, Key: "cmed_k"})
			if err != nil {
				t.Fatal(err)
			}
			status, err := c.Status(t.Context())
			if err != nil || status.Version != "localhost Bearer cmed_k" || c.Server() != "unix:"+path {
				t.Errorf("%q of %s: %v", status.Version, c.Server(), err)
			}
		})
	}
}

func TestSocketsThatAreNone(t *testing.T) {
	for _, server := range []string{"unix:", "unix:relative", "unix://relative"} {
		if _, err := New(Options{Server: server}); server != "unix://relative" && err == nil {
			t.Errorf("%q passes", server)
		}
	}
	c, err := New(Options{Server: "unix:/nonexistent/" + strings.Repeat("x/", 80) + "s"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Status(t.Context())
	if _, ok := errors.AsType[*Unreachable](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestAKeyDoesNotGoOverTheNetworkInTheClear(t *testing.T) {
	for server, open := range map[string]bool{
		"http://127.0.0.1:5000": false, "http://[::1]:5000": false, "localhost:5000": false, "http://a.localhost": true,
		"http://127.9.9.9": false, "https://ops.example": false, "unix:/x": false,
		"http://ops.example": true, "http://10.0.0.1": true, "http://localhost.example": true, "http://0.0.0.0": true,
	} {
		_, err := New(Options{Server: server, Key: "cmed_k"})
		if got := errors.Is(err, ErrKeyInTheClear); got != open || !open && err != nil {
			t.Errorf("%s: %v", server, err)
		}
		if _, err := New(Options{Server: server, Key: "cmed_k", InsecureTransport: true}); err != nil {
			t.Errorf("%s, though it may: %v", server, err)
		}
		if _, err := New(Options{Server: server}); err != nil {
			t.Errorf("%s without a key: %v", server, err)
		}
	}
}

func TestTheKeyIsNotSentElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer s.Close()
	c, err := New(Options{Server: s.URL, Key: "cmed_k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); err == nil || strings.Contains(err.Error(), "cmed_k") {
		t.Errorf("got %v", err)
	}
}

func TestAServerMustBeVouchedFor(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"1"}`) }))
	defer s.Close()
	c, err := New(Options{Server: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Status(t.Context())
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("got %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if c, err = New(Options{Server: s.URL, Roots: roots, Key: "cmed_k"}); err != nil {
		t.Fatal(err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.Version != "1" {
		t.Errorf("%q: %v", status.Version, err)
	}
	if c, err = New(Options{Server: strings.Replace(s.URL, "https", "http", 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); err == nil || err.Error() != "the server speaks TLS: call it by https://" {
		t.Errorf("got %v", err)
	}
}

func TestABusyDaemonIsAskedAgain(t *testing.T) {
	calls := 0
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("Idempotency-Key") != "k" {
			t.Errorf("call %d has the key %q", calls, r.Header.Get("Idempotency-Key"))
		}
		if calls == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"detail":"too much at once"}`)
			return
		}
		fmt.Fprint(w, `{"id":"p"}`)
	})
	p, err := c.CreatePlan(t.Context(), []byte("{}"), "k")
	if err != nil || p.ID != "p" || calls != 2 {
		t.Errorf("%q after %d calls: %v", p.ID, calls, err)
	}
}

func TestADaemonThatIsBusyForLongIsNotAskedAgain(t *testing.T) {
	calls := 0
	c := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"detail":"too much at once"}`)
	})
	if _, err := c.PreviewPlan(context.Background(), []byte("{}")); err == nil || calls != 1 {
		t.Errorf("%d calls: %v", calls, err)
	}
}

func TestAListIsReadAsFarAsItIsWanted(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int
		pages []answer
		want  int
		more  bool
		asked string
	}{
		{"all", 0, []answer{{200, `{"plans":[{"id":"a"}],"_links":{"next":{"href":"/api/1/plans/?cursor=c"}}}`}, {200, `{"plans":[{"id":"b"}],"_links":{}}`}}, 2, false, "limit=500"},
		{"fewer than there are", 1, []answer{{200, `{"plans":[{"id":"a"}],"_links":{"next":{"href":"/api/1/plans/?cursor=c"}}}`}}, 1, true, "limit=1"},
		{"as many as there are", 1, []answer{{200, `{"plans":[{"id":"a"}],"_links":{}}`}}, 1, false, "limit=1"},
		{"a daemon that gives more", 1, []answer{{200, `{"plans":[{"id":"a"},{"id":"b"}],"_links":{}}`}}, 1, true, "limit=1"},
		{"none", 5, []answer{{200, `{"plans":[],"_links":{}}`}}, 0, false, "limit=5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, c := serve(t, test.pages...)
			plans, more, err := c.Plans(context.Background(), false, test.limit)
			if err != nil || len(plans) != test.want || more != test.more || !strings.Contains(d.asked[0], test.asked) || len(d.answers) != 0 {
				t.Errorf("%d plans, more %v, asked %q: %v", len(plans), more, d.asked, err)
			}
		})
	}
}
