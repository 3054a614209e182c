package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Config is the whole configuration of an attack or planner as posted: a JSON
// object with at least "ref", and by convention "args".
type Config struct {
	Ref Ref
	// Doc is the whole object, ref included.
	Doc json.RawMessage
}

// MarshalJSON returns the object as posted.
func (c Config) MarshalJSON() ([]byte, error) {
	if c.Doc == nil {
		return []byte("null"), nil
	}
	return c.Doc, nil
}

// UnmarshalJSON keeps the object and reads its ref.
func (c *Config) UnmarshalJSON(b []byte) error {
	var head struct {
		Ref Ref `json:"ref"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	c.Ref = head.Ref
	c.Doc = append(json.RawMessage(nil), b...)
	return nil
}

// Args returns the "args" member, or nil when there is none.
func (c Config) Args() json.RawMessage {
	var body struct {
		Args json.RawMessage `json:"args"`
	}
	if json.Unmarshal(c.Doc, &body) != nil {
		return nil
	}
	return body.Args
}

// With returns the config with the members given replaced. The error is that it is
// no object.
func (c Config) With(ref Ref, args json.RawMessage) (Config, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(c.Doc, &members); err != nil {
		return Config{}, fmt.Errorf("read config of %s: %w", c.Ref, err)
	}
	if members == nil {
		return Config{}, errors.New("read the config: it is null")
	}
	name, err := json.Marshal(ref)
	if err != nil {
		return Config{}, err
	}
	members["ref"] = name
	if args != nil {
		members["args"] = args
	}
	doc, err := json.Marshal(members)
	if err != nil {
		return Config{}, fmt.Errorf("write config of %s: %w", c.Ref, err)
	}
	return Config{Ref: ref, Doc: doc}, nil
}

// UndoPolicy says what becomes of open undo records when a run ends and nobody has
// halted it. Those with an UndoAt are taken back then under any policy.
type UndoPolicy string

const (
	// UndoAuto takes them back if the run did not succeed; else they stay open. It
	// is the zero value's meaning too.
	UndoAuto UndoPolicy = "auto"
	// UndoKeep leaves the effect in place; the records become kept.
	UndoKeep UndoPolicy = "keep"
)

// Plan is a named pair of attack and planner, and what the planner made of it.
type Plan struct {
	ID      PlanID    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// Attack and Planner hold the configs as posted, secrets included.
	Attack  Config `json:"attack"`
	Planner Config `json:"planner"`
	// AttackSecrets and PlannerSecrets are JSON pointers into the configs to
	// values that are never shown.
	AttackSecrets  []string `json:"attack_secrets,omitempty"`
	PlannerSecrets []string `json:"planner_secrets,omitempty"`
	// Zone is the IANA zone in which times without an offset were read.
	Zone string `json:"zone"`
	// Timeout bounds each run of the plan.
	Timeout time.Duration `json:"timeout"`
	// MisfireGrace is how late an executor may still be started.
	MisfireGrace time.Duration `json:"misfire_grace"`
	UndoPolicy   UndoPolicy    `json:"undo_policy"`
	Seed         int64         `json:"seed"`
	// DryRun has every run of the plan only report what it would do.
	DryRun bool `json:"dry_run,omitempty"`
	// AllowIrreversible says that the caller knows that the attack can't be
	// undone.
	AllowIrreversible bool `json:"allow_irreversible,omitempty"`
	// Labels are the caller's own, for finding plans again.
	Labels map[string]string `json:"labels,omitempty"`

	// Counts and NextExecution are kept by the store; what is passed to
	// Store.CreatePlan is ignored.
	Counts        Counts    `json:"-"`
	NextExecution time.Time `json:"-"` // zero: none scheduled
}

// Counts tells how far the executors of a plan are.
type Counts struct {
	Total   int `json:"total"`
	Pending int `json:"pending"` // not in a final state
	// Unsettled executors have an undo that is open, under way or failed.
	Unsettled int `json:"unsettled"`
}

// Executed says whether nothing is left to do for the plan.
func (c Counts) Executed() bool { return c.Pending == 0 && c.Unsettled == 0 }
