package host

import (
	"sync"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// outboxSize is how many messages may wait for a plugin that does not read.
const outboxSize = 256

// outbox sends messages to a plugin from a goroutine of its own: a send blocks
// while the plugin is frozen, and the run must still be ended then.
type outbox struct {
	// stuck is closed when the plugin has left too many messages unread.
	stuck chan struct{}

	messages chan *pluginv1.HostMessage
	once     sync.Once
	ended    sync.WaitGroup
}

// newOutbox starts sending. Errors of send are not reported: the stream's
// receiving side tells them.
func newOutbox(send func(*pluginv1.HostMessage) error) *outbox {
	o := &outbox{stuck: make(chan struct{}), messages: make(chan *pluginv1.HostMessage, outboxSize)}
	o.ended.Go(func() {
		ok := true
		for m := range o.messages {
			ok = ok && send(m) == nil
		}
	})
	return o
}

// put never blocks. Not after close.
func (o *outbox) put(m *pluginv1.HostMessage) {
	select {
	case o.messages <- m:
	default:
		o.once.Do(func() { close(o.stuck) })
	}
}

// close says that nothing more is put.
func (o *outbox) close() { close(o.messages) }

// wait returns when sending has ended: all is sent, or the stream is dead.
func (o *outbox) wait() { o.ended.Wait() }
