package sdk

import (
	"context"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Targets implements pluginv1.PluginServer.
func (s *service) Targets(ctx context.Context, request *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	return answerOnce(ctx, s, "the list of targets",
		func(ctx context.Context) (*pluginv1.TargetsResponse, error) { return s.targets(ctx, request) },
		func(f *pluginv1.Failure) *pluginv1.TargetsResponse { return &pluginv1.TargetsResponse{Failure: f} })
}

func (s *service) targets(ctx context.Context, request *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	o, err := s.stock.find(ctx, kindAttack, request.GetRef())
	if err != nil {
		return nil, err
	}
	if o.targets == nil {
		return nil, fmt.Errorf("the attack %s can't list its targets", o.Ref)
	}
	config, err := decodeConfig(request.GetConfig())
	if err != nil {
		return nil, err
	}
	call := &TargetsCall{
		config: config.Doc, seed: request.GetSeed(), rand: newRand(request.GetSeed()), zone: zoneNamed(request.GetZone()),
	}
	var targets []Target
	err = protect(func() (err error) {
		targets, err = o.targets(ctx, config.Args, call)
		return err
	})
	if err != nil {
		return nil, err
	}
	response := &pluginv1.TargetsResponse{Targets: make([]*pluginv1.Target, len(targets))}
	for i, t := range targets {
		if response.Targets[i], err = t.encode(); err != nil {
			return nil, err
		}
	}
	return response, nil
}
