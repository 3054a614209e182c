package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// runner is what a run needs of the daemon that has it run.
type runner interface {
	ID() string
	Log() *slog.Logger
	DryRun() bool
	Grace() time.Duration
	Seed() int64
	Rand() *rand.Rand
	Targets(targets ...sdk.Target)
	Progress(percent float64, format string, args ...any)
	Result(doc any) error
	// record makes an undo record durable. See sdk.Run.Record.
	record(ctx context.Context, record any, options ...sdk.UndoOption) (stored, error)
}

// stored is an undo record that is durable.
type stored interface {
	Undone(outcome sdk.Outcome, message string) error
}

// daemon is a run of the daemon's.
type daemon struct{ *sdk.Run }

func (d daemon) record(ctx context.Context, record any, options ...sdk.UndoOption) (stored, error) {
	return d.Record(ctx, record, options...)
}

// outlasting returns a context that ends a while after ctx does. The release
// function waits for what belongs to it.
func outlasting(ctx context.Context, while time.Duration) (context.Context, func()) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	released, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-ctx.Done():
		case <-released:
			return
		}
		select {
		case <-time.After(while):
			cancel(errLate)
		case <-released:
		}
	}()
	return lasting, func() {
		close(released)
		<-over
		cancel(nil)
	}
}
