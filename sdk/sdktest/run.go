package sdktest

import (
	"context"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Run runs an attack as the daemon would and returns when it is over. The test
// fails where the daemon would refuse the plan: args that don't fit the schema,
// a dry run that is not declared.
func Run[T any](t testing.TB, attack sdk.Attack[T], args T, options ...Option) *Recording {
	t.Helper()
	return start(t, attack, args, options).Wait()
}

// Start begins a run and returns. The run is stopped when the test ends.
func Start[T any](t testing.TB, attack sdk.Attack[T], args T, options ...Option) *Live {
	t.Helper()
	return start(t, attack, args, options)
}

func start(t testing.TB, attack sdk.Offer, args any, options []Option) *Live {
	t.Helper()
	c := newCall(t, options)
	l := &Live{
		t: t, call: c, offer: serve(t, attack, c), trace: newTrace(), served: make(chan error, 1),
		stops: make(chan sdk.StopCause), over: make(chan struct{}), changed: make(chan struct{}),
	}
	begin := &pluginv1.Start{
		Ref: l.offer.Ref, RunId: c.id, PlanId: "plan", PlanName: c.plan, Name: c.execution, Config: l.offer.config(t, c, args),
		Seed: c.seed, Due: timestamppb.New(c.now), Timeout: durationpb.New(c.limit(runTimeout)),
		Grace: durationpb.New(c.grace), Zone: c.zone, DryRun: c.dryRun,
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stream = newRunStream(ctx)
	go l.trace.do(func() {
		err := l.offer.plugin.Server.Run(l.stream)
		cancel() // as gRPC does
		l.served <- err
	})
	l.stream.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: begin}})
	go l.host(cancel)
	t.Cleanup(l.end)
	return l
}
