package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// breaking is a daemon whose streams break off: each call is answered by the next
// text, and after the last one the caller is refused.
type breaking struct {
	*httptest.Server
	mu    sync.Mutex
	after []string // the Last-Event-ID of each call
}

func newBreaking(t *testing.T, texts ...string) *breaking {
	t.Helper()
	s := &breaking{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.after = append(s.after, r.Header.Get("Last-Event-ID"))
		if n := len(s.after) - 1; n < len(texts) {
			fmt.Fprint(w, texts[n])
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"the key has expired"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestEventsGoOnAfterABreak(t *testing.T) {
	s := newBreaking(t,
		"id: e-1\nevent: plan.created\ndata: {\"at\":\"2026-11-21T17:00:00Z\",\"plan\":{\"id\":\"p\",\"name\":\"n\\u001b[31m\"}}\n\nid: e-2\n\n",
		"event: reset\ndata: {}\n\nid: e-3\nevent: lever.engaged\ndata: {\"at\":\"2026-11-21T17:00:01Z\",\"lever\":{\"engaged\":true,\"by\":\"ana\",\"reason\":\"why\"}}\n\n")
	got := callWith(t, nil, "", "events", "-f", "--server", s.URL)
	want := "2026-11-21T17:00:00Z  plan.created  p n\uFFFD[31m\n" +
		"-  reset  changes may be missing: read the lists anew\n" +
		"2026-11-21T17:00:01Z  lever.engaged  by ana (why)\n"
	const waiting = "the stream broke off; waiting for the daemon\n"
	const back = "the daemon is back: the stream goes on\n"
	if got.code != exitFailure || got.stdout != want || got.stderr != waiting+back+waiting+"cmed: the key has expired\n"+wantsKey+"\n" {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if !slices.Equal(s.after, []string{"", "e-2", "e-3"}) {
		t.Errorf("it went on after %q", s.after)
	}
}

func TestEventsOfADaemonThatIsNotThere(t *testing.T) {
	s := newBreaking(t)
	s.Close()
	for _, args := range [][]string{{"events", "-f"}, {"executor", "log", "-f", "e"}} {
		if got := callWith(t, nil, "", append(args, "--server", s.URL)...); got.code != exitFailure || got.stdout != "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestAnOutageIsToldOnce(t *testing.T) {
	var said strings.Builder
	w := waiting{lost: &outage{to: &said, what: "the wait"}}
	for _, err := range []error{nil, &client.Unreachable{}, &client.Unreachable{}, nil, nil, &client.Refusal{}} {
		w.tellLost(t.Context(), err)
	}
	if got, want := said.String(), "the wait broke off; waiting for the daemon\nthe daemon is back: the wait goes on\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestALogGoesOnAfterABreak(t *testing.T) {
	const entry = "id: %d\nevent: log\ndata: {\"seq\":%d,\"at\":\"2026-11-21T17:00:00Z\",\"level\":\"info\",\"source\":\"attack\",\"message\":\"m%d\\nmore\",\"fields\":{\"a\":\"b c\"}}\n\n"
	s := newBreaking(t, ":\n\n", fmt.Sprintf(entry, 1, 1, 1), fmt.Sprintf(entry, 2, 2, 2)+"event: end\ndata: {\"id\":\"e\",\"state\":\"failed\",\"reason\":\"no\",\"undo\":\"undone\"}\n\n")
	got := callWith(t, nil, "", "executor", "log", "e", "--follow", "--server", s.URL)
	line := func(n int) string {
		return fmt.Sprintf("2026-11-21T17:00:00.000+00:00 INFO  [attack] m%d\n    more a=\"b c\"\n", n)
	}
	const waiting = "the log broke off; waiting for the daemon\n"
	const back = "the daemon is back: the log goes on\n"
	if got.code != 0 || got.stdout != line(1)+line(2) || got.stderr != waiting+back+waiting+back+"executor e: failed (no), undo undone\n" {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if !slices.Equal(s.after, []string{"", "", "1"}) {
		t.Errorf("it went on after %q", s.after)
	}
}
