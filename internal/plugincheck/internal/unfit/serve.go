package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// serve serves the plugin under the host.
func serve(p *behaviour) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		p.hungUp()
	}()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{pluginv1.Version: {pluginv1.Name: adapter{served: p}}},
		Logger:           hclog.NewNullLogger(),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(pluginv1.MaxMessage))...)
		},
	})
	p.served()
}

type adapter struct {
	plugin.NetRPCUnsupportedPlugin
	served *behaviour
}

func (a adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error { //nolint:unparam // go-plugin wants it so
	pluginv1.RegisterPluginServer(s, server{plugin: a.served})
	return nil
}

func (adapter) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not a host")
}

// server is the plugin's side of the protocol.
type server struct {
	pluginv1.UnimplementedPluginServer
	plugin *behaviour
}

func (s server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return s.plugin.description().Response()
}

func (s server) Run(stream pluginv1.Plugin_RunServer) error {
	r := newRun(stream)
	s.plugin.opened(r)
	start, ok := <-r.starts
	if !ok {
		s.plugin.calledOff(r)
		return nil
	}
	r.start = start
	if start.GetDryRun() {
		return s.plugin.rehearse(r)
	}
	return s.plugin.act(r)
}

func (s server) Undo(request *pluginv1.UndoRequest, stream pluginv1.Plugin_UndoServer) error {
	answer, err := s.plugin.undo(request)
	if err != nil {
		return err
	}
	return stream.Send(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Answer{Answer: answer}})
}

func (s server) Targets(_ context.Context, r *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	return s.plugin.targets(r)
}

func (s server) Check(_ context.Context, r *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	return s.plugin.check(r)
}

func (s server) Plan(ctx context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
	return s.plugin.plan(ctx, r)
}
