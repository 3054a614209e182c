package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const (
	// maxDescription bounds a description in bytes.
	maxDescription = 1 << 20
	// describingAtOnce bounds the descriptions under way. Most of them hang, if
	// there are many: one that does not is done in milliseconds.
	describingAtOnce = 16
)

// describe asks the copy with a digest what it offers: by its describe argument
// or, when the answer is no description, by RPC. The error is a *startError or
// the context's cause.
func (h *Host) describe(ctx context.Context, digest, path string) (*pluginv1.Description, error) {
	select {
	case h.describing <- struct{}{}:
		defer func() { <-h.describing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	d, err := h.describeByArgument(ctx, digest, path)
	if err == nil || !errors.Is(err, errNoDescription) || ctx.Err() != nil {
		return d, err
	}
	d, rpcErr := h.describeByRPC(ctx, digest, path)
	var asked, served *startError
	if errors.As(err, &asked) && errors.As(rpcErr, &served) && served.stage == "handshake" && !errors.Is(rpcErr, errIncompatible) {
		asked.hint = "it doesn't serve either: it " + served.message
		return nil, asked
	}
	return d, rpcErr
}

// errNoDescription is what a plugin without the fast path answers.
var errNoDescription = errors.New("not a description")

// describeByArgument executes the copy with the describe argument, an empty
// environment and no input.
func (h *Host) describeByArgument(ctx context.Context, digest, path string) (*pluginv1.Description, error) {
	copyPath, drop, err := h.copies.take(digest)
	if err != nil {
		return nil, &startError{stage: "copy", message: "its private copy is missing", cause: err}
	}
	defer drop()
	dir, err := h.makeRunDir("describe-")
	if err != nil {
		return nil, &startError{stage: "describe", message: "no folder to run it in: " + err.Error(), cause: err}
	}
	defer h.removeRunDir(dir)
	leave, err := h.gate.enter(ctx, classDescribe)
	if err != nil {
		return nil, err
	}
	defer leave()
	mark := h.mark(h.callName("describe"))
	c, err := h.spawn(command{
		path: copyPath, args: []string{pluginv1.DescribeArg}, dir: dir, mark: mark, env: marks(mark, path),
		cage: h.cageOf(""), own: filepath.Dir(path),
	})
	if err != nil {
		return nil, diagnoseExec(err)
	}
	a := h.listen(ctx, c)
	return a.description(c, h.cfg.DescribeTimeout)
}

// answer is what a process printed when asked to describe itself.
type answer struct {
	stdout   []byte
	stderr   string
	timedOut bool
	tooLong  bool
	served   bool // it made a handshake instead
	stopped  error
}

// listen reads the answer and ends the process.
func (h *Host) listen(ctx context.Context, c *child) answer {
	var a answer
	errs := newOutput()
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { errs.drain(c.stderr) })
	readers.Go(func() {
		defer close(done)
		a.stdout, a.served = readAnswer(c.stdout)
	})
	timer := time.NewTimer(h.cfg.DescribeTimeout)
	defer timer.Stop()
	select {
	case <-c.gone:
	case <-done: // closed its output, said too much, or serves: it is done either way
		c.ended(drainBound)
	case <-timer.C:
		a.timedOut = true
	case <-ctx.Done():
		a.stopped = context.Cause(ctx)
	}
	c.end(0)
	c.drainBy(time.Now().Add(drainBound))
	readers.Wait()
	c.closePipes()
	a.stderr = errs.text()
	a.tooLong = len(a.stdout) > maxDescription
	return a
}

// readAnswer reads stdout to its end or to maxDescription, or until it turns
// out to begin with a handshake: then the plugin serves and never ends.
func readAnswer(from io.Reader) (text []byte, served bool) {
	var buf bytes.Buffer
	chunk := make([]byte, 32<<10)
	for buf.Len() <= maxDescription {
		n, err := from.Read(chunk)
		buf.Write(chunk[:n])
		if handshakeLine.Match(buf.Bytes()[:min(buf.Len(), 64)]) {
			return buf.Bytes(), true
		}
		if err != nil {
			break
		}
	}
	return buf.Bytes(), false
}

// description reads the answer. errNoDescription when another way of asking may
// help.
func (a answer) description(c *child, timeout time.Duration) (*pluginv1.Description, error) {
	fail := func(cause error, hint, format string, args ...any) error {
		return &startError{stage: "describe", message: fmt.Sprintf(format, args...), hint: hint, stderr: a.stderr, cause: cause}
	}
	switch {
	case a.stopped != nil:
		return nil, a.stopped
	case a.timedOut:
		return nil, fail(nil, "a plugin must describe itself at once and exit", "did not describe itself within %s", timeout)
	case a.tooLong:
		return nil, fail(nil, "", "its description is longer than %d bytes", maxDescription)
	case a.served:
		return nil, fail(errNoDescription, "", "serves instead of describing itself")
	}
	var d pluginv1.Description
	err := json.Unmarshal(a.stdout, &d)
	switch {
	case len(a.stdout) == 0:
		return nil, fail(errNoDescription, "", "ends without describing itself: %s", c.how())
	case err != nil || d.Protocol == 0:
		return nil, fail(errNoDescription, "", "prints something that is not a description: %q; %s", excerpt(string(a.stdout)), c.how())
	case d.Protocol != pluginv1.Version:
		return nil, fail(errIncompatible, "rebuild it with an SDK of this daemon's release",
			"speaks protocol version %d; this daemon speaks %d", d.Protocol, pluginv1.Version)
	case c.state == nil || !c.state.Success():
		return nil, fail(errNoDescription, "", "describes itself, but %s", c.how())
	}
	return &d, nil
}

// describeByRPC starts the copy as for a call and asks it.
func (h *Host) describeByRPC(ctx context.Context, digest, path string) (*pluginv1.Description, error) {
	s, err := h.open(ctx, call{class: classDescribe, what: h.callName("describe"), digest: digest, path: path})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.DescribeTimeout)
	defer cancel()
	r, err := s.rpc.Describe(ctx, &pluginv1.DescribeRequest{}, grpc.MaxCallRecvMsgSize(maxDescription))
	s.end(0)
	if err != nil {
		return nil, &startError{stage: "describe", message: s.broken("Describe", err).Error(), stderr: s.output.text(), cause: err}
	}
	d := r.Describe()
	return &d, nil
}
