package access

import (
	"context"
	"time"
)

// Caller is who calls, as far as is known.
type Caller struct {
	// Key is the key that was shown; "" when none was.
	Key KeyID
	// Name is the key's name, or in words who calls without one: "this machine's
	// administrator (socket)", "anybody on this machine".
	Name   string
	Role   Role
	Limits Limits
	// Expires is when the key does; zero: never.
	Expires time.Time
	// From is the address of the connection, or "socket".
	From string
}

type callerKey struct{}

// WithCaller returns a context that knows who calls.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who calls; a Caller with the role Nobody when the context does
// not say.
func CallerOf(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return Caller{Role: Nobody}
}
