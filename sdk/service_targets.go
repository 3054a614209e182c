package sdk

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Targets implements pluginv1.PluginServer.
func (s *service) Targets(ctx context.Context, request *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done, err := s.life.begin(cancel)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	defer done()
	s.prepare()
	response, err := s.targets(ctx, request)
	if err == nil && proto.Size(response) > pluginv1.MaxMessage {
		err = fmt.Errorf("the list of targets is larger than %d bytes", pluginv1.MaxMessage)
	}
	if err != nil {
		return &pluginv1.TargetsResponse{Failure: failure(ctx, err)}, nil
	}
	return response, nil
}

func (s *service) targets(ctx context.Context, request *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	o, err := s.find(kindAttack, request.GetRef())
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
		seed: request.GetSeed(), rand: newRand(request.GetSeed()), zone: zoneNamed(request.GetZone()),
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
