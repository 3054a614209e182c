package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// executorLog sends the log as text, as it stands or live, or as server-sent
// events to who accepts those.
func (s *Server) executorLog(w http.ResponseWriter, r *http.Request) error {
	id, err := executorID(r)
	if err != nil {
		return err
	}
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	if _, err := s.engine.Executor(r.Context(), id); err != nil {
		return err
	}
	events := strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/event-stream")
	if events || q.flag("follow") {
		return s.follow(w, r, id, events)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method == http.MethodHead {
		return nil
	}
	return s.copyLog(r.Context(), w, id)
}

// follow streams the log until the executor is final and its undo settled, the
// client is gone, or the server stops.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, id engine.ExecutorID, events bool) error {
	after, err := lastEventID(r)
	if err != nil {
		return err
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return engine.Errorf(engine.CodeBusy, "too many logs are being followed; at most %d can be", s.cfg.MaxStreams)
	}
	var form stream = textStream{zone: s.zone()}
	if events {
		form = eventStream{zone: s.zone()}
	}
	w.Header().Set("Content-Type", form.contentType())
	if r.Method == http.MethodHead {
		return nil
	}
	allowed, leave := s.sessions.enter(r.Context())
	defer leave()
	ctx, cancel := context.WithCancelCause(allowed)
	defer cancel(nil)
	defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()

	f := follower{w: w, control: http.NewResponseController(w), form: form, cancel: cancel}
	if err := f.send(nil); err != nil {
		return err
	}
	if err := f.run(s.entries(ctx, cancel, id, after), s.cfg.Heartbeat); err != nil {
		return err
	}
	return s.endStream(ctx, &f, id)
}

// endStream writes the end of a stream whose entries have ended.
func (s *Server) endStream(ctx context.Context, f *follower, id engine.ExecutorID) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errStopping), engine.CodeOf(cause) == engine.CodeClosed:
		return f.send(f.form.stopping(nil))
	case cause != nil:
		return cause
	}
	e, err := s.engine.Executor(ctx, id)
	if err != nil {
		return err
	}
	return f.send(f.form.end(nil, &e))
}

// entries follows the log in a goroutine of its own, so that heartbeats can go
// out while it waits. The channel is closed when the log has ended; when ctx
// ends the reader must still drain it. An error of the log cancels.
func (s *Server) entries(
	ctx context.Context, cancel context.CancelCauseFunc, id engine.ExecutorID, after uint64,
) <-chan engine.LogEntry {
	out := make(chan engine.LogEntry, 64)
	go func() {
		defer close(out)
		for e, err := range s.engine.FollowLog(ctx, id, after) {
			if err != nil {
				cancel(err)
				return
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// lastEventID is the sequence after which a client that lost its stream wants
// to go on (Last-Event-ID of server-sent events); 0 for the start.
func lastEventID(r *http.Request) (uint64, error) {
	value := r.Header.Get("Last-Event-ID")
	if value == "" {
		return 0, nil
	}
	after, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, engine.Errorf(engine.CodeInvalid, "the Last-Event-ID %q is not a number of a log entry", value)
	}
	return after, nil
}

// batch is how much of a live log is gathered before it is sent, in bytes.
const batch = 32 << 10

// follower writes a stream to a client.
type follower struct {
	w       http.ResponseWriter
	control *http.ResponseController
	form    stream
	// cancel ends the log that is followed.
	cancel context.CancelCauseFunc
}

// run writes entries as they come, and heartbeats between. It returns when the
// channel is closed, so that its goroutine has ended too.
func (f *follower) run(entries <-chan engine.LogEntry, beat time.Duration) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var failed error
	for {
		var err error
		select {
		case e, more := <-entries:
			if !more {
				return failed
			}
			if failed == nil {
				err = f.sendEntries(e, entries)
			}
		case <-ticker.C:
			if beat := f.form.heartbeat(); beat != nil && failed == nil {
				err = f.send(beat)
			}
		}
		if err != nil {
			failed = err
			f.cancel(err)
		}
	}
}

// sendEntries sends an entry and those that wait behind it.
func (f *follower) sendEntries(e engine.LogEntry, entries <-chan engine.LogEntry) error {
	buf, err := f.form.entry(nil, &e)
	for more := true; more && err == nil && len(buf) < batch; {
		select {
		case e, more = <-entries:
			if more {
				buf, err = f.form.entry(buf, &e)
			}
		default:
			more = false
		}
	}
	if err != nil {
		return err
	}
	return f.send(buf)
}

// send writes through to the client.
func (f *follower) send(p []byte) error {
	if len(p) > 0 {
		if _, err := f.w.Write(p); err != nil {
			return fmt.Errorf("write stream: %w", err)
		}
	}
	if err := f.control.Flush(); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	return nil
}
