package host

import (
	"sync"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// outboxSize is how many messages may wait for a plugin that does not read.
const outboxSize = 64

// outbox sends messages to a plugin from a goroutine of its own: a send blocks
// while the plugin is frozen, and the run must still be ended then.
type outbox struct {
	// room has a value when the outbox may no longer be full.
	room chan struct{}

	messages chan *pluginv1.HostMessage
	ended    sync.WaitGroup
}

// newOutbox starts sending on a stream. Errors are not reported: the stream's
// receiving side tells them.
func newOutbox(stream pluginv1.Plugin_RunClient) *outbox {
	o := &outbox{
		room: make(chan struct{}, 1),
		// Start and Stop are put whether it is full or not.
		messages: make(chan *pluginv1.HostMessage, outboxSize+2),
	}
	o.ended.Go(func() {
		ok := true
		for m := range o.messages {
			ok = ok && transmit(stream, m) == nil
			select {
			case o.room <- struct{}{}:
			default:
			}
		}
		_ = stream.CloseSend() // never fails
	})
	return o
}

// transmit sends one message, with the failpoints around those that matter.
func transmit(stream pluginv1.Plugin_RunClient, m *pluginv1.HostMessage) error {
	if m.GetStart() != nil {
		if err := failpoint.Hit(failpoint.HostBeforeStart); err != nil {
			return err
		}
	}
	if err := stream.Send(m); err != nil {
		return err
	}
	switch {
	case m.GetStart() != nil:
		return failpoint.Hit(failpoint.HostAfterStart)
	case m.GetUndoAck() != nil:
		return failpoint.Hit(failpoint.HostUndoAcked)
	}
	return nil
}

// full says whether nothing should be put that can wait. The plugin must wait
// then: what it says is not heard until it reads what it is told.
func (o *outbox) full() bool { return len(o.messages) >= outboxSize }

// put never blocks if the outbox is not full. Not after close.
func (o *outbox) put(m *pluginv1.HostMessage) { o.messages <- m }

// close says that nothing more is put.
func (o *outbox) close() { close(o.messages) }

// wait returns when sending has ended: all is sent, or the stream is dead.
func (o *outbox) wait() { o.ended.Wait() }
