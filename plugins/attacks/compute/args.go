package main

import (
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// nodeArgs are the args of all attacks together. Each has those of them that
// mean something to it; its schema refuses the others.
type nodeArgs struct {
	targeting.Args
	Wait         *sdk.Duration `json:"wait,omitempty" jsonschema:"default=5m" jsonschema_description:"How long the run waits, once the provider has taken the order, for the nodes to be in their final state; if they are not by then, it fails. 0s: it doesn't wait." ui:"group=Run"`
	UndoAfter    *sdk.Duration `json:"undo_after,omitempty" jsonschema_description:"How long after the order, more than 0, the nodes are brought back by themselves, also when cmed was restarted meanwhile. Without it they stay as they are until somebody halts the run." ui:"group=Run"`
	AllowRemoval bool          `json:"allow_removal,omitempty" jsonschema:"default=false" jsonschema_description:"Also hit containers that Docker removes as soon as they end (docker run --rm): no undo can bring those back. Otherwise a run that has chosen one fails and nobody is hit." ui:"group=Targets"`
}

// defaultWait is how long a run waits that doesn't say.
const defaultWait = 5 * time.Minute

func (a nodeArgs) wait() time.Duration {
	if a.Wait == nil {
		return defaultWait
	}
	return time.Duration(*a.Wait)
}

func (a nodeArgs) undoAfter() time.Duration {
	if a.UndoAfter == nil {
		return 0
	}
	return time.Duration(*a.UndoAfter)
}

func (a nodeArgs) check() error {
	if a.Filters == nil {
		return sdk.Invalid("/filters", "filters are missing; empty filters, {}, mean every running node")
	}
	if a.UndoAfter != nil && *a.UndoAfter == 0 {
		return sdk.Invalid("/undo_after", "undo_after is 0, and must be more than 0")
	}
	return nil
}

// configured are the args of one attack.
type configured interface{ common() nodeArgs }

func (a nodeArgs) common() nodeArgs { return a }

type (
	terminateArgs   struct{ nodeArgs }
	notExcludedArgs struct{ nodeArgs }
	stopArgs        struct{ nodeArgs }
	rebootArgs      struct{ nodeArgs }
	containerArgs   struct{ nodeArgs }
	pauseArgs       struct{ nodeArgs }
)

// JSONSchemaExtend fits the derived schema to the attack.
func (terminateArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	ofAnyProvider(s)
	without(s, "undo_after", "allow_removal")
}

// JSONSchemaExtend fits the derived schema to the attack.
func (notExcludedArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	terminateArgs{}.JSONSchemaExtend(s)
	s.Required = append(s.Required, "excluded")
	one := uint64(1)
	property(s, "excluded").MinProperties = &one
}

// JSONSchemaExtend fits the derived schema to the attack.
func (stopArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	ofAnyProvider(s)
	filters := property(s, "filters")
	filters.Description = strings.Replace(filters.Description, anyState, "Only running nodes are candidates, whatever the filters say.", 1)
}

// JSONSchemaExtend fits the derived schema to the attack.
func (rebootArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	ofAnyProvider(s)
	without(s, "wait", "undo_after", "allow_removal")
}

// JSONSchemaExtend fits the derived schema to the attack.
func (containerArgs) JSONSchemaExtend(s *jsonschema.Schema) { ofContainers(s) }

// JSONSchemaExtend fits the derived schema to the attack.
func (pauseArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	ofContainers(s)
	without(s, "allow_removal")
}

// anyState is what the description of filters says where a harm can be done to
// what doesn't run.
const anyState = "Only running nodes are candidates unless a filter is about the state (instance-state-name, state)."

func ofAnyProvider(s *jsonschema.Schema) {
	s.Required = append(s.Required, "filters")
	provider := property(s, "provider")
	provider.Enum = []any{providerEC2, providerDocker}
	provider.Default = providerEC2
}

func ofContainers(s *jsonschema.Schema) {
	s.Required = append(s.Required, "filters")
	without(s, "provider", "region")
	property(s, "filters").Description = `Which containers are candidates: those that match every filter by at least one of its values, ` +
		`where * stands for any text and ? for one character. Known are id, name, image, state (or instance-state-name), label:KEY (or tag:KEY), label-key (or tag-key), network and compose-project: ` +
		`{"label:chaos": "true", "name": ["web-*", "api-*"]}. Only running containers are candidates, whatever the filters say, and never the one that cmed itself runs in. ` +
		`Empty filters, {}, mean every running container.`
	property(s, "excluded").Description = `Filters for containers that must not be hit: one that matches any of them, in whatever state, ` +
		`is no candidate. Written like filters: {"name": "*-db", "label:critical": "true"}.`
	property(s, "dry_run").Description = "Choose and record whom the attack would hit, and check that they are there and in a state that allows it, " +
		"but hit nobody. The same as dry_run of the plan."
}

func property(s *jsonschema.Schema, name string) *jsonschema.Schema { return s.Properties.Value(name) }

func without(s *jsonschema.Schema, names ...string) {
	for _, name := range names {
		s.Properties.Delete(name)
	}
}
