package sdktest

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Targets asks an attack whom it would hit. The error is a *Failure. A detail is
// what its JSON says: a map, as a rule.
func Targets[T any](t testing.TB, attack sdk.Attack[T], args T, options ...Option) ([]sdk.Target, error) {
	t.Helper()
	c := newCall(t, options)
	o := serve(t, attack, c)
	if !o.CanListTargets {
		t.Fatalf("%s has no Targets", o.Ref)
	}
	response := ask(t, c, "the list of targets", askTimeout, &pluginv1.TargetsRequest{
		Ref: o.Ref, Config: o.config(t, c, args), Seed: c.seed, Zone: c.zone,
	}, o.plugin.Server.Targets)
	if f := failure(response.GetFailure()); f != nil {
		return nil, f
	}
	targets := make([]sdk.Target, len(response.GetTargets()))
	for i, wire := range response.GetTargets() {
		targets[i] = target(wire)
	}
	return targets, nil
}

// Check has an attack look at its args, as when a plan is made. The error is a
// *Failure.
func Check[T any](t testing.TB, attack sdk.Attack[T], args T, options ...Option) (warnings []string, err error) {
	t.Helper()
	c := newCall(t, options)
	o := serve(t, attack, c)
	if !o.CanCheck {
		t.Fatalf("%s has no Check", o.Ref)
	}
	response := ask(t, c, "the check", askTimeout, &pluginv1.CheckRequest{Ref: o.Ref, Config: o.config(t, c, args)}, o.plugin.Server.Check)
	if f := failure(response.GetFailure()); f != nil {
		return nil, f
	}
	return response.GetWarnings(), nil
}

// ask makes a call that has one answer. It has its limit, and then its grace, to
// return; the daemon waits for the limit only.
func ask[Q, R proto.Message](
	t testing.TB, c *call, what string, usual time.Duration, request Q, rpc func(context.Context, Q) (R, error),
) R {
	t.Helper()
	limit, trace := c.limit(usual), newTrace()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	type reply struct {
		response R
		err      error
	}
	replies := make(chan reply, 1)
	go trace.do(func() {
		response, err := carried(ctx, request, rpc)
		replies <- reply{response, err}
	})
	given := time.NewTimer(limit + c.grace)
	defer given.Stop()
	near, release := nearEnd(t)
	defer release()
	var got reply
	select {
	case got = <-replies:
	case <-given.C:
		t.Fatalf("%s is not there after %s, and %s after its context has ended:\n%s", what, limit, c.grace, strings.Join(trace.stacks(), "\n\n"))
	case <-near:
		t.Fatalf("%s is not there, and the time of the test is nearly over:\n%s", what, strings.Join(trace.stacks(), "\n\n"))
	}
	late := ctx.Err() != nil
	cancel()
	trace.expectEnd(t, "the code")
	if late {
		t.Fatalf("%s was not there after %s; the daemon would not have waited longer", what, limit)
	}
	if got.err != nil {
		t.Fatalf("%s: %s", what, status.Convert(got.err).Message())
	}
	return got.response
}

// carried makes a call with what the wire makes of its request and its answer.
func carried[Q, R proto.Message](ctx context.Context, request Q, rpc func(context.Context, Q) (R, error)) (none R, err error) {
	if request, err = carry(request); err != nil {
		return none, err
	}
	response, err := rpc(ctx, request)
	if err != nil {
		return none, err
	}
	return carry(response)
}
