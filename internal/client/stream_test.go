package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// streaming is a stand-in whose answers are written by fn.
func streaming(t *testing.T, fn func(http.ResponseWriter, *http.Request)) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(fn))
	t.Cleanup(s.Close)
	c, err := New(Options{Server: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEventsAreParsed(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // id, name and data
	}{
		"one":                           {"id: 1\nevent: a\ndata: {}\n\n", []string{"1 a {}"}},
		"without spaces, with returns":  {"id:1\r\nevent:a\r\ndata:x\r\n\r\n", []string{"1 a x"}},
		"data of several lines":         {"data: x\ndata: y\n\n", []string{"  x\ny"}},
		"the id stays":                  {"id: 1\ndata: x\n\ndata: y\n\n", []string{"1  x", "1  y"}},
		"an id alone":                   {"retry: 2000\nid: 5\n\n", []string{"5  "}},
		"comments and unknown fields":   {": beat\n\nfoo: bar\ndata: x\n\n", []string{"  ", "  x"}},
		"an event that is cut off":      {"data: x\n\ndata: y\n", []string{"  x"}},
		"a name that is not kept":       {"event: a\ndata: x\n\ndata: y\n\n", []string{" a x", "  y"}},
		"a field without a value":       {"data\n\n", []string{"  "}},
		"nothing":                       {"", nil},
		"data that begins with a space": {"data:  x\n\n", []string{"   x"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for e, err := range parseEvents(strings.NewReader(test.text)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s %s %s", e.id, e.name, e.data))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEventsThatAreTooLong(t *testing.T) {
	for name, text := range map[string]string{
		"a line":  "data: " + strings.Repeat("x", maxEvent+1),
		"of many": strings.Repeat("data: "+strings.Repeat("x", maxEvent/4)+"\n", 6),
	} {
		t.Run(name, func(t *testing.T) {
			var last error
			for _, err := range parseEvents(strings.NewReader(text)) {
				last = err
			}
			if last == nil {
				t.Error("it was read")
			}
		})
	}
}

func TestEventsArePassedOn(t *testing.T) {
	var opened atomic.Int32
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Last-Event-ID"); got != "a-1" {
			t.Errorf("it goes on after %q", got)
		}
		fmt.Fprint(w, "retry: 2000\nid: a-2\n\n"+
			"id: a-3\nevent: executor.running\ndata: {\"type\":\"executor.running\",\"at\":\"2026-11-21T17:00:00Z\",\"executor\":{\"id\":\"e\",\"state\":\"running\",\"new\":1}}\n\n"+
			"id: a-4\nevent: reset\ndata: {\"type\":\"reset\",\"msg\":\"too late\"}\n\n"+
			":\nid: a-5\n\n")
	})
	var got []Change
	last, err := c.Events(context.Background(), EventQuery{After: "a-1", Opened: func() { opened.Add(1) }}, func(change Change) bool {
		got = append(got, change)
		return true
	})
	if _, ended := errors.AsType[*Unreachable](err); !ended || !errors.Is(err, errStreamEnded) {
		t.Errorf("it ended with %v", err)
	}
	if last != "a-5" || opened.Load() != 1 {
		t.Errorf("it goes on after %q, opened %d times", last, opened.Load())
	}
	if len(got) != 2 || got[0].Executor == nil || got[0].Executor.State != "running" || got[0].ID != "a-3" ||
		!strings.Contains(string(got[0].Executor.Raw), `"new":1`) || got[1].Type != Reset {
		t.Errorf("got %+v", got)
	}
}

func TestEventsEndWhenTheReaderHasEnough(t *testing.T) {
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "id: 1\nevent: plan.created\ndata: {}\n\nid: 2\nevent: plan.created\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // until the client is gone
	})
	n := 0
	last, err := c.Events(context.Background(), EventQuery{}, func(Change) bool { n++; return false })
	if err != nil || n != 1 || last != "1" {
		t.Errorf("%d events, last %q, %v", n, last, err)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	c := streaming(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data: hello\n\n") })
	_, err := c.Events(context.Background(), EventQuery{}, func(Change) bool { return true })
	if err == nil || !strings.Contains(err.Error(), "is not what cmed sends") {
		t.Errorf("it ended with %v", err)
	}
}

func TestAStreamThatIsRefused(t *testing.T) {
	c := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"who are you?"}`)
	})
	_, err := c.Events(context.Background(), EventQuery{}, nil)
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Status != http.StatusUnauthorized || err.Error() != "who are you?" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Backup(context.Background(), io.Discard); err == nil || err.Error() != "who are you?" {
		t.Errorf("got %v", err)
	}
}

// A connection whose other end is gone must not keep a command waiting.
func TestAStreamThatFallsSilent(t *testing.T) {
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, ":\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	c.silence = 50 * time.Millisecond
	_, err := c.Events(context.Background(), EventQuery{}, nil)
	if _, ok := errors.AsType[*Unreachable](err); !ok || !strings.Contains(err.Error(), "nothing came for 50ms") {
		t.Errorf("it ended with %v", err)
	}
}

// A stream that is alive may take longer than it may be silent.
func TestAStreamThatTakesLong(t *testing.T) {
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			fmt.Fprint(w, ":\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(60 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
	})
	c.silence = 200 * time.Millisecond
	if _, err := c.Events(context.Background(), EventQuery{Past: true}, nil); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestALogIsFollowed(t *testing.T) {
	const entry = "id: %d\nevent: log\ndata: {\"seq\":%d,\"level\":\"info\",\"source\":\"attack\",\"message\":\"m%d\"}\n\n"
	ends := []string{"", "event: end\ndata: {\"id\":\"e\",\"state\":\"succeeded\"}\n\n"}
	var calls atomic.Int32
	c := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		if got, want := r.Header.Get("Last-Event-ID"), []string{"", "1"}[n-1]; got != want {
			t.Errorf("call %d goes on after %q, want %q", n, got, want)
		}
		fmt.Fprintf(w, entry+":\n\n"+ends[n-1], n, n, n)
	})
	var got []string
	read := func(e LogEntry) bool { got = append(got, e.Message); return true }
	if over, err := c.FollowLog(context.Background(), "e", 0, nil, read); err != nil || over != nil {
		t.Errorf("cut off, it ended with %v and %v", over, err)
	}
	over, err := c.FollowLog(context.Background(), "e", 1, nil, read)
	if err != nil || over == nil || over.State != "succeeded" || !slices.Equal(got, []string{"m1", "m2"}) {
		t.Errorf("it ended with %v and %v after %q", over, err, got)
	}
}

func TestABackupIsWholeOrAnError(t *testing.T) {
	whole := true
	c := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../cme-2026.db"`)
		w.Header().Set("Content-Length", "6")
		fmt.Fprint(w, "abc")
		if !whole {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "def")
	})
	var to strings.Builder
	name, err := c.Backup(context.Background(), &to)
	if err != nil || name != "cme-2026.db" || to.String() != "abcdef" {
		t.Errorf("%q called %q: %v", to.String(), name, err)
	}
	whole = false
	if _, err := c.Backup(context.Background(), io.Discard); err == nil || !strings.Contains(err.Error(), "the answer broke off") {
		t.Errorf("it ended with %v", err)
	}
	whole = true
	full := errors.New("the disk is full")
	if _, err := c.Backup(context.Background(), failing{full}); !errors.Is(err, full) || strings.Contains(err.Error(), "reached") {
		t.Errorf("it ended with %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
