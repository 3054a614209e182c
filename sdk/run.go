package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Run is an attack's handle on the run it is in. Its methods are safe for
// concurrent use, and do nothing once the attack has returned.
type Run struct {
	start *pluginv1.Start
	out   *outbox[*pluginv1.PluginMessage]
	acks  *ackLedger
	// ctx is the run's own context; when it has ended no new harm is recorded.
	ctx  context.Context
	log  *slog.Logger
	rand *rand.Rand
	zone func() *time.Location
}

func newRun(ctx context.Context, start *pluginv1.Start, out *outbox[*pluginv1.PluginMessage], acks *ackLedger) *Run {
	r := &Run{start: start, out: out, acks: acks, ctx: ctx, rand: newRand(start.GetSeed())}
	r.log = newLogger(func(entry *pluginv1.LogEntry) {
		// A log entry that can't be sent is lost: there is nobody to tell.
		_ = out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Log{Log: entry}})
	})
	r.zone = zoneNamed(start.GetZone())
	return r
}

// zoneNamed returns a function that loads a zone when it is first asked for;
// UTC if this process does not know it.
func zoneNamed(name string) func() *time.Location {
	return sync.OnceValue(func() *time.Location {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
		return time.UTC
	})
}

// ID is the executor's id: stable, unique, and never used for a second run. It
// serves providers as an idempotency token.
func (r *Run) ID() string { return r.start.GetRunId() }

// Config is the attack's whole config as it was posted: {ref, args} and whatever
// else the schema allows.
func (r *Run) Config() json.RawMessage { return r.start.GetConfig() }

// PlanName is the name of the plan the run belongs to.
func (r *Run) PlanName() string { return r.start.GetPlanName() }

// Name is the name the planner gave this execution; it may be empty.
func (r *Run) Name() string { return r.start.GetName() }

// Due is when the run was to start.
func (r *Run) Due() time.Time { return r.start.GetDue().AsTime() }

// Seed is the seed of Rand, on record with the run.
func (r *Run) Seed() int64 { return r.start.GetSeed() }

// Location is the engine's zone, UTC if this process does not know it.
func (r *Run) Location() *time.Location { return r.zone() }

// DryRun says that the run is to do no harm and to report what it would do. Do
// honours it by itself; an attack that does harm outside Do asks first. It is
// true only for an attack that declares Info.DryRun.
func (r *Run) DryRun() bool { return r.start.GetDryRun() }

// Timeout is how long after its start the host stops the run.
func (r *Run) Timeout() time.Duration { return r.start.GetTimeout().AsDuration() }

// Grace is how long after a stop the attack has before it is ended by force; 10
// seconds where the host doesn't say.
func (r *Run) Grace() time.Duration {
	if grace := r.start.GetGrace().AsDuration(); grace > 0 {
		return grace
	}
	return defaultGrace
}

// Rand is the source of every random choice: the same seed makes the same
// choices, so that a run can be explained and repeated. Unlike the other
// methods it is for one goroutine only.
func (r *Run) Rand() *rand.Rand { return r.rand }

// Log returns a logger whose records go to the run's log.
func (r *Run) Log() *slog.Logger { return r.log }

// Progress tells how far the run is: 0 to 100 percent, or negative when that
// can't be told.
func (r *Run) Progress(percent float64, format string, args ...any) {
	r.report(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Progress{Progress: &pluginv1.Progress{
		Percent: percent, Message: text(fmt.Sprintf(format, args...)),
	}}})
}

// Targets tells whom the run hits. Several calls add up; what is said of a target
// takes the place of what was said of it before. A detail that can't be
// marshalled is left out, with a warning in the log.
func (r *Run) Targets(targets ...Target) {
	list := make([]*pluginv1.Target, len(targets))
	for i, t := range targets {
		target, err := t.encode()
		if err != nil {
			r.log.Warn("the detail of a target can't be written as JSON", "target", t.ID, "error", err)
		}
		list[i] = target
	}
	r.report(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Targets{Targets: &pluginv1.Targets{Targets: list}}})
}

// Result sets the run's result document; the last one counts. An error is
// returned when v can't be marshalled, is too large (16 MiB) or can't be sent.
func (r *Run) Result(v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the result as JSON: %w", err)
	}
	return r.out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Result{Result: &pluginv1.Result{Document: doc}}})
}

// report sends what is only information. Why it could not be sent is logged,
// which is lost too when the host is gone.
func (r *Run) report(m *pluginv1.PluginMessage) {
	if err := r.out.send(m); err != nil {
		r.log.Warn("a report could not be sent", "error", err)
	}
}

// started tells the host that the author's code is called next. An error means
// that it must not be.
func (r *Run) started() error {
	return r.out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Started{
		Started: &pluginv1.Started{At: timestamppb.Now()},
	}})
}
