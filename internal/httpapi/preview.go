package httpapi

import (
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// previewDocument is what a plan would be. Nothing in it has an id or a link:
// nothing of it exists.
type previewDocument struct {
	Msg      string        `json:"msg"`
	Name     string        `json:"name"`
	Attack   engine.Config `json:"attack"`
	Planner  engine.Config `json:"planner"`
	Timezone string        `json:"timezone"`
	// Of these the seed, given with the plan, has it planned and run with the same
	// choices.
	planOptions
	DryRun bool `json:"dry_run"`
	// Effect is what would remain of the attack.
	Effect engine.Effect `json:"effect,omitempty"`
	// ExecutorsCount counts those that would run, ExecutorsTotal all.
	ExecutorsCount int               `json:"executors_count"`
	ExecutorsTotal int               `json:"executors_total"`
	Executors      []previewExecutor `json:"executors"` // at most maxPage
	// Targets are whom the attack would hit now; null: it can't tell.
	Targets      []engine.Target `json:"targets"`
	TargetsError *string         `json:"targets_error"` // why they could not be listed
	warned
}

// previewExecutor is an executor that would be made.
type previewExecutor struct {
	Name        string       `json:"name"`
	NextRunTime *string      `json:"next_run_time"`
	Executed    bool         `json:"executed"`
	State       engine.State `json:"state"`
	Reason      string       `json:"reason"`
	Seed        int64        `json:"seed"`
	DryRun      bool         `json:"dry_run"`
	AttackRef   engine.Ref   `json:"attack_ref"`
}

// previewPlan shows what the plan would be.
func (s *Server) previewPlan(w http.ResponseWriter, r *http.Request, spec engine.PlanSpec, warnings []string) error {
	preview, err := s.engine.PreviewPlan(r.Context(), spec)
	if err != nil {
		return err
	}
	doc := newPreviewDocument(preview, s.zone())
	doc.Warnings = append(warnings, preview.Warnings...)
	if offer, err := s.engine.Offer(engine.KindAttack, preview.Plan.Attack.Ref); err == nil {
		doc.Effect = offer.Effect
	}
	return send(w, r, http.StatusOK, doc)
}

func newPreviewDocument(p engine.Preview, zone *time.Location) previewDocument {
	doc := previewDocument{
		Msg:            "dry run: nothing was stored",
		Name:           p.Plan.Name,
		Attack:         p.Plan.Attack,
		Planner:        p.Plan.Planner,
		Timezone:       p.Plan.Zone,
		planOptions:    newPlanOptions(p.Plan),
		DryRun:         p.Plan.DryRun,
		ExecutorsTotal: len(p.Executors),
		Executors:      make([]previewExecutor, 0, min(len(p.Executors), maxPage)),
		Targets:        p.Targets,
	}
	if p.TargetsError != "" {
		doc.TargetsError = &p.TargetsError
	}
	for _, e := range p.Executors {
		if !e.State.Final() {
			doc.ExecutorsCount++
		}
		if len(doc.Executors) < maxPage {
			doc.Executors = append(doc.Executors, newPreviewExecutor(e, zone))
		}
	}
	return doc
}

func newPreviewExecutor(e engine.Executor, zone *time.Location) previewExecutor {
	return previewExecutor{
		Name:        e.Name,
		NextRunTime: showTime(e.Due, zone),
		Executed:    e.State.Final(),
		State:       e.State,
		Reason:      e.Reason,
		Seed:        e.Seed,
		DryRun:      e.DryRun,
		AttackRef:   e.AttackRef,
	}
}
