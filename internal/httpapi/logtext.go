package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// A line of a log in text:
//
//	2026-11-21T03:00:00.123+01:00 INFO  [attack] message key=value key="two words"
//
// The time is in the engine's zone, the level padded to five characters, the
// source attack, undo, stdout, stderr or cmed. A field's value is quoted when it has
// spaces, quotes or equal signs; one that is a list or object is JSON. Lines of
// a message after its first are indented by four spaces, so a line that begins
// with a digit begins an entry; control characters are shown as \x1b, so a log
// can neither forge an entry nor steer a terminal.
const (
	logTimeLayout = "2006-01-02T15:04:05.000-07:00"
	logIndent     = "    "
)

// How much of a log is read at once, and shown with its executor.
const (
	logChunk = 1000
	logTail  = 20
)

// appendLogLine appends an entry with its line end.
func appendLogLine(dst []byte, e *engine.LogEntry, zone *time.Location) []byte {
	dst = e.At.In(zone).AppendFormat(dst, logTimeLayout)
	dst = append(dst, ' ')
	level := strings.ToUpper(e.Level)
	dst = appendSafe(dst, level)
	for n := len(level); n < len("ERROR"); n++ {
		dst = append(dst, ' ')
	}
	dst = append(dst, " ["...)
	dst = appendSafe(dst, e.Source)
	dst = append(dst, "] "...)
	for i, line := range strings.Split(strings.TrimRight(e.Message, "\r\n"), "\n") {
		if i > 0 {
			dst = append(dst, "\n"+logIndent...)
		}
		dst = appendSafe(dst, strings.TrimSuffix(line, "\r"))
	}
	return append(appendFields(dst, e.Fields), '\n')
}

// appendSafe appends text without its control characters.
func appendSafe(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\t':
			dst = append(dst, ' ')
		case r == utf8.RuneError && size == 1, r < ' ', r == 0x7f:
			dst = append(dst, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&0xf])
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return dst
}

// appendFields appends the members of a JSON object in their order. What is no
// object is left out.
func appendFields(dst []byte, fields json.RawMessage) []byte {
	dec := json.NewDecoder(bytes.NewReader(fields))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return dst
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return dst
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return dst
		}
		dst = append(dst, ' ')
		dst = appendSafe(dst, name.(string)) // a member's name is a string
		dst = append(dst, '=')
		dst = appendFieldValue(dst, value)
	}
	return dst
}

func appendFieldValue(dst []byte, value json.RawMessage) []byte {
	var plain string
	if json.Unmarshal(value, &plain) == nil && plain != "" && !strings.ContainsAny(plain, " \"=\\\n\r\t") {
		return appendSafe(dst, plain)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return dst
	}
	return appendSafe(dst, compact.String())
}

// copyLog writes the whole log as it stands, chunk by chunk.
func (s *Server) copyLog(ctx context.Context, w io.Writer, id engine.ExecutorID) error {
	var buf []byte
	return s.eachChunk(ctx, id, func(entries []engine.LogEntry) error {
		buf = buf[:0]
		for i := range entries {
			buf = appendLogLine(buf, &entries[i], s.zone())
		}
		_, err := w.Write(buf)
		return err
	})
}

// lastLines returns the end of the log.
func (s *Server) lastLines(ctx context.Context, id engine.ExecutorID) ([]string, error) {
	var tail []engine.LogEntry
	err := s.eachChunk(ctx, id, func(entries []engine.LogEntry) error {
		tail = append(tail, entries...)
		tail = append([]engine.LogEntry(nil), tail[max(0, len(tail)-logTail):]...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(tail))
	for i := range tail {
		lines[i] = strings.TrimSuffix(string(appendLogLine(nil, &tail[i], s.zone())), "\n")
	}
	return lines, nil
}

// eachChunk calls fn with the log's entries in order, many at a time.
func (s *Server) eachChunk(ctx context.Context, id engine.ExecutorID, fn func([]engine.LogEntry) error) error {
	for after := uint64(0); ; {
		entries, err := s.engine.Log(ctx, id, after, logChunk)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := fn(entries); err != nil {
			return err
		}
		last := entries[len(entries)-1].Seq
		if last <= after {
			return errors.New("the log does not advance")
		}
		after = last
	}
}
