package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Examine asks the file with this name in a kind's folder what it offers, in
// every way there is, whatever is known of it. The error is that nothing could
// be asked: the file is refused, or can't be copied; or the context's cause.
func (h *Host) Examine(ctx context.Context, kind engine.Kind, name string) (*Examination, error) {
	c, err := lookAt(kind, h.dir(kind), name)
	if err != nil {
		return nil, fmt.Errorf("examine %s: %w", name, err)
	}
	if c.refusal != nil {
		return nil, fmt.Errorf("examine %s: it %s", c.path, c.refusal.Message)
	}
	digest, err := h.copies.add(ctx, c.path)
	if err != nil {
		return nil, fmt.Errorf("examine %s: copy it: %w", c.path, err)
	}
	select {
	case h.describing <- struct{}{}:
		defer func() { <-h.describing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	e := &Examination{Digest: digest}
	e.Argument = h.examineByArgument(ctx, digest, c.path)
	e.Again = h.examineByArgument(ctx, digest, c.path)
	e.RPC = h.examineByRPC(ctx, digest, c.path)
	if ctx.Err() != nil { // the answers are those of processes that were stopped
		return nil, context.Cause(ctx)
	}
	return e, nil
}

// lookAt returns a file of a folder as a scan would find it.
func lookAt(kind engine.Kind, dir, name string) (candidate, error) {
	found, err := listFolder(kind, dir, name)
	switch {
	case err != nil:
		return candidate{}, err
	case len(found) == 0:
		return candidate{}, &fs.PathError{Op: "look at", Path: filepath.Join(dir, name), Err: fs.ErrNotExist}
	}
	return found[0], nil
}

func (h *Host) examineByArgument(ctx context.Context, digest, path string) Answer {
	a, err := h.askByArgument(ctx, digest, path)
	out := Answer{Stdout: a.stdout, Stderr: a.stderr, Exit: a.how, Took: a.took}
	if out.Stdout == nil {
		out.Stdout = []byte{}
	}
	if err == nil {
		out.Description, err = a.description(h.cfg.DescribeTimeout)
	}
	if err != nil {
		out.Err = asPluginError("describe", err)
	}
	return out
}

// examineByRPC asks a process that serves, and lets it go by itself.
func (h *Host) examineByRPC(ctx context.Context, digest, path string) Answer {
	begun := time.Now()
	s, err := h.open(ctx, h.describeCall(digest, path))
	if err != nil {
		out := Answer{Took: time.Since(begun), Err: asPluginError("describe", err)}
		out.Stderr = out.Err.Stderr
		if e, ok := errors.AsType[*startError](err); ok {
			out.Exit = e.exit
		}
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.DescribeTimeout)
	defer cancel()
	d, err := s.describe(ctx)
	out := Answer{Description: d, Took: time.Since(begun)}
	s.end(exitPatience)
	out.Stderr, out.Exit = s.output.text(), s.child.how()
	if err != nil {
		out.Err = asPluginError("describe", s.undescribed(err))
	}
	return out
}
