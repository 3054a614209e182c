package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestADryRunPlanRunsAllTheWayAsOne(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.planWith(engine.PlanSpec{Name: "p", Attack: config(noop, nil), DryRun: true}, time.Second)
		in(2 * time.Second)
		if ex := d.is(plan.ID, engine.Succeeded); !ex.DryRun {
			t.Error("the executor does not say that it is a dry run")
		}
		if len(d.stage.startsSeen()) != 1 || !d.stage.startsSeen()[0].DryRun {
			t.Errorf("starts %+v", d.stage.starts)
		}
	})
}

func TestADryRunIsRefusedWhereItIsNotDeclared(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		later := d.planWith(engine.PlanSpec{Name: "p", Attack: config(noop, nil), DryRun: true}, time.Minute)
		d.stage.noDryRun = true // the plugin is replaced
		_, err := d.CreatePlan(t.Context(), engine.PlanSpec{
			Name: "p", Attack: config(noop, nil), DryRun: true,
			Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
		})
		if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), "does not offer dry runs") {
			t.Errorf("%v", err)
		}
		in(2 * time.Minute)
		d.is(later.ID, engine.Failed)
		if len(d.stage.startsSeen()) != 0 {
			t.Error("it ran for real")
		}
	})
}

func TestAPreviewShowsTimesAndTargetsAndStoresNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var asked engine.TargetsCall
		d.stage.targets = func(call engine.TargetsCall) ([]engine.Target, error) {
			asked = call
			return []engine.Target{{ID: "vm-1", Name: "has tok-12345 in it"}}, nil
		}
		seed := int64(7)
		spec := engine.PlanSpec{
			Name: "p", Attack: config(noop, map[string]any{"token": "tok-12345"}), Seed: &seed,
			Planner: config(listed, map[string]any{"at": instants(-time.Hour, time.Hour, 2*time.Hour)}),
		}
		p, err := d.PreviewPlan(t.Context(), spec)
		if err != nil || len(p.Executors) != 3 || len(p.Targets) != 1 || len(p.Warnings) != 1 || p.Plan.Counts.Pending != 2 {
			t.Fatalf("%+v, %v", p, err)
		}
		if p.Executors[0].State != engine.Missed || asked.Seed != p.Executors[0].Seed || !strings.Contains(string(asked.Config.Doc), "tok-12345") {
			t.Errorf("asked %+v for %+v", asked, p.Executors[0])
		}
		if strings.Contains(p.Targets[0].Name+string(p.Plan.Attack.Doc), "tok-12345") {
			t.Errorf("the secret is shown: %+v", p)
		}
		plans, _, err := d.Plans(t.Context(), engine.PlanQuery{All: true})
		if err != nil || len(plans) != 0 {
			t.Errorf("%d plans stored, %v", len(plans), err)
		}
		d.stage.targets = func(engine.TargetsCall) ([]engine.Target, error) {
			return nil, &engine.Failure{Message: "the cloud says no to tok-12345"}
		}
		if p, err = d.PreviewPlan(t.Context(), spec); err != nil || p.Targets != nil || p.TargetsError != "the cloud says no to [redacted]" {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestAPreviewShowsWhatQuietHoursBlock(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) { // begins at midnight
		under(d, engine.Limits{Quiet: nights{}})
		p, err := d.PreviewPlan(t.Context(), engine.PlanSpec{
			Name: "p", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Hour, 9*time.Hour)}),
		})
		if err != nil || p.Plan.Counts.Pending != 1 || p.Executors[0].State != engine.Blocked || p.Executors[1].State != engine.Scheduled {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
