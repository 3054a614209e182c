package httpapi

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// stream is how a followed log is written.
type stream interface {
	contentType() string
	// entry appends one entry.
	entry(dst []byte, e *engine.LogEntry) ([]byte, error)
	// heartbeat is what an idle stream sends, nil for nothing.
	heartbeat() []byte
	// end appends what a whole log ends with.
	end(dst []byte, e *engine.Executor) []byte
	// stopping appends what a log ends with that the daemon's stop cuts off.
	stopping(dst []byte) []byte
}

// textStream sends the lines of logtext.go, as they are in the whole log.
type textStream struct{ zone *time.Location }

func (textStream) contentType() string { return "text/plain; charset=utf-8" }

func (t textStream) entry(dst []byte, e *engine.LogEntry) ([]byte, error) {
	return appendLogLine(dst, e, t.zone), nil
}

// heartbeat is nothing: text has no room for one.
func (textStream) heartbeat() []byte { return nil }

func (textStream) end(dst []byte, _ *engine.Executor) []byte { return dst }

func (t textStream) stopping(dst []byte) []byte {
	return appendLogLine(dst, &engine.LogEntry{
		At: time.Now(), Level: "warn", Source: "cmed", Message: "the daemon stops; this log may go on after its start",
	}, t.zone)
}

// eventStream sends server-sent events: "log" with an entry as JSON and its
// sequence as id, then "end" with the executor's state. A stream without an
// "end" was cut off; a client takes it up with Last-Event-ID.
type eventStream struct{ zone *time.Location }

// logEvent is the data of a log event.
type logEvent struct {
	Seq     uint64          `json:"seq"`
	At      *string         `json:"at"`
	Level   string          `json:"level"`
	Source  string          `json:"source"`
	Message string          `json:"message"`
	Fields  json.RawMessage `json:"fields,omitempty"`
}

func (eventStream) contentType() string { return "text/event-stream" }

func (s eventStream) entry(dst []byte, e *engine.LogEntry) ([]byte, error) {
	data, err := encode(logEvent{
		Seq: e.Seq, At: showTime(e.At, s.zone), Level: e.Level, Source: e.Source, Message: e.Message, Fields: e.Fields,
	})
	if err != nil {
		return nil, err
	}
	dst = append(dst, "id: "...)
	dst = strconv.AppendUint(dst, e.Seq, 10)
	dst = append(dst, "\nevent: log\ndata: "...)
	return append(append(dst, data...), "\n\n"...), nil
}

func (eventStream) heartbeat() []byte { return []byte(":\n\n") }

func (s eventStream) end(dst []byte, e *engine.Executor) []byte {
	dst = append(dst, "event: end\ndata: "...)
	dst = appendExecutor(dst, e, s.zone, nil)
	return append(dst, "\n\n"...)
}

func (eventStream) stopping(dst []byte) []byte { return dst }
