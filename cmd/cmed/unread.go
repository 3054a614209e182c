package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// errUnread ends a command that only shows something, when nobody reads it any more,
// as in cmed events -f | head -1. There is nothing to say of it.
var errUnread = errors.New("nobody reads the output any more")

// unreadEvery is how often it is seen whether a pipe is still read while there is
// nothing to write to it.
const unreadEvery = time.Second

// pipe is standard output for what is shown for long: a write that nobody reads
// fails with errUnread.
type pipe struct{ to io.Writer }

func (p pipe) Write(text []byte) (int, error) {
	n, err := p.to.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		return n, errUnread
	}
	return n, err
}

// pipeOf is what is behind the standard output of a command.
func pipeOf(stdout io.Writer) pipe {
	if quiet, ok := stdout.(brokenPipe); ok {
		stdout = quiet.Writer
	}
	return pipe{stdout}
}

// whileRead calls fn with standard output and a context that ends when nobody reads
// that any more, also while nothing is written. Then it returns errUnread.
func (p program) whileRead(ctx context.Context, fn func(context.Context, io.Writer) error) error {
	out := pipeOf(p.stdout)
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	if file, ok := out.to.(*os.File); ok {
		watching.Go(func() { watchReader(ctx, file, cancel) })
	}
	err := fn(ctx, out)
	if errors.Is(context.Cause(ctx), errUnread) {
		return errUnread
	}
	return err
}

// watchReader cancels with errUnread when nobody reads a pipe any more. It blocks
// until then, or until ctx ends.
func watchReader(ctx context.Context, file *os.File, cancel context.CancelCauseFunc) {
	look := time.NewTicker(unreadEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if isUnread(file) {
				cancel(errUnread)
				return
			}
		}
	}
}
