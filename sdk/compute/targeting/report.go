package targeting

import (
	"encoding/json"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Bounds of a report. The host takes results of up to 256 KiB.
const (
	maxCandidates     = 500
	maxCandidateBytes = 88 << 10
	maxChosenBytes    = 40 << 10
	maxChangeBytes    = 64 << 10
)

// Report is the result document of a run that hits nodes: candidates, seed,
// choice, the provider's answer. It stays below 200 KiB: at most 500 candidates
// are named, fewer if their names are long, and as many of the chosen and of the
// changes as fit, which are hundreds of each. The rest is only counted.
type Report struct {
	Provider    string          `json:"provider"`
	Region      string          `json:"region,omitempty"`
	Seed        int64           `json:"seed"`
	DryRun      bool            `json:"dry_run,omitempty"`
	Candidates  json.RawMessage `json:"candidates"` // [{id, name, zone}]
	Found       int             `json:"candidates_count"`
	Excluded    int             `json:"excluded_count"`
	Chosen      []string        `json:"chosen"`
	ChosenCount int             `json:"chosen_count"`
	// Empty says why nobody was chosen, where that is no failure.
	Empty        string           `json:"empty,omitempty"`
	Changes      []compute.Change `json:"changes,omitempty"` // the provider's answer; see Answered
	ChangesCount int              `json:"changes_count,omitempty"`
}

// Report returns the report of the choice, before anything was done.
func (p Picked) Report() Report {
	return Report{
		Provider: p.Provider, Region: p.Region, Seed: p.Seed,
		Candidates: named(p.Candidates), Found: len(p.Candidates), Excluded: len(p.Excluded),
		Chosen: fitting(compute.IDs(p.Chosen), maxChosenBytes), ChosenCount: len(p.Chosen),
		Empty: p.Empty,
	}
}

// Answered adds a provider's answer, as far as there is room for it.
func (r *Report) Answered(changes []compute.Change) {
	r.ChangesCount += len(changes)
	r.Changes = fitting(append(r.Changes, changes...), maxChangeBytes)
}

// named lists the candidates by what people know them by.
func named(nodes []compute.Node) json.RawMessage {
	type name struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		Zone string `json:"zone,omitempty"`
	}
	names := make([]name, min(len(nodes), maxCandidates))
	for i := range names {
		names[i] = name{ID: nodes[i].ID, Name: nodes[i].Name, Zone: nodes[i].Zone}
	}
	doc, err := json.Marshal(fitting(names, maxCandidateBytes))
	if err != nil {
		panic(err) // texts alone can always be written as JSON
	}
	return doc
}

// fitting returns the first items, as many as take no more than so many bytes as
// JSON. The items are such that can be written as JSON.
func fitting[T any](items []T, limit int) []T {
	size := 0
	for i, item := range items {
		doc, err := json.Marshal(item)
		if err != nil {
			panic(err)
		}
		if size += len(doc) + len(","); size > limit {
			return items[:i:i]
		}
	}
	return items
}

// detail is what a target says of itself besides its id and name.
type detail struct {
	Provider string   `json:"provider"`
	Region   string   `json:"region,omitempty"`
	Zone     string   `json:"zone,omitempty"`
	Private  []string `json:"private,omitempty"`
	Public   []string `json:"public,omitempty"`
}

// Targets are the chosen nodes as the host records them, in a state such as
// "selected" or "hit".
func (p Picked) Targets(state string) []sdk.Target {
	targets := make([]sdk.Target, len(p.Chosen))
	for i, n := range p.Chosen {
		targets[i] = sdk.Target{
			ID: n.ID, Name: n.Name, State: state,
			Detail: detail{Provider: p.Provider, Region: p.Region, Zone: n.Zone, Private: n.Private, Public: n.Public},
		}
	}
	return targets
}

// TargetsOf are those of the chosen nodes that have one of the ids.
func (p Picked) TargetsOf(ids []string, state string) []sdk.Target {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var targets []sdk.Target
	for _, target := range p.Targets(state) {
		if wanted[target.ID] {
			targets = append(targets, target)
		}
	}
	return targets
}

// shortened cuts a text that is longer than so many bytes.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
