package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// Kind tells attacks from planners.
type Kind string

// The kinds.
const (
	KindAttack  Kind = "attack"
	KindPlanner Kind = "planner"
)

// Effect says what remains of an attack when it has run.
type Effect string

// The effects.
const (
	EffectNone         Effect = "none"
	EffectSelfLimiting Effect = "self_limiting"
	EffectUndoable     Effect = "undoable"
	EffectIrreversible Effect = "irreversible"
)

// Descriptor is what a plugin says of one ref.
type Descriptor struct {
	Ref         Ref               `json:"ref"`
	Aliases     []Ref             `json:"aliases,omitempty"`
	Kind        Kind              `json:"kind"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Version     string            `json:"version,omitempty"`
	Schema      json.RawMessage   `json:"schema"` // of the whole {ref, args}
	Examples    []json.RawMessage `json:"examples,omitempty"`
	Effect      Effect            `json:"effect"`
	CanUndo     bool              `json:"can_undo,omitempty"`
	// CanDryRun: a run with Start.DryRun does no harm and says what it would do.
	CanDryRun bool `json:"can_dry_run,omitempty"`
	// CanListTargets: Host.Targets works.
	CanListTargets bool `json:"can_list_targets,omitempty"`
	// CanCheck: Host.Check works.
	CanCheck bool     `json:"can_check,omitempty"`
	Env      []string `json:"env,omitempty"`
	Watch    []string `json:"watch,omitempty"`
}

// Offer is a ref that can be used now: a descriptor and the binary behind it.
type Offer struct {
	Descriptor
	// Digest is the sha256 of the binary in hex; only a copy with this digest
	// is executed for this offer.
	Digest string
	// Plugin is the name of the plugin file in its folder.
	Plugin string
	// Compiled is Descriptor.Schema, ready to validate.
	Compiled *schema.Schema
	// EnvWithheld lists variables it asks for that the daemon has and it is not
	// granted; EnvHint is the flag that grants them.
	EnvWithheld []string
	EnvHint     string
}

// Withheld says in words which variables it asks for in vain; "" if none.
func (o Offer) Withheld() string {
	if len(o.EnvWithheld) == 0 {
		return ""
	}
	return fmt.Sprintf("%s asks for %s, which this daemon has in its environment and does not let it see; to change that, start cmed with %s",
		o.Ref, strings.Join(o.EnvWithheld, ", "), o.EnvHint)
}

// PluginState is what became of a file in a plugin folder.
type PluginState string

// The states of a plugin file.
const (
	PluginReady        PluginState = "ready"
	PluginBroken       PluginState = "broken"
	PluginConflict     PluginState = "conflict"
	PluginIncompatible PluginState = "incompatible"
	// PluginIgnored files are listed and never executed.
	PluginIgnored PluginState = "ignored"
	// PluginGone is the state of a file that is no longer there, in a Change.
	PluginGone PluginState = "gone"
)

// PluginFile is one file seen in a plugin folder.
type PluginFile struct {
	Kind   Kind         `json:"kind"` // the folder it was seen in
	Path   string       `json:"path"` // relative to the folder
	SHA256 string       `json:"sha256,omitempty"`
	Refs   []Ref        `json:"refs"`
	State  PluginState  `json:"state"`
	SDK    string       `json:"sdk,omitempty"`
	Error  *PluginError `json:"error,omitempty"`
	// Warnings are what the plugin says it would offer too, but can't.
	Warnings []string `json:"warnings,omitempty"`
	// EnvRefused lists variables asked for and not granted.
	EnvRefused []string `json:"env_refused,omitempty"`
	// EnvHint is the flag that grants them.
	EnvHint string `json:"env_hint,omitempty"`
}

// PluginError says why a plugin file does not serve.
type PluginError struct {
	Stage   string `json:"stage"` // stat, copy, describe, decode, schema, example, ref, conflict, handshake, permissions
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Stderr  string `json:"stderr,omitempty"`
}
