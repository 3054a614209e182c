package sdk

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// errOver is returned for what is sent when the author's code has returned.
var errOver = errors.New("the call is over")

// outbox sends a call's messages one at a time and in order, and none after the
// last. A send waits while the host is slow; it fails when the host is gone.
type outbox[M proto.Message] struct {
	mu     sync.Mutex
	stream interface{ Send(m M) error }
	over   bool
}

func (o *outbox[M]) send(m M) error { return o.post(m, false) }

// sendLast sends a message after which there is no other.
func (o *outbox[M]) sendLast(m M) error { return o.post(m, true) }

func (o *outbox[M]) post(m M, last bool) error {
	if size := proto.Size(m); size > pluginv1.MaxMessage {
		return fmt.Errorf("a message of %d bytes is too large; at most %d may be sent", size, pluginv1.MaxMessage)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return errOver
	}
	o.over = last
	if err := o.stream.Send(m); err != nil {
		return fmt.Errorf("send to the host: %w", err)
	}
	return nil
}
