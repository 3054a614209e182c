package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// Planner offers a planner whose args are a T.
type Planner[T any] struct {
	Info
	// Plan answers when the attack is to run. It has no side effects. What is
	// wrong with the config is best said with Invalid. It may take 10 seconds
	// and answer 10,000 executions.
	Plan func(ctx context.Context, req *PlanRequest[T]) ([]Execution, error)
}

// Planning is a planner as a type.
type Planning[T any] interface {
	Plan(ctx context.Context, req *PlanRequest[T]) ([]Execution, error)
}

// PlannerFor offers an implementation of Planning.
func PlannerFor[T any](info Info, planning Planning[T]) Planner[T] {
	return Planner[T]{Info: info, Plan: planning.Plan}
}

// Execution is one instant of a plan.
type Execution struct {
	At   time.Time
	Name string
	// Args, if not nil, replaces the attack's args for this execution. It is
	// validated by the host like any other.
	Args any
}

// PlanRequest is what a planner works from. It is not safe for concurrent use.
type PlanRequest[T any] struct {
	// Name is the plan's.
	Name string
	Args T
	// Attack is the config of the attack to plan. Values of writeOnly
	// properties are placeholders, which the host replaces in Execution.Args.
	Attack Config
	// Now is the time to plan from, in the plan's zone.
	Now time.Time
	// Seed is recorded with the plan; Rand draws from it.
	Seed int64

	call *planCall
}

// Config is the planner's whole config as it was posted: {ref, args} and whatever
// else the schema allows.
func (r *PlanRequest[T]) Config() json.RawMessage { return r.call.config.Doc }

// Location is the zone in which times without an offset are meant. The plan is
// then one that depends on the zone, which its warnings may tell; a planner that
// reads dates with ParseDate needs it seldom.
func (r *PlanRequest[T]) Location() *time.Location {
	r.call.zoneUsed = true
	return r.call.zone
}

// ParseDate reads a date in any of the forms of dates.Parse, in the plan's zone
// when the text has no offset. Where the clocks of that zone skip the time, or show
// it twice, the plan is warned. The error wraps dates.ErrFormat.
func (r *PlanRequest[T]) ParseDate(s string) (time.Time, error) {
	t, bare, err := dates.Parse(s, r.call.zone)
	if err != nil {
		return time.Time{}, err
	}
	r.call.zoneUsed = r.call.zoneUsed || bare
	if doubt := dates.Doubt(s, r.call.zone); doubt != "" {
		r.Warn("%s", doubt)
	}
	return t, nil
}

// Rand is the source of every random choice: the same seed gives the same plan.
func (r *PlanRequest[T]) Rand() *rand.Rand { return r.call.rand }

// Warn tells whoever posts the plan something about it.
func (r *PlanRequest[T]) Warn(format string, args ...any) {
	r.call.warnings = append(r.call.warnings, fmt.Sprintf(format, args...))
}

// planCall is a PlanRequest without its type parameter, and what was noted
// while it was answered.
type planCall struct {
	name     string
	config   Config
	attack   Config
	now      time.Time
	zone     *time.Location
	seed     int64
	rand     *rand.Rand
	zoneUsed bool
	warnings []string
}

func (p Planner[T]) offer() *offer {
	o := &offer{Info: p.Info, kind: kindPlanner, args: reflect.TypeFor[T](), complete: p.Plan != nil}
	o.plan = func(ctx context.Context, call *planCall) ([]Execution, error) {
		args, err := decodeArgs[T](p.Info, call.config.Args)
		if err != nil {
			return nil, err
		}
		return p.Plan(ctx, &PlanRequest[T]{
			Name: call.name, Args: args, Attack: call.attack, Now: call.now, Seed: call.seed, call: call,
		})
	}
	return o
}

// newRand returns the random source of a seed: PCG, so that a seed on record
// gives the same choices again.
func newRand(seed int64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // repeatable on purpose
}
