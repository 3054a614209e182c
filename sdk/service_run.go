package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Run implements pluginv1.PluginServer: it waits for Start, calls the attack and
// sends Finished. When Start doesn't come, nothing happens and the process ends.
func (s *service) Run(stream grpc.BidiStreamingServer[pluginv1.HostMessage, pluginv1.PluginMessage]) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	in := &inbox{stop: cancel, gone: s.life.end, start: make(chan *pluginv1.Start, 1), closed: make(chan struct{})}
	// The stream ends when this method returns, and with it the goroutine.
	go in.read(stream)

	var start *pluginv1.Start
	select {
	case start = <-in.start:
	case <-in.closed:
		select {
		case start = <-in.start: // it came just before
		default:
			s.life.end(&StopError{Cause: HostGone, Reason: "the run was called off before its start"})
			return nil
		}
	case <-s.life.ending:
		return status.Error(codes.Unavailable, "the process is ending")
	}
	// From here to done, the end of the life is the run's to handle.
	done, err := s.life.begin(cancel)
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	defer done()
	s.prepare()
	out := &outbox[*pluginv1.PluginMessage]{stream: stream}
	err = s.run(ctx, start, out, &in.acks)
	in.finished.Store(true)
	finished := &pluginv1.Finished{Failure: failure(ctx, err)}
	return out.sendLast(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Finished{Finished: finished}})
}

func (s *service) run(ctx context.Context, start *pluginv1.Start, out *outbox[*pluginv1.PluginMessage], acks *ackLedger) error {
	if ctx.Err() != nil { // stopped in the same breath
		return context.Cause(ctx)
	}
	o, err := s.stock.find(ctx, kindAttack, start.GetRef())
	if err != nil {
		return err
	}
	if start.GetDryRun() && !o.DryRun {
		// The host refuses it too. Were it run, it could do harm.
		return fmt.Errorf("the attack %s has no dry run", o.Ref)
	}
	config, err := decodeConfig(start.GetConfig())
	if err != nil {
		return err
	}
	return protect(func() error { return o.run(ctx, config.Args, newRun(ctx, start, out, acks)) })
}

// inbox takes in what the host says during a run.
type inbox struct {
	acks  ackLedger
	stop  context.CancelCauseFunc // ends the run's context
	gone  func(*StopError)        // ends the process
	start chan *pluginv1.Start    // the first Start; further ones are ignored
	// finished is set when the attack has returned; how the stream ends is of
	// no interest then.
	finished atomic.Bool
	// closed is closed when nothing more will come.
	closed chan struct{}
}

// read runs until the stream ends. That the host closes its side in good order
// only means that it has nothing more to say; a broken stream means that it is
// gone.
func (in *inbox) read(stream grpc.BidiStreamingServer[pluginv1.HostMessage, pluginv1.PluginMessage]) {
	defer close(in.closed)
	defer in.acks.close()
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if !in.finished.Load() {
				in.gone(&StopError{Cause: HostGone, Reason: "the connection to the host broke"})
			}
			return
		}
		switch m := message.GetMessage().(type) {
		case *pluginv1.HostMessage_Start:
			select {
			case in.start <- m.Start:
			default:
			}
		case *pluginv1.HostMessage_UndoAck:
			in.acks.acknowledge(m.UndoAck)
		case *pluginv1.HostMessage_Stop:
			in.stop(&StopError{Cause: stopCause(m.Stop.GetCause()), Reason: m.Stop.GetReason()})
		}
	}
}

// stopCause names the host's cause. One that only a newer host has is taken for
// Halted, as is none.
func stopCause(cause pluginv1.StopCause) StopCause {
	switch cause {
	case pluginv1.StopCause_STOP_CAUSE_TIMED_OUT:
		return TimedOut
	case pluginv1.StopCause_STOP_CAUSE_SHUTDOWN:
		return Shutdown
	default:
		return Halted
	}
}
