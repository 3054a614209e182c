package httpapi

import (
	"context"
	"net"
)

// sendBuffer is how much the kernel keeps of what a reader of events has not
// taken. By itself it keeps some megabytes for each that has stopped reading
// (tcp_wmem), which nobody would see in the memory of the process.
const sendBuffer = 64 << 10

type connectionKey struct{}

// withConnection is http.Server.ConnContext.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// boundSending has the kernel keep little for the connection of a request. It is
// best effort: a test's request has none, and not each kind has such a buffer.
func boundSending(ctx context.Context) {
	c := ctx.Value(connectionKey{})
	if encrypted, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = encrypted.NetConn()
	}
	if buffered, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = buffered.SetWriteBuffer(sendBuffer)
	}
}
