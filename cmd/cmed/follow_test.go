package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
			text := texts[n]
			if strings.HasPrefix(text, "50") { // a refusal
				var status int
				fmt.Sscanf(text, "%d", &status)
				w.WriteHeader(status)
				text = text[len("503 "):]
			}
			fmt.Fprint(w, text)
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
	o := outage{to: &said, what: "the wait"}
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	away := &client.Refusal{Status: http.StatusBadGateway, Message: "away"}
	o.over()
	for _, err := range []error{o.begin(now, away), o.begin(now.Add(longestOutage-time.Second), nil)} {
		if err != nil {
			t.Error(err)
		}
	}
	o.over()
	o.over()
	const want = "the wait broke off; waiting for the daemon\nthe daemon is back: the wait goes on\n"
	if got := said.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := o.begin(now, away); err != nil {
		t.Errorf("what was before counts: %v", err)
	}
	err := o.begin(now.Add(longestOutage), away)
	if want := "the daemon did not come back within 15m0s: away"; err == nil || err.Error() != want || !errors.Is(err, errOutage) {
		t.Errorf("it is waited for as long as it is away: %v", err)
	}
}

// A daemon that starts or stops, or the proxy before it, says so; that ends nothing.
func TestWhatPassesEndsNoStream(t *testing.T) {
	const event = "id: e-%d\nevent: plan.created\ndata: {\"plan\":{\"id\":\"p%d\"}}\n\n"
	s := newBreaking(t, fmt.Sprintf(event, 1, 1), `503 {"detail":"the daemon stops"}`, "502 <html>", fmt.Sprintf(event, 2, 2))
	got := callWith(t, nil, "", "events", "-f", "--server", s.URL)
	if want := "-  plan.created  p1 \n-  plan.created  p2 \n"; got.stdout != want || !strings.HasSuffix(got.stderr, "the key has expired\n"+wantsKey+"\n") {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	const entry = "id: 1\nevent: log\ndata: {\"seq\":1,\"message\":\"m\"}\n\n"
	s = newBreaking(t, entry, `503 {"detail":"the daemon starts"}`, "event: end\ndata: {\"id\":\"e\",\"state\":\"succeeded\"}\n\n")
	got = callWith(t, nil, "", "executor", "log", "-f", "e", "--server", s.URL)
	if got.code != 0 || !strings.HasSuffix(got.stderr, "executor e: succeeded\n") {
		t.Errorf("%+v", got)
	}
}

// A stream ends with who reads it: at the next write, and also when none comes.
func TestAStreamThatNobodyReadsEnds(t *testing.T) {
	const event = "id: e-1\nevent: plan.created\ndata: {\"plan\":{\"id\":\"p\"}}\n\n"
	const entry = "id: 1\nevent: log\ndata: {\"seq\":1,\"message\":\"m\"}\n\n"
	for _, test := range []struct {
		name, text string
		more       bool
		args       []string
	}{
		{"events that go on", event, true, []string{"events", "-f"}},
		{"events that come no more", event, false, []string{"events", "-f"}},
		{"a log that goes on", entry, true, []string{"executor", "log", "-f", "e"}},
		{"a log that is silent", entry, false, []string{"executor", "log", "-f", "e", "-o", "json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var unread sync.WaitGroup
			unread.Add(1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, test.text)
				_ = http.NewResponseController(w).Flush()
				unread.Wait()
				if test.more {
					fmt.Fprint(w, test.text)
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			}))
			defer s.Close()
			from, to, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			var stderr buffer
			code := make(chan int, 1)
			go func() {
				code <- run(t.Context(), program{args: append(test.args, "--server", s.URL), stdout: to, stderr: &stderr})
			}()
			if _, err := bufio.NewReader(from).ReadString('\n'); err != nil {
				t.Error(err)
			}
			from.Close()
			unread.Done()
			select {
			case got := <-code:
				if got != 0 || stderr.String() != "" {
					t.Errorf("exit code %d: %s", got, stderr.String())
				}
			case <-time.After(patience):
				t.Fatal("it goes on though nobody reads")
			}
		})
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

// Whoever gets no answer is told that there may be a key, and what to do about it.
func TestTheAnswerWithAKeyIsLost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer s.Close()
	got := callWith(t, nil, "", "key", "create", "ci", "--role", "viewer", "--server", s.URL)
	const want = "\nA key may have been made all the same, and nobody has it: cmed key list shows it, cmed key revoke ID ends it\n"
	if got.code != exitFailure || !strings.Contains(got.stderr, want) {
		t.Errorf("%+v", got)
	}
	s.Close()
	got = callWith(t, nil, "", "key", "create", "ci", "--role", "viewer", "--server", s.URL)
	if got.code != exitFailure || strings.Contains(got.stderr, "may have been made") {
		t.Errorf("nobody was there: %+v", got)
	}
}
