package sdktest

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// carry returns a message as it arrives at the other side: nothing is shared,
// and what the wire can't carry is an error.
func carry[M proto.Message](m M) (arrived M, err error) {
	doc, err := proto.Marshal(m)
	if err != nil {
		return arrived, fmt.Errorf("carry a message: %w", err)
	}
	arrived = m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(doc, arrived); err != nil {
		return arrived, fmt.Errorf("carry a message: %w", err)
	}
	return arrived, nil
}

// runStream is the stream of a run between the service and the test. It is
// synchronous: what was sent has been taken.
type runStream struct {
	grpc.ServerStream // nothing of it is used but the context

	ctx      context.Context
	toPlugin chan *pluginv1.HostMessage
	toHost   chan *pluginv1.PluginMessage
}

func newRunStream(ctx context.Context) *runStream {
	return &runStream{ctx: ctx, toPlugin: make(chan *pluginv1.HostMessage), toHost: make(chan *pluginv1.PluginMessage)}
}

// Context implements grpc.ServerStream.
func (s *runStream) Context() context.Context { return s.ctx }

// Recv implements grpc.BidiStreamingServer.
func (s *runStream) Recv() (*pluginv1.HostMessage, error) {
	select {
	case m := <-s.toPlugin:
		return carry(m)
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

// Send implements grpc.BidiStreamingServer.
func (s *runStream) Send(m *pluginv1.PluginMessage) error {
	arrived, err := carry(m)
	if err != nil {
		return err
	}
	select {
	case s.toHost <- arrived:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// tell passes a message to the plugin. It is lost when the run is over.
func (s *runStream) tell(m *pluginv1.HostMessage) {
	select {
	case s.toPlugin <- m:
	case <-s.ctx.Done():
	}
}

// undoStream takes in what an undo says.
type undoStream struct {
	grpc.ServerStream // nothing of it is used but the context

	ctx context.Context

	mu   sync.Mutex
	said []*pluginv1.UndoMessage
}

// Context implements grpc.ServerStream.
func (s *undoStream) Context() context.Context { return s.ctx }

// Send implements grpc.ServerStreamingServer.
func (s *undoStream) Send(m *pluginv1.UndoMessage) error {
	arrived, err := carry(m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, arrived)
	return nil
}
