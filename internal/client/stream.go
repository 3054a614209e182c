package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

const (
	// silenceLimit is how long a stream may be silent: a living one has a
	// heartbeat at least every 15 s.
	silenceLimit = 60 * time.Second
	// maxEvent bounds one event, in bytes.
	maxEvent = 4 << 20
)

// open makes a request whose answer is a stream, and passes it to read. The
// stream may take as long as it wants, but must not fall silent.
func (c *Client) open(ctx context.Context, r request, read func(*answerStream) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	unlessSilent := func(limit time.Duration) *time.Timer {
		return time.AfterFunc(limit, func() { cancel(Silence(limit)) })
	}
	begin := unlessSilent(cmp.Or(r.patience, c.silence))
	defer begin.Stop()
	answer, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if !isSuccess(answer) {
		text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		if err != nil {
			return c.brokenOff(ctx, err)
		}
		return refusalOf(answer, text)
	}
	begin.Stop()
	watch := unlessSilent(c.silence)
	defer watch.Stop()
	s := &answerStream{body: answer.Body, watch: watch, silence: c.silence, disposition: answer.Header.Get("Content-Disposition")}
	if err := read(s); err != nil {
		if s.failed != nil && errors.Is(err, s.failed) {
			return c.brokenOff(ctx, s.failed)
		}
		return err
	}
	return nil
}

// answerStream is the body of a long answer.
type answerStream struct {
	body        io.Reader
	watch       *time.Timer
	silence     time.Duration
	disposition string
	failed      error // of the reading
}

func (s *answerStream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.watch.Reset(s.silence)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return n, err
}

// event is one server-sent event as it came. One without data tells only the id
// after which the stream goes on.
type event struct {
	id, name string
	data     []byte
}

// events makes a request whose answer is server-sent events. It ends with nil
// when the daemon ends the stream. A yield that returns false ends it too. opened,
// unless it is nil, is called before the first.
func (c *Client) events(ctx context.Context, r request, opened func(), yield func(event) bool) error {
	r.accept = "text/event-stream, application/problem+json"
	return c.open(ctx, r, func(s *answerStream) error {
		if opened != nil {
			opened()
		}
		for e, err := range parseEvents(s) {
			if err != nil {
				return err
			}
			if !yield(e) {
				return nil
			}
		}
		return nil
	})
}

// parseEvents reads server-sent events (the HTML standard, section 9.2). An event
// that the end of the stream cuts off is none.
func parseEvents(r io.Reader) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
		var e event
		var lastID string
		for lines.Scan() {
			line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
			if len(line) == 0 {
				e.id = lastID
				e.data = bytes.TrimSuffix(e.data, []byte("\n"))
				if !yield(e, nil) {
					return
				}
				e = event{}
				continue
			}
			name, value, _ := strings.Cut(string(line), ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "id":
				lastID = value
			case "event":
				e.name = value
			case "data":
				if len(e.data)+len(value) > maxEvent {
					yield(event{}, fmt.Errorf("an event is longer than %d bytes", maxEvent))
					return
				}
				e.data = append(append(e.data, value...), '\n')
			}
		}
		if err := lines.Err(); err != nil {
			yield(event{}, err)
		}
	}
}
