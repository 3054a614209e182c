package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// events streams what changes, from now on or from the event that the client has
// seen last, until the client is gone, is too slow, its key is no longer valid, or
// the server stops. With follow=false it sends what is kept, and ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	wanted, err := q.choice()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy is to hand on what comes
	if r.Method == http.MethodHead {
		return nil
	}
	past := q.Has("follow") && !q.flag("follow")
	after := cmp.Or(r.Header.Get("Last-Event-ID"), q.Get("after"))
	if past && after == "" {
		after = beginning
	}
	reader, known, err := s.feed.join(after)
	if err != nil {
		return err
	}
	defer reader.leave()
	ctx, leave := s.sessions.enter(r.Context())
	defer leave()
	if !past && r.ProtoMajor == 1 {
		// Without chunks an event is one write to the connection, not three. The
		// answer ends with the connection then, as the recommendation has it.
		w.Header().Set("Transfer-Encoding", "identity")
	}
	boundSending(r.Context())
	sender := eventSender{w: w, control: http.NewResponseController(w), reader: reader, wanted: wanted}
	err = sender.open(ctx, known, s.zone())
	if err == nil && !past {
		err = sender.follow(ctx, s.stopping.Done())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.feed.stuck.Add(1)
	}
	return err
}

// eventSender writes events to one client.
type eventSender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	reader  *reader
	wanted  func(about) bool
}

// open begins the stream and sends what the client has missed.
func (e *eventSender) open(ctx context.Context, known bool, zone *time.Location) error {
	id := e.reader.feed.id(e.reader.last)
	begin := opening(id)
	if !known {
		begin = resetting(id, time.Now(), zone)
	}
	if err := e.write(begin); err != nil {
		return err
	}
	return e.catchUp(ctx)
}

// follow sends what comes until ctx ends or stop is closed.
func (e *eventSender) follow(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-e.reader.wake:
			if err := e.catchUp(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			if cause := context.Cause(ctx); errors.Is(cause, errKeyEnded) {
				return cause
			}
			return nil // the client is gone
		case <-stop:
			return e.catchUp(ctx)
		}
	}
}

// catchUp sends all that the client has not got yet, or a heartbeat when that is
// nothing and it is time for one. What is published meanwhile is sent too, so the
// caller may have been told to leave before it comes to an end.
func (e *eventSender) catchUp(ctx context.Context) error {
	sent := false
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := e.reader.next()
		if err != nil {
			return err
		}
		if len(s.marks) == 0 {
			break
		}
		err = s.each(e.wanted, func(events []byte) error {
			sent = true
			return e.write(events)
		})
		if err != nil {
			return err
		}
		e.reader.last = s.last
	}
	if beat := e.reader.beat.Swap(false); beat && !sent {
		if err := e.write(heartbeat(e.reader.feed.id(e.reader.last))); err != nil {
			return err
		}
	}
	if err := e.control.Flush(); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	return nil
}

func (e *eventSender) write(p []byte) error {
	if _, err := e.w.Write(p); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	return nil
}
