package byhand

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Planned is what a planner answered.
type Planned struct {
	Ref        engine.Ref  `json:"ref"`
	Digest     string      `json:"digest"`
	Seed       int64       `json:"seed"`
	Zone       string      `json:"zone"`
	Executions []Execution `json:"executions"`
	Warnings   []string    `json:"warnings"`
	// ZoneUsed is set when an instant depends on the zone.
	ZoneUsed bool `json:"zone_used"`
}

// Execution is one instant of a plan.
type Execution struct {
	At   time.Time       `json:"at"`
	Name string          `json:"name,omitempty"`
	Args json.RawMessage `json:"args,omitempty"` // in place of the attack's
}

// Plan asks a planner for a plan, from now on, for an attack with this config. An
// interruption, or the end of ctx, calls it off. The error has CodeInvalid when the
// planner refuses the config.
func (p *Plugin) Plan(ctx context.Context, call Call, attack engine.Config, interrupts <-chan error) (*Planned, error) {
	ctx, end := heed(ctx, interrupts, func(string) {}, func() {})
	defer end()
	scrub := engine.NewScrubber(call.Config, call.Offer.Compiled.Secrets(call.Config.Doc))
	answer, err := p.host.Plan(ctx, call.Offer, engine.PlanCall{
		Name: call.Name, Config: call.Config, Attack: attack, Now: time.Now(), Zone: call.Zone, Seed: call.Seed,
	})
	if refused := refusedBy(call.Offer.Ref, err, scrub); refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	planned := &Planned{
		Ref: call.Offer.Ref, Digest: call.Offer.Digest, Seed: call.Seed, Zone: call.Zone,
		Executions: []Execution{}, Warnings: scrub.Warnings(answer.Warnings), ZoneUsed: answer.ZoneUsed,
	}
	for _, x := range answer.Executions {
		planned.Executions = append(planned.Executions, Execution{At: x.At, Name: scrub.Text(x.Name), Args: scrub.Doc(x.Args)})
	}
	return planned, nil
}
