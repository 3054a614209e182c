package httpapi

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// planDocument is a plan. ExecutorsCount counts those that are not final, as
// the Chaos Monkey Engine did.
type planDocument struct {
	ID             engine.PlanID `json:"id"`
	Name           string        `json:"name"`
	Created        *string       `json:"created"`
	Attack         engine.Config `json:"attack"`
	Planner        engine.Config `json:"planner"`
	ExecutorsCount int           `json:"executors_count"`
	NextExecution  *string       `json:"next_execution"`
	Executed       bool          `json:"executed"`
	Timezone       string        `json:"timezone"`
	planOptions
	DryRun bool `json:"dry_run"`
	// AllowIrreversible is the caller's word that the attack can't be undone.
	AllowIrreversible bool `json:"allow_irreversible"`
	// Labels are the caller's own.
	Labels map[string]string `json:"labels,omitempty"`
	Links  planLinks         `json:"_links"`
}

// planOptions are what a plan was given, or the engine's defaults for it, as a plan
// may be given them again.
type planOptions struct {
	Timeout      string            `json:"timeout"`
	MisfireGrace string            `json:"misfire_grace"`
	Undo         engine.UndoPolicy `json:"undo"`
	Seed         int64             `json:"seed"`
}

func newPlanOptions(p engine.Plan) planOptions {
	return planOptions{
		Timeout:      spanText(p.Timeout),
		MisfireGrace: spanText(p.MisfireGrace),
		Undo:         cmp.Or(p.UndoPolicy, engine.UndoAuto),
		Seed:         p.Seed,
	}
}

type planLinks struct {
	Self      link `json:"self"`
	Update    link `json:"update"`
	Delete    link `json:"delete"`
	Executors link `json:"executors"`
	// Next is where the executors go on that a plan's document has no room for.
	Next *link `json:"next,omitempty"`
}

// createdPlan is the answer to a POST.
type createdPlan struct {
	planDocument
	Msg      string   `json:"msg"`
	Warnings []string `json:"_warnings,omitempty"`
}

// planWithExecutors is a plan on its own.
type planWithExecutors struct {
	planDocument
	// ExecutorsTotal counts all executors, final ones too.
	ExecutorsTotal int           `json:"executors_total"`
	Embedded       planExecutors `json:"_embedded"`
}

type planExecutors struct {
	Executors json.RawMessage `json:"executors"`
}

func newPlanDocument(p engine.Plan, zone *time.Location) planDocument {
	self := link{Href: planHref(p.ID)}
	return planDocument{
		ID:                p.ID,
		Name:              p.Name,
		Created:           showTime(p.Created, zone),
		Attack:            p.Attack,
		Planner:           p.Planner,
		ExecutorsCount:    p.Counts.Pending,
		NextExecution:     showTime(p.NextExecution, zone),
		Executed:          p.Counts.Executed(),
		Timezone:          p.Zone,
		planOptions:       newPlanOptions(p),
		DryRun:            p.DryRun,
		AllowIrreversible: p.AllowIrreversible,
		Labels:            p.Labels,
		Links: planLinks{
			Self:      self,
			Update:    self,
			Delete:    self,
			Executors: link{Href: planExecutorsHref(p.ID)},
		},
	}
}

func planHref(id engine.PlanID) string { return plansPath + string(id) }

func planExecutorsHref(id engine.PlanID) string {
	return executorsPath + "?plan_id=" + string(id) + "&executed=true"
}
