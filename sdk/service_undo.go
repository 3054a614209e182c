package sdk

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Undo implements pluginv1.PluginServer.
func (s *service) Undo(request *pluginv1.UndoRequest, stream grpc.ServerStreamingServer[pluginv1.UndoMessage]) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done, err := s.life.begin(cancel)
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	defer done()
	defer context.AfterFunc(stream.Context(), func() {
		cancel(&StopError{Cause: HostGone, Reason: "the host called the undo off"})
	})()
	if timeout := request.GetTimeout().AsDuration(); timeout > 0 {
		var release context.CancelFunc
		ctx, release = context.WithTimeoutCause(ctx, timeout, &StopError{Cause: TimedOut})
		defer release()
	}
	s.prepare()
	out := &outbox[*pluginv1.UndoMessage]{stream: stream}
	return out.sendLast(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Answer{
		Answer: answer(s.undo(ctx, request, out)),
	}})
}

func (s *service) undo(ctx context.Context, request *pluginv1.UndoRequest, out *outbox[*pluginv1.UndoMessage]) (Outcome, string, error) {
	o, err := s.stock.find(ctx, kindAttack, request.GetRef())
	if err != nil {
		return Failed, "", err
	}
	if o.undo == nil {
		return Failed, "", fmt.Errorf("the attack %s has no undo", o.Ref)
	}
	config, err := decodeConfig(request.GetConfig())
	if err != nil {
		return Failed, "", err
	}
	call := &UndoCall{request: request, rand: newRand(request.GetSeed())}
	call.log = newLogger(func(entry *pluginv1.LogEntry) {
		// A log entry that can't be sent is lost: there is nobody to tell.
		_ = out.send(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Log{Log: entry}})
	})
	outcome := Failed
	err = protect(func() (err error) {
		outcome, err = o.undo(ctx, config.Args, call)
		return err
	})
	return outcome, call.words, err
}
