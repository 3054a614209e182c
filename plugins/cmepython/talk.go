package cmepython

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// longestEvent bounds one event, in bytes: an offer may have a long schema.
const longestEvent = 20 << 20

// orphaned is how long python may go on when the plugin has died.
const orphaned = 2 * time.Second

// talk is one call of python.
type talk struct {
	request request
	zone    string // TZ of the process, so that a bare time means the same there
	// grace is how long it has to end when the call's context has. With none it
	// is killed.
	grace time.Duration
	// heard is called for each event, one after the other; said for each line
	// that is printed, from any goroutine.
	heard func(event)
	said  func(stream, line string)
}

// hold starts python for a call and returns its last word when nothing is left of
// it. The error is the context's cause, or says why there is no last word.
func (b bridge) hold(ctx context.Context, t talk) (*end, error) {
	interpreter, err := b.interpreter()
	if err != nil {
		return nil, err
	}
	dir, err := privateFolder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the host removes it too
	if err := writeShim(dir); err != nil {
		return nil, err
	}
	t.request.Kind, t.request.Folder, t.request.Patience = b.kind, b.folder, orphaned.Seconds()
	doc, err := json.Marshal(t.request)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	p, err := startPython(interpreter, dir, "TZ="+t.zone)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return t.listen(ctx, p, doc)
}

// listen sees a call through.
func (t talk) listen(ctx context.Context, p *process, doc []byte) (*end, error) {
	var last *end
	var wrong error
	over := make(chan struct{})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wait := p.read(
		func() { p.ask(doc) },
		func() {
			last, wrong = t.hear(p, over)
			if wrong != nil {
				cancel(wrong)
			}
		},
		func() { sayLines(p.stdout, func(line string) { t.said("stdout", line) }) },
		func() { sayLines(p.stderr, func(line string) { t.said("stderr", line) }) },
	)
	p.await(ctx, t.grace, over)
	wait()
	switch {
	case wrong != nil:
		return nil, wrong
	case last != nil && !last.Stopped:
		return last, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case last != nil:
		return nil, errors.New("python3 was told to terminate")
	default:
		return nil, fmt.Errorf("python3 ended without an answer: %s", p.how())
	}
}

// hear passes events on until no more come. over is closed at the last word.
func (t talk) hear(p *process, over chan<- struct{}) (last *end, err error) {
	prints := map[string]*lines{}
	defer func() {
		for _, l := range prints {
			l.flush()
		}
	}()
	scanner := bufio.NewScanner(p.events)
	scanner.Buffer(nil, longestEvent)
	for scanner.Scan() {
		var e event
		switch err := json.Unmarshal(scanner.Bytes(), &e); {
		case err != nil: // a forked child has talked at the same time
			t.said("events", fmt.Sprintf("an event can't be read: %v", err))
		case e.Printed != nil:
			l := prints[e.Printed.Stream]
			if l == nil {
				l = &lines{say: func(line string) { t.said(e.Printed.Stream, line) }}
				prints[e.Printed.Stream] = l
			}
			l.add(e.Printed.Text)
		case e.End != nil:
			if last == nil {
				close(over)
			}
			last = e.End
		default:
			t.heard(e)
		}
	}
	if err := scanner.Err(); err != nil && !isOver(err) {
		return last, fmt.Errorf("read what python3 says: %w", err)
	}
	return last, nil
}
