package sdk

import (
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Check implements pluginv1.PluginServer.
func (s *service) Check(ctx context.Context, request *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	return answerOnce(ctx, s, "the list of warnings",
		func(ctx context.Context) (*pluginv1.CheckResponse, error) { return s.check(ctx, request) },
		func(f *pluginv1.Failure) *pluginv1.CheckResponse { return &pluginv1.CheckResponse{Failure: f} })
}

func (s *service) check(ctx context.Context, request *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	o, err := s.stock.find(ctx, kindAttack, request.GetRef())
	if err != nil {
		return nil, err
	}
	if o.check == nil {
		return nil, fmt.Errorf("the attack %s has nothing to check", o.Ref)
	}
	config, err := decodeConfig(request.GetConfig())
	if err != nil {
		return nil, err
	}
	call := &CheckCall{config: config.Doc}
	if err := protect(func() error { return o.check(ctx, config.Args, call) }); err != nil {
		return nil, err
	}
	return &pluginv1.CheckResponse{Warnings: call.warnings}, nil
}
