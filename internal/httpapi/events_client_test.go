package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// received is one block of an event stream.
type received struct {
	id, kind, data string
	comment        bool
}

// is says whether it is an event; the others are shown to nobody.
func (e received) isEvent() bool { return e.data != "" }

// doc returns a member of the data.
func (e received) doc(t *testing.T, name string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.data), &members); err != nil {
		t.Fatalf("data %q: %v", e.data, err)
	}
	return string(members[name])
}

// listening is a client of the event stream.
type listening struct {
	t      *testing.T
	res    *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
	last   string // Last-Event-ID
}

// listen opens the event stream. after is its Last-Event-ID.
func listen(t *testing.T, addr, query, after string) *listening {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+eventsPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	res, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("listen: %s: %s", res.Status, text)
	}
	return &listening{t, res, bufio.NewReader(res.Body), cancel, after}
}

// block reads up to the next empty line.
func (l *listening) block() (e received, err error) {
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "":
			if e.id != "" {
				l.last = e.id
			}
			return e, nil
		case ":":
			e.comment = true
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data += value
		case "retry":
		default:
			l.t.Fatalf("line %q", line)
		}
	}
}

// next reads the next event.
func (l *listening) next() received {
	l.t.Helper()
	for {
		e, err := l.block()
		if err != nil {
			l.t.Fatalf("after %s: %v", l.last, err)
		}
		if e.isEvent() {
			return e
		}
	}
}

// opened waits for the begin of the stream, from which on nothing is missed.
func (l *listening) opened() *listening {
	l.t.Helper()
	if e, err := l.block(); err != nil || e.id == "" || e.isEvent() {
		l.t.Fatalf("the stream begins with %+v, %v", e, err)
	}
	return l
}

// rest reads events to the end of the stream.
func (l *listening) rest() (events []received, err error) {
	for {
		e, err := l.block()
		switch {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return events, err
		case e.isEvent():
			events = append(events, e)
		}
	}
}

// cut loses the connection.
func (l *listening) cut() {
	l.cancel()
	l.res.Body.Close()
}

// executorChange is the n-th of a row of changes; n is in its document.
func executorChange(n int) engine.Change {
	return engine.Change{
		At: time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC), Type: "executor.running",
		Executor: &engine.Executor{ID: execA, PlanID: planA, State: engine.Running, Seed: int64(n), Undo: engine.UndoNone},
	}
}

// numberOf is the n that was given to executorChange.
func numberOf(t *testing.T, e received) int {
	t.Helper()
	var data struct {
		Executor struct {
			Seed int `json:"seed"`
		} `json:"executor"`
	}
	if err := json.Unmarshal([]byte(e.data), &data); err != nil {
		t.Fatalf("data %q: %v", e.data, err)
	}
	return data.Executor.Seed
}
