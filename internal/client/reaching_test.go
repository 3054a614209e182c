package client

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What may have been done is what a connection was there for: neither a port that
// refuses nor a certificate that nobody trusts has seen the request.
func TestWhatARequestNeverReachedIsNotDone(t *testing.T) {
	asked := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked++
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	s.Config.ErrorLog = nil
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	for _, test := range []struct {
		name, server     string
		roots            *x509.CertPool
		mayBeDone, again bool
	}{
		{"a port that refuses", gone.URL, nil, false, true},
		{"a socket that is not there", "unix:/nonexistent/cmed.sock", nil, false, true},
		{"a certificate that is not trusted", s.URL, nil, false, false},
		{"no TLS at all", strings.Replace(gone.URL, "http:", "https:", 1), nil, false, true},
		{"no TLS where it is wanted", strings.Replace(plain.URL, "http:", "https:", 1), nil, false, false},
		{"an answer that is cut off", s.URL, trusted, true, true},
	} {
		c, err := New(Options{Server: test.server, Roots: test.roots})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Halt(context.Background(), "ana", "")
		if _, ok := errors.AsType[*Unreachable](err); !ok || MayBeDone(err) != test.mayBeDone || Passing(err) != test.again || Mute(err) {
			t.Errorf("%s: may be done %v, passing %v: %v", test.name, MayBeDone(err), Passing(err), err)
		}
	}
	if asked != 1 {
		t.Errorf("%d requests came through, want 1", asked)
	}
}

// hangingServer takes connections and answers nothing until it is let go.
func hangingServer(t *testing.T) (url string, letGo func()) {
	t.Helper()
	hanging := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-hanging
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(s.Close)
	return s.URL, sync.OnceFunc(func() { close(hanging) })
}

func TestADaemonThatTakesConnectionsAndAnswersNothing(t *testing.T) {
	url, letGo := hangingServer(t)
	defer letGo()
	c, err := New(Options{Server: url})
	if err != nil {
		t.Fatal(err)
	}
	c.silence = time.Second
	_, err = c.Events(context.Background(), EventQuery{}, func(Change) bool { return true })
	want := "the daemon at " + url + " takes connections, but does not answer: nothing came for 1s"
	if !Mute(err) || !Passing(err) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAnAnswerThatIsLongInComingIsTold(t *testing.T) {
	url, letGo := hangingServer(t)
	told := 0
	c, err := New(Options{Server: url, Waiting: func() { told++; letGo() }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lever(context.Background()); err != nil || told != 1 {
		t.Errorf("told %d times: %v", told, err)
	}
	if _, err := c.Lever(context.Background()); err != nil || told != 1 {
		t.Errorf("an answer at once is told too: %d, %v", told, err)
	}
}
