package remote

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// output hands one stream of a job to its writer. What comes before the mark is
// the login scripts' and this package's own talk; a bounded part of it is kept
// for error texts. It never buffers what comes after: a slow writer makes the
// machine wait.
type output struct {
	mark  []byte
	began chan struct{} // closed when the mark was seen

	mu     sync.Mutex
	w      io.Writer
	before []byte
	begun  bool
	shut   bool
	err    error
	moved  int64 // bytes so far
}

func newOutput(mark string, w io.Writer) *output {
	if w == nil {
		w = io.Discard
	}
	return &output{mark: []byte("\n" + mark + "\n"), began: make(chan struct{}), w: w}
}

// Write fails only after close; a writer that fails loses the rest, and the
// script isn't held up by that.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut {
		return 0, io.ErrClosedPipe
	}
	o.moved += int64(len(p))
	if o.begun {
		o.pass(p)
		return len(p), nil
	}
	o.before = append(o.before, p...)
	if i := bytes.Index(o.before, o.mark); i >= 0 {
		o.begun = true
		close(o.began)
		o.pass(o.before[i+len(o.mark):])
		o.before = nil
	} else if over := len(o.before) - wordsKept; over > 0 {
		o.before = append(o.before[:0], o.before[over:]...)
	}
	return len(p), nil
}

func (o *output) pass(p []byte) {
	if o.err != nil || len(p) == 0 {
		return
	}
	_, o.err = o.w.Write(p)
}

// close has the writer left alone from now on. It waits for a write under way.
func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = true
	return o.err
}

// progress returns how many bytes came so far. It waits for a write under way,
// so that a slow writer doesn't look like silence.
func (o *output) progress() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.moved
}

// refusal returns the word with which our own programs refused to go on, or what
// else was said instead of starting the script.
func (o *output) refusal() (word, said string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := string(o.before)
	head, rest, found := strings.Cut(text, strings.TrimSpace(string(o.mark))+" refused ")
	if found {
		word, _, _ = strings.Cut(rest, "\n")
	}
	return word, head
}
