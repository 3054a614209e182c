package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Undo executes one record in a fresh process of the record's digest. The
// timeout of the call, if there is one, and ctx bound all of it; then the
// process is terminated, and killed after TermGrace. log is called from the
// goroutine of the caller.
func (h *Host) Undo(ctx context.Context, c engine.UndoCall, log func(engine.LogEntry)) (engine.UndoAnswer, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no answer within %s", c.Timeout))
		defer cancel()
	}
	r := c.Record
	s, err := h.open(ctx, call{
		class: classUndo, what: h.callName(undoCall + r.String()), digest: r.Digest, ref: r.Ref,
		path: h.pathOf(r.Digest), env: h.passTo(r.Ref, h.environmentAskedBy(r.Digest, r.Ref)),
	})
	if err != nil {
		if missingCopy(err) {
			err = fmt.Errorf("the plugin that wrote the record (sha256 %s) is no longer here: %w", r.Digest, err)
		}
		return engine.UndoAnswer{}, fmt.Errorf("undo %s: %w", r.UndoID, err)
	}
	u := &undoing{session: s, log: log}
	answer, err := u.ask(ctx, undoRequest(c))
	if err != nil {
		return engine.UndoAnswer{}, fmt.Errorf("undo %s: %w", r.UndoID, err)
	}
	return answer, nil
}

func undoRequest(c engine.UndoCall) *pluginv1.UndoRequest {
	return &pluginv1.UndoRequest{
		Ref: string(c.Record.Ref), RunId: string(c.Record.Executor), Sequence: c.Record.Sequence,
		Record: c.Record.Record, Config: c.Config.Doc, Seed: c.Seed,
		Attempt: uint32(max(0, c.Attempt)), //nolint:gosec // attempts are few
		Timeout: durationpb.New(c.Timeout),
	}
}

// environmentAskedBy returns the variables that a ref of a digest asks for. What
// serves now is asked first: what is remembered may not have been stored.
func (h *Host) environmentAskedBy(digest string, ref engine.Ref) []string {
	if o, err := h.Offer(engine.KindAttack, ref); err == nil && o.Digest == digest {
		return o.Env
	}
	return h.memory.environmentAskedBy(digest, ref)
}

// pathOf is where the operator placed a file with the digest, "" if nowhere.
func (h *Host) pathOf(digest string) string {
	for _, f := range h.catalogue.Load().files {
		if f.SHA256 == digest {
			return filepath.Join(h.dir(f.Kind), f.Path)
		}
	}
	return ""
}

// undoing is one undo under way.
type undoing struct {
	*session
	log func(engine.LogEntry)
}

// ask sends the request and returns when there is an answer and the process is
// gone.
func (u *undoing) ask(ctx context.Context, request *pluginv1.UndoRequest) (engine.UndoAnswer, error) {
	streamCtx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := make(chan *pluginv1.UndoMessage)
	done := make(chan struct{})
	var rpcErr error
	go func() {
		defer close(in)
		rpcErr = u.receive(streamCtx, request, in, done)
	}()
	answer, stopped := u.wait(ctx, in)
	close(done)
	if stopped {
		u.child.terminate()
		u.end(u.host.cfg.TermGrace)
	} else {
		u.end(exitPatience)
	}
	cancel()
	for range in { // until receive has ended
		continue
	}
	for _, e := range u.output.rest() {
		u.log(e)
	}
	switch {
	case answer != nil:
		return *answer, nil
	case stopped:
		return engine.UndoAnswer{}, context.Cause(ctx)
	case errors.Is(rpcErr, io.EOF):
		return engine.UndoAnswer{}, errors.New("it ended without an answer")
	default:
		return engine.UndoAnswer{}, u.broken("Undo", rpcErr)
	}
}

// receive passes messages on until the stream ends.
func (u *undoing) receive(ctx context.Context, request *pluginv1.UndoRequest, in chan<- *pluginv1.UndoMessage, done <-chan struct{}) error {
	stream, err := u.rpc.Undo(ctx, request)
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		select {
		case in <- m:
		case <-done:
			return nil
		}
	}
}

// wait handles messages until there is an answer, the stream ends, or ctx does.
func (u *undoing) wait(ctx context.Context, in <-chan *pluginv1.UndoMessage) (answer *engine.UndoAnswer, stopped bool) {
	gone := u.child.gone
	var lost <-chan time.Time
	for {
		select {
		case m, ok := <-in:
			if !ok {
				return nil, false
			}
			if a := m.GetAnswer(); a != nil {
				_ = failpoint.Hit(failpoint.HostUndoAnswer) // an error would change nothing
				read := undoAnswer(a)
				return &read, false
			}
			if l := m.GetLog(); l != nil {
				u.log(logEntry(l, "undo"))
			}
		case <-u.output.ready:
			for _, e := range u.output.take() {
				u.log(e)
			}
		case <-ctx.Done():
			return nil, true
		case <-gone:
			gone, lost = nil, time.After(lastWords)
		case <-lost:
			return nil, false
		}
	}
}
