package byhand

import (
	"context"
	"sync"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// heed has the first interruption, or the end of ctx, stop what the context that
// it returns bounds, and each further one call again. It heeds until end is
// called, which returns when nothing is heeded any more.
func heed(ctx context.Context, interrupts <-chan error, stopping func(why string), again func()) (bound context.Context, end func()) {
	bound, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	var heeding sync.WaitGroup
	heeding.Go(func() {
		cancelled := ctx.Done()
		first := func(why string) {
			stopping(why)
			stop(&engine.StopReason{State: engine.Halted, Reason: why})
		}
		for {
			select {
			case <-done:
				return
			case <-cancelled:
				cancelled = nil
				if bound.Err() == nil {
					first(context.Cause(ctx).Error())
				}
			case why := <-interrupts:
				if bound.Err() == nil {
					first(why.Error())
				} else {
					again()
				}
			}
		}
	})
	return bound, func() {
		close(done)
		heeding.Wait()
		stop(nil)
	}
}
