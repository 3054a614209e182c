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

// describeByArgument reads what the copy answers to the describe argument.
func (h *Host) describeByArgument(ctx context.Context, digest, path string) (*pluginv1.Description, error) {
	a, err := h.askByArgument(ctx, digest, path)
	if err != nil {
		return nil, err
	}
	return a.description(h.cfg.DescribeTimeout)
}

// askByArgument executes the copy with the describe argument, an empty
// environment and no input. The error is that it could not be executed.
func (h *Host) askByArgument(ctx context.Context, digest, path string) (answer, error) {
	copyPath, drop, err := h.copies.take(digest)
	if err != nil {
		return answer{}, &startError{stage: "copy", message: "its private copy is missing", cause: err}
	}
	defer drop()
	dir, err := h.makeRunDir("describe-")
	if err != nil {
		return answer{}, &startError{stage: "describe", message: "no folder to run it in: " + err.Error(), cause: err}
	}
	defer h.removeRunDir(dir)
	leave, err := h.gate.enter(ctx, classDescribe)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	mark := h.mark(h.callName("describe"))
	begun := time.Now()
	c, err := h.spawn(command{
		path: copyPath, args: []string{pluginv1.DescribeArg}, dir: dir, mark: mark, env: marks(mark, path),
		cage: h.cageOf(""), own: filepath.Dir(path),
	})
	if err != nil {
		return answer{}, diagnoseExec(err)
	}
	a := h.listen(ctx, c)
	a.took = a.at.Sub(begun)
	return a, nil
}

// answer is what a process printed when asked to describe itself.
type answer struct {
	stdout   []byte
	stderr   string
	timedOut bool
	tooLong  bool
	served   bool // it made a handshake instead
	stopped  error
	// how it ended, in words; well is with exit code 0.
	how  string
	well bool
	// at is when it had answered, took how long after its start.
	at   time.Time
	took time.Duration
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
	a.at = time.Now()
	c.end(0)
	c.drainBy(time.Now().Add(drainBound))
	readers.Wait()
	c.closePipes()
	a.stderr = errs.text()
	a.tooLong = len(a.stdout) > maxDescription
	a.how = c.how()
	a.well = c.isGone() && c.state != nil && c.state.Success()
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
func (a answer) description(timeout time.Duration) (*pluginv1.Description, error) {
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
		return nil, fail(errNoDescription, "", "ends without describing itself: %s", a.how)
	case err != nil || d.Protocol == 0:
		return nil, fail(errNoDescription, "", "prints something that is not a description: %q; %s", excerpt(string(a.stdout)), a.how)
	case d.Protocol != pluginv1.Version:
		return nil, fail(errIncompatible, "rebuild it with an SDK of this daemon's release",
			"speaks protocol version %d; this daemon speaks %d", d.Protocol, pluginv1.Version)
	case !a.well:
		return nil, fail(errNoDescription, "", "describes itself, but %s", a.how)
	}
	return &d, nil
}

func (h *Host) describeCall(digest, path string) call {
	return call{class: classDescribe, what: h.callName("describe"), digest: digest, path: path}
}

// describeByRPC starts the copy as for a call and asks it.
func (h *Host) describeByRPC(ctx context.Context, digest, path string) (*pluginv1.Description, error) {
	s, err := h.open(ctx, h.describeCall(digest, path))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.DescribeTimeout)
	defer cancel()
	d, err := s.describe(ctx)
	s.end(0)
	if err != nil {
		return nil, s.undescribed(err)
	}
	return d, nil
}

// describe asks a session's process what it offers.
func (s *session) describe(ctx context.Context) (*pluginv1.Description, error) {
	r, err := s.rpc.Describe(ctx, &pluginv1.DescribeRequest{}, grpc.MaxCallRecvMsgSize(maxDescription))
	if err != nil {
		return nil, err
	}
	d := r.Describe()
	return &d, nil
}

// undescribed words why describe failed, when the process is gone.
func (s *session) undescribed(err error) error {
	return &startError{stage: "describe", message: s.broken("Describe", err).Error(), stderr: s.output.text(), cause: err}
}
