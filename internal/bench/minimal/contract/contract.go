// Package contract is what the minimal go-plugin program and its host agree on:
// a handshake, and a gRPC service with one method, Run, that takes a string and
// answers nothing. The service is written by hand, so that nothing need be
// generated for it.
package contract

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Name is what the plugin is served and dispensed under.
const Name = "minimal"

const (
	service = "bench.Minimal"
	method  = "Run"
)

// Handshake tells a start by the benchmark from one by hand.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion: 1, MagicCookieKey: "BENCH_PLUGIN_COOKIE", MagicCookieValue: "minimal",
}

// Runner is the plugin as its host sees it.
type Runner interface {
	// Run has the plugin work on path. It blocks until that is done.
	Run(ctx context.Context, path string) error
}

// Plugin joins the two sides for go-plugin. Impl is needed to serve only.
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin
	Impl Runner
}

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer registers Impl.
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*Runner)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: method, Handler: handle}},
	}, p.Impl)
	return nil
}

// GRPCClient returns a Runner.
func (p *Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &client{conn}, nil
}

// handle serves one call. The host uses no interceptors, and neither does the
// plugin. Its signature is gRPC's.
//
//nolint:revive // gRPC puts the context second
func handle(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	path := &wrapperspb.StringValue{}
	if err := decode(path); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, srv.(Runner).Run(ctx, path.GetValue())
}

// client is the plugin over a connection.
type client struct{ conn *grpc.ClientConn }

// Run implements Runner.
func (c *client) Run(ctx context.Context, path string) error {
	return c.conn.Invoke(ctx, "/"+service+"/"+method, wrapperspb.String(path), &emptypb.Empty{})
}
