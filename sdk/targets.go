package sdk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Target is one thing an attack hits.
type Target struct {
	ID   string
	Name string
	// State is what has become of it: "selected", "hit", "skipped", …
	State string
	// Detail is anything that marshals to a JSON object; it may be nil.
	Detail any
}

// encode returns the target as it is sent. With an error, which is about its
// detail, it is without one.
func (t Target) encode() (*pluginv1.Target, error) {
	target := &pluginv1.Target{Id: text(t.ID), Name: text(t.Name), State: text(t.State)}
	if t.Detail == nil {
		return target, nil
	}
	detail, err := json.Marshal(t.Detail)
	if err != nil {
		return target, fmt.Errorf("write the detail of the target %q as JSON: %w", t.ID, err)
	}
	target.Detail = detail
	return target, nil
}

// TargetsCall is what Attack.Targets works from, besides the args. It has no
// log: the call belongs to no run.
type TargetsCall struct {
	config json.RawMessage
	seed   int64
	rand   *rand.Rand
	zone   func() *time.Location
}

// Config is the attack's whole config, as in Run.Config.
func (c *TargetsCall) Config() json.RawMessage { return c.config }

// Seed is that of the run that is asked about.
func (c *TargetsCall) Seed() int64 { return c.seed }

// Rand is the source of every random choice. It draws what Run.Rand would draw
// in the run that is asked about. It is for one goroutine only.
func (c *TargetsCall) Rand() *rand.Rand { return c.rand }

// Location is the plan's zone, UTC if this process does not know it.
func (c *TargetsCall) Location() *time.Location { return c.zone() }
