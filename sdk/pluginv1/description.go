package pluginv1

import (
	"encoding/json"
	"fmt"
)

// Description is what a plugin prints when called with DescribeArg: the same as
// DescribeResponse, as JSON that people can read.
type Description struct {
	Protocol int     `json:"protocol"` // Version
	SDK      string  `json:"sdk,omitempty"`
	Offers   []Offer `json:"offers"`
	// Watch lists files and folders whose change makes all of this stale. With
	// any, a plugin may offer nothing for now.
	Watch []string `json:"watch,omitempty"`
	// Warnings are for the operator: what the plugin would offer too, but can't.
	Warnings []string `json:"warnings,omitempty"`
}

// What a host takes of one file. With more it refuses the whole description.
const (
	// MaxOffers bounds the offers.
	MaxOffers = 256
	// MaxWatched bounds the files and folders that are watched, those of the
	// offers too.
	MaxWatched = 1000
)

// Watched counts the files and folders that are watched, those of the offers too.
func (d *Description) Watched() int {
	n := len(d.Watch)
	for _, o := range d.Offers {
		n += len(o.Watch)
	}
	return n
}

// Offer is the JSON form of a Descriptor.
type Offer struct {
	Ref         string            `json:"ref"`
	Aliases     []string          `json:"aliases,omitempty"`
	Kind        string            `json:"kind"` // attack, planner
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Version     string            `json:"version,omitempty"`
	Schema      json.RawMessage   `json:"schema"`
	Examples    []json.RawMessage `json:"examples,omitempty"`
	Effect      string            `json:"effect,omitempty"` // none, self_limiting, undoable, irreversible
	CanUndo     bool              `json:"can_undo,omitempty"`
	CanDryRun   bool              `json:"can_dry_run,omitempty"`
	// CanListTargets: the plugin answers Targets.
	CanListTargets bool `json:"can_list_targets,omitempty"`
	// CanCheck: the plugin answers Check.
	CanCheck bool     `json:"can_check,omitempty"`
	Env      []string `json:"env,omitempty"`
	Watch    []string `json:"watch,omitempty"`
}

var kinds = map[string]Kind{"attack": Kind_KIND_ATTACK, "planner": Kind_KIND_PLANNER}

var effects = map[string]Effect{
	"":              Effect_EFFECT_UNSPECIFIED,
	"none":          Effect_EFFECT_NONE,
	"self_limiting": Effect_EFFECT_SELF_LIMITING,
	"undoable":      Effect_EFFECT_UNDOABLE,
	"irreversible":  Effect_EFFECT_IRREVERSIBLE,
}

// Response returns the description as the RPC answers it. An unknown kind or
// effect is an error.
func (d Description) Response() (*DescribeResponse, error) {
	r := &DescribeResponse{Sdk: d.SDK, Watch: d.Watch, Warnings: d.Warnings}
	for _, o := range d.Offers {
		kind, ok := kinds[o.Kind]
		if !ok {
			return nil, fmt.Errorf("%s: kind %q is neither attack nor planner", o.Ref, o.Kind)
		}
		effect, ok := effects[o.Effect]
		if !ok {
			return nil, fmt.Errorf("%s: unknown effect %q", o.Ref, o.Effect)
		}
		examples := make([][]byte, len(o.Examples))
		for i, e := range o.Examples {
			examples[i] = e
		}
		r.Offers = append(r.Offers, &Descriptor{
			Ref: o.Ref, Aliases: o.Aliases, Kind: kind, Title: o.Title, Description: o.Description,
			Version: o.Version, Schema: o.Schema, Examples: examples, Effect: effect,
			CanUndo: o.CanUndo, CanDryRun: o.CanDryRun, CanListTargets: o.CanListTargets, CanCheck: o.CanCheck,
			Env: o.Env, Watch: o.Watch,
		})
	}
	return r, nil
}

// Describe returns the description that the RPC answered.
func (r *DescribeResponse) Describe() Description {
	d := Description{
		Protocol: Version, SDK: r.GetSdk(), Offers: []Offer{}, Watch: r.GetWatch(), Warnings: r.GetWarnings(),
	}
	for _, o := range r.GetOffers() {
		examples := make([]json.RawMessage, len(o.GetExamples()))
		for i, e := range o.GetExamples() {
			examples[i] = e
		}
		d.Offers = append(d.Offers, Offer{
			Ref: o.GetRef(), Aliases: o.GetAliases(), Kind: nameOf(kinds, o.GetKind()), Title: o.GetTitle(),
			Description: o.GetDescription(), Version: o.GetVersion(), Schema: o.GetSchema(), Examples: examples,
			Effect: nameOf(effects, o.GetEffect()), CanUndo: o.GetCanUndo(), CanDryRun: o.GetCanDryRun(),
			CanListTargets: o.GetCanListTargets(), CanCheck: o.GetCanCheck(), Env: o.GetEnv(), Watch: o.GetWatch(),
		})
	}
	return d
}

// nameOf returns the name of a value, "" for one that has none.
func nameOf[V comparable](names map[string]V, value V) string {
	for name, v := range names {
		if v == value {
			return name
		}
	}
	return ""
}
