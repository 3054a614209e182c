package sdk

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// newLogger returns a logger whose records are passed to send, which may drop
// them.
func newLogger(send func(*pluginv1.LogEntry)) *slog.Logger {
	fields := &fieldWriter{}
	options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: dropBuiltin}
	return slog.New(&logHandler{json: slog.NewJSONHandler(&fields.buffer, options), fields: fields, send: send})
}

// logHandler turns records into log entries. Attributes and groups are left to
// slog's own JSON handler.
type logHandler struct {
	json   slog.Handler
	fields *fieldWriter
	send   func(*pluginv1.LogEntry)
}

// fieldWriter is what a logger and all that is derived from it write the JSON
// of one record to.
type fieldWriter struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// noMessage stands for the message in the JSON handler's record, so that it can
// be told from an attribute of the author's that is called "msg".
const noMessage = "\x00"

// dropBuiltin leaves out what a log entry has fields of its own for.
func dropBuiltin(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	if a.Key == slog.MessageKey && a.Value.Kind() == slog.KindString && a.Value.String() == noMessage {
		return slog.Attr{}
	}
	if _, isLevel := a.Value.Any().(slog.Level); isLevel && a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

// Enabled takes everything from debug on.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

// Handle sends one record.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	fields, err := h.encode(ctx, record)
	if err != nil {
		return err
	}
	at := record.Time
	if at.IsZero() {
		at = time.Now()
	}
	h.send(&pluginv1.LogEntry{
		At: timestamppb.New(at), Level: levelOf(record.Level), Message: text(record.Message), Fields: fields,
	})
	return nil
}

// encode returns the attributes of a record as a JSON object, nil when there
// are none.
func (h *logHandler) encode(ctx context.Context, record slog.Record) ([]byte, error) {
	bare := slog.NewRecord(time.Time{}, record.Level, noMessage, 0)
	record.Attrs(func(a slog.Attr) bool {
		bare.AddAttrs(a)
		return true
	})
	h.fields.mu.Lock()
	defer h.fields.mu.Unlock()
	h.fields.buffer.Reset()
	if err := h.json.Handle(ctx, bare); err != nil {
		return nil, err
	}
	object := bytes.TrimSpace(h.fields.buffer.Bytes())
	if len(object) <= len("{}") {
		return nil, nil
	}
	if len(object) > longestText {
		return []byte(`{"dropped":"the fields of this entry are too long"}`), nil
	}
	return bytes.ToValidUTF8(object, []byte("\uFFFD")), nil
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{json: h.json.WithAttrs(attrs), fields: h.fields, send: h.send}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{json: h.json.WithGroup(name), fields: h.fields, send: h.send}
}

func levelOf(level slog.Level) pluginv1.LogLevel {
	switch {
	case level < slog.LevelInfo:
		return pluginv1.LogLevel_LOG_LEVEL_DEBUG
	case level < slog.LevelWarn:
		return pluginv1.LogLevel_LOG_LEVEL_INFO
	case level < slog.LevelError:
		return pluginv1.LogLevel_LOG_LEVEL_WARN
	default:
		return pluginv1.LogLevel_LOG_LEVEL_ERROR
	}
}
