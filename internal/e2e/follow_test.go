package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A running executor is listed as pending, can't be moved, and its log can be
// followed while it grows, as text and as events, to its end.
func TestFollowedLog(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now())
	d.await(t, id, "running")
	path := "/api/1/executors/" + id
	if list := d.executors(t, ""); len(list) != 1 || list[0].State != "running" || list[0].Executed {
		t.Errorf("pending are %+v", list)
	}
	d.refused(t, request{method: http.MethodPut, path: path, body: trigger("2031-10-23")}, http.StatusConflict, "executor "+id+" is running…")
	text := d.follow(t, path+"/log?follow=true", nil)
	events := d.follow(t, path+"/log", map[string]string{"Accept": "text/event-stream"})
	if line := text.line(t); !strings.Contains(line, "[attack] asleep") {
		t.Errorf("the first line is %q", line)
	}
	first := events.event(t)
	if first.name != "log" || first.id != "1" || !strings.Contains(first.data, `"message":"asleep"`) {
		t.Errorf("the first event is %+v", first)
	}
	resumed := d.follow(t, path+"/log", map[string]string{"Accept": "text/event-stream", "Last-Event-ID": "1"})
	d.halt(t, id)
	if line := text.line(t); !strings.Contains(line, "[attack] woken") {
		t.Errorf("the next line is %q", line)
	}
	text.end(t)
	for _, s := range []*stream{events, resumed} {
		if next := s.event(t); next.id != "2" || !strings.Contains(next.data, `"message":"woken"`) {
			t.Errorf("the next event is %+v", next)
		}
		last := s.event(t)
		var e executor
		if err := json.Unmarshal([]byte(last.data), &e); err != nil || last.name != "end" || e.State != "halted" {
			t.Errorf("the last event is %+v: %v", last, err)
		}
		s.end(t)
	}
}

// stream is an answer that is read while it comes.
type stream struct {
	lines  chan string // closed at its end
	cancel context.CancelFunc
}

// follow begins to read an answer that goes on.
func (c client) follow(t testing.TB, path string, header map[string]string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d", path, resp.StatusCode)
	}
	s := &stream{lines: make(chan string, 1024), cancel: cancel}
	go func() { // ends with the answer, which ctx bounds
		defer close(s.lines)
		defer resp.Body.Close()
		for scanner := bufio.NewScanner(resp.Body); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	return s
}

// line is the next line.
func (s *stream) line(t testing.TB) string {
	t.Helper()
	select {
	case line, more := <-s.lines:
		if !more {
			t.Fatal("the stream has ended")
		}
		return line
	case <-time.After(patience):
		t.Fatal("the stream says nothing")
		return ""
	}
}

// event is a server-sent event.
type event struct{ id, name, data string }

// event is the next event.
func (s *stream) event(t testing.TB) event {
	t.Helper()
	var e event
	for {
		switch name, value, _ := strings.Cut(s.line(t), ": "); name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e != (event{}) {
				return e
			}
		}
	}
}

// end waits for the stream's end; nothing more may come.
func (s *stream) end(t testing.TB) {
	t.Helper()
	select {
	case line, more := <-s.lines:
		if more {
			t.Errorf("the stream goes on with %q", line)
		}
	case <-time.After(patience):
		t.Fatal("the stream does not end")
	}
}
