package host

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// outputCap bounds what a run's log takes of the process's output, in bytes.
	outputCap = 256 << 10
	// outputTail is how much of the end is kept.
	outputTail = 16 << 10
	// maxLine is where a line is broken into two.
	maxLine = 8 << 10
)

// output collects what a process prints, line by line: entries for the log up
// to a cap, then only a count, and always the tail. Writing never blocks.
type output struct {
	// ready has a value when there may be entries to take.
	ready chan struct{}

	mu      sync.Mutex
	entries []engine.LogEntry
	used    int // bytes that went into entries
	dropped int // bytes that did not
	tail    []byte
}

func newOutput() *output { return &output{ready: make(chan struct{}, 1)} }

// The sources of what a process prints.
const (
	fromStdout = "stdout"
	fromStderr = "stderr"
)

// writer returns a stream of its own into the output, for what comes from there.
func (o *output) writer(source string) *lineWriter { return &lineWriter{to: o, source: source} }

// line adds one line, without its end.
func (o *output) line(source string, b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(append(o.tail, b...), '\n')
	if len(o.tail) > 2*outputTail {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-outputTail:]...)
	}
	if len(b) == 0 {
		return
	}
	if o.used+len(b) > outputCap {
		o.dropped += len(b)
		return
	}
	o.used += len(b)
	o.entries = append(o.entries, engine.LogEntry{
		At: time.Now().UTC(), Level: "info", Source: source, Message: strings.ToValidUTF8(string(b), "\uFFFD"),
	})
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// take returns the entries since the last time.
func (o *output) take() []engine.LogEntry {
	o.mu.Lock()
	defer o.mu.Unlock()
	entries := o.entries
	o.entries = nil
	return entries
}

// rest returns the last entries, with one that says how much was left out.
func (o *output) rest() []engine.LogEntry {
	entries := o.take()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dropped > 0 {
		entries = append(entries, notice(fmt.Sprintf("%d more bytes of output were left out", o.dropped)))
		o.dropped = 0
	}
	return entries
}

// text returns the tail.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	tail := o.tail[max(0, len(o.tail)-outputTail):]
	return strings.ToValidUTF8(strings.TrimRight(string(tail), "\n"), "\uFFFD")
}

// notice is a warning of our own in a run's log.
func notice(message string) engine.LogEntry {
	return engine.LogEntry{At: time.Now().UTC(), Level: "warn", Source: "cmed", Message: message}
}

// lineWriter splits a stream into lines. It may be used by one goroutine at a
// time.
type lineWriter struct {
	to      *output
	source  string
	partial []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			w.add(b)
			break
		}
		w.add(b[:i])
		w.flush()
		b = b[i+1:]
	}
	return n, nil
}

func (w *lineWriter) add(b []byte) {
	for len(w.partial)+len(b) > maxLine {
		room := maxLine - len(w.partial)
		w.partial = append(w.partial, b[:room]...)
		w.flush()
		b = b[room:]
	}
	w.partial = append(w.partial, b...)
}

func (w *lineWriter) flush() {
	w.to.line(w.source, bytes.TrimSuffix(w.partial, []byte{'\r'}))
	w.partial = w.partial[:0]
}

// close adds what has no line end yet.
func (w *lineWriter) close() {
	if len(w.partial) > 0 {
		w.flush()
	}
}

// drain reads standard error to its end, or to its read deadline, into the output.
func (o *output) drain(f *os.File) {
	w := o.writer(fromStderr)
	defer w.close()
	_, _ = io.Copy(w, f) // the end of a pipe has many names
}
