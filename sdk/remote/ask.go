package remote

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	replyMargin = 1 << 20          // what a reply may hold beyond a script
	wordsKept   = 4 << 10          // of what a machine says besides, for error texts
	askTimeout  = 60 * time.Second // bounds a question that takes no time by itself
	lastWords   = 2 * time.Second  // bounds waiting for output that should be there
)

// ask runs the files as one program on the machine and returns what it prints. A
// program that fails is an error with what it says on standard error.
func (c *Client) ask(ctx context.Context, j Job, vars []variable, files ...string) (string, error) {
	mark := newMark()
	text := framed(mark, append(j.common(mark), vars...), files...)
	cmd, err := c.start(ctx, "exec", shell)
	if err != nil {
		return "", err
	}
	defer func() { _ = cmd.ch.Close() }()
	answer := newReply(mark, len(j.Script)+replyMargin)
	var words tail
	c.feed(cmd, []byte(text))
	copied := c.copyOutput(cmd, answer, &words)
	select {
	case <-answer.complete:
	case <-copied:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	select {
	case <-cmd.exited:
	case <-time.After(lastWords):
	}
	select {
	case <-copied:
	case <-time.After(lastWords):
	}
	said, status, ok := answer.read()
	switch {
	case !ok && !cmd.told():
		return "", c.orLost(fmt.Errorf("the machine's shell ended without an answer: %s", words.text()))
	case !ok:
		return "", fmt.Errorf("the machine didn't run a POSIX shell for us; it said: %s", oneLine(answer.text()+" "+words.text()))
	case status != "0":
		return "", fmt.Errorf("the machine said: %s", oneLine(words.text()))
	}
	return said, nil
}

// told reports whether the machine has said how the command ended.
func (cmd *command) told() bool {
	select {
	case <-cmd.exited:
		return cmd.ended.told
	default:
		return false
	}
}

// framed returns a program that prints the mark before and after what the files
// print.
func framed(mark string, vars []variable, files ...string) string {
	body := program(vars, files...)
	return "{\nprintf '\\n%s\\n' " + mark + "\n(\n" + body + ")\nprintf '\\n%s %s\\n' " + mark + " $?\nexit 0\n}\n"
}

// reply collects what comes between the marks.
type reply struct {
	begin, end []byte
	most       int
	complete   chan struct{} // closed when the last mark was seen

	mu   sync.Mutex
	data []byte
	from int // where the last mark is looked for
	done bool
}

func newReply(mark string, most int) *reply {
	return &reply{
		begin:    []byte("\n" + mark + "\n"),
		end:      []byte("\n" + mark + " "),
		most:     most,
		complete: make(chan struct{}),
	}
}

func (r *reply) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done || len(r.data) > r.most {
		return len(p), nil
	}
	r.data = append(r.data, p...)
	i := bytes.Index(r.data[r.from:], r.end)
	if i < 0 {
		r.from = max(0, len(r.data)-len(r.end))
		return len(p), nil
	}
	r.from += i
	if bytes.IndexByte(r.data[r.from+len(r.end):], '\n') >= 0 {
		r.done = true
		close(r.complete)
	}
	return len(p), nil
}

// read returns what was printed between the marks and the program's status.
func (r *reply) read() (said, status string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, rest, begun := bytes.Cut(r.data, r.begin)
	body, last, ended := bytes.Cut(rest, r.end)
	if !begun || !ended || !r.done {
		return "", "", false
	}
	line, _, _ := bytes.Cut(last, []byte("\n"))
	return string(body), string(line), true
}

func (r *reply) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.data[:min(len(r.data), wordsKept)])
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - wordsKept; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// oneLine makes words of a machine fit for an error text.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if s == "" {
		return "nothing"
	}
	return s
}
