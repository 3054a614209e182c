package sdk

import (
	"context"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // a plugin may run where there are no zone files

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// service answers the host. One process usually serves one call.
type service struct {
	pluginv1.UnimplementedPluginServer
	stock stock
	life  *life
	// prepare is called before the author's code is.
	prepare func()
}

func newService(offers stock, l *life) *service {
	return &service{stock: offers, life: l, prepare: func() {}}
}

func (o *offer) answersTo(ref string) bool {
	return o.Ref == ref || slices.Contains(o.Aliases, ref)
}

// Describe implements pluginv1.PluginServer.
func (s *service) Describe(ctx context.Context, _ *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	s.prepare()
	description, err := s.stock.describe(ctx)
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, text(err.Error()))
	}
	response, err := description.Response()
	if err != nil {
		return nil, status.Error(codes.Internal, text(err.Error()))
	}
	return response, nil
}

// maxExecutions bounds what a planner may answer.
const maxExecutions = 10_000

// Plan implements pluginv1.PluginServer.
func (s *service) Plan(ctx context.Context, request *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
	return answerOnce(ctx, s, "the planner's answer",
		func(ctx context.Context) (*pluginv1.PlanResponse, error) { return s.plan(ctx, request) },
		func(f *pluginv1.Failure) *pluginv1.PlanResponse { return &pluginv1.PlanResponse{Failure: f} })
}

// answerOnce serves a call that has one answer. Its context ends with the
// process, too. What goes wrong, an answer that is too large included, is made an
// answer by failed.
func answerOnce[R proto.Message](
	ctx context.Context, s *service, what string, ask func(context.Context) (R, error), failed func(*pluginv1.Failure) R,
) (none R, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done, err := s.life.begin(cancel)
	if err != nil {
		return none, status.Error(codes.Unavailable, err.Error())
	}
	defer done()
	s.prepare()
	response, err := ask(ctx)
	if err == nil && proto.Size(response) > pluginv1.MaxMessage {
		err = fmt.Errorf("%s is larger than %d bytes", what, pluginv1.MaxMessage)
	}
	if err != nil {
		return failed(failure(ctx, err)), nil
	}
	return response, nil
}

func (s *service) plan(ctx context.Context, request *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
	o, err := s.stock.find(ctx, kindPlanner, request.GetRef())
	if err != nil {
		return nil, err
	}
	call, err := newPlanCall(request)
	if err != nil {
		return nil, err
	}
	var executions []Execution
	err = protect(func() (err error) {
		executions, err = o.plan(ctx, call)
		return err
	})
	if err != nil {
		return nil, err
	}
	response := &pluginv1.PlanResponse{ZoneUsed: call.zoneUsed}
	for _, w := range call.warnings {
		response.Warnings = append(response.Warnings, text(w))
	}
	response.Executions, err = encodeExecutions(executions)
	return response, err
}

func newPlanCall(request *pluginv1.PlanRequest) (*planCall, error) {
	config, err := decodeConfig(request.GetConfig())
	if err != nil {
		return nil, err
	}
	attack, err := decodeConfig(request.GetAttack())
	if err != nil {
		return nil, fmt.Errorf("the attack: %w", err)
	}
	zone, err := time.LoadLocation(request.GetZone())
	if err != nil {
		return nil, fmt.Errorf("the zone: %w", err)
	}
	return &planCall{
		name: request.GetPlanName(), config: config, attack: attack,
		now: request.GetNow().AsTime().In(zone), zone: zone,
		seed: request.GetSeed(), rand: newRand(request.GetSeed()),
	}, nil
}

func encodeExecutions(executions []Execution) ([]*pluginv1.Execution, error) {
	if len(executions) > maxExecutions {
		return nil, fmt.Errorf("the planner answered %d executions; at most %d are allowed", len(executions), maxExecutions)
	}
	list := make([]*pluginv1.Execution, len(executions))
	for i, e := range executions {
		if e.At.IsZero() {
			return nil, fmt.Errorf("execution %d of the planner's answer has no time", i+1)
		}
		args, err := encodeArgs(e.Args)
		if err != nil {
			return nil, fmt.Errorf("execution %d of the planner's answer: %w", i+1, err)
		}
		list[i] = &pluginv1.Execution{At: timestamppb.New(e.At), Name: text(e.Name), Args: args}
	}
	return list, nil
}
