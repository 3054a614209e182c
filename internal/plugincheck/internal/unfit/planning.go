package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Faults of planners.
func init() {
	register("plan-differs", planning(func(ctx context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		answer, err := plan(ctx, r)
		for _, e := range answer.GetExecutions() {
			e.At = timestamppb.New(e.GetAt().AsTime().Add(time.Duration(os.Getpid()) * time.Second))
		}
		return answer, err
	}))
	register("plan-writes", planning(func(ctx context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		_ = os.WriteFile(filepath.Join(own(), "plan"), nil, 0o600)
		return plan(ctx, r)
	}))
	register("plan-hangs", planning(func(context.Context, *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		select {}
	}))
	register("plan-panics", planning(func(context.Context, *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		panic("no time")
	}))
	register("plan-huge-arg-kills", planning(func(ctx context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		if len(r.GetConfig()) > 1<<20 {
			panic("no room")
		}
		return plan(ctx, r)
	}))
	register("plan-refuses-its-example", planning(func(context.Context, *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
		return &pluginv1.PlanResponse{Failure: &pluginv1.Failure{Message: "not today"}}, nil
	}))
}

type planFunc func(context.Context, *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error)

func planning(f planFunc) func(*behaviour) {
	return func(p *behaviour) { p.plan = f }
}
