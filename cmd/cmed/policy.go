package main

import (
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// sayPolicy logs what the operator lets attacks do, and what is meant to confine
// them. What does confine a run is on its record.
func (d *daemon) sayPolicy() {
	d.log.Info("attacks that can't be undone: "+irreversibleWords(d.cfg.limits.Irreversible),
		"irreversible", string(d.cfg.limits.Irreversible))
	d.log.Info("limits of all plans together", limitFields(d.cfg)...)
	d.log.Info("isolation that is asked for", isolationFields(d.cfg)...)
	d.log.Info("the halt file is looked for", "file", d.haltFile.Path())
}

func irreversibleWords(p engine.IrreversiblePolicy) string {
	switch p {
	case engine.IrreversibleDeny:
		return "none runs"
	case engine.IrreversibleAsk:
		return "their plans must say allow_irreversible"
	default:
		return "they run like all others"
	}
}

// limitFields lists the limits that are set, as fields of a log line.
func limitFields(cfg *config) []any {
	l := cfg.limits
	fields := []any{"max_concurrent_runs", cfg.maxRuns}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"max_runs_per_ref", l.RunsPerRef},
		{"max_runs_per_plan", l.RunsPerPlan},
		{"max_runs_per_hour", l.RunsPerHour},
		{"max_open_undos", l.OpenUndos},
	} {
		if n.value > 0 {
			fields = append(fields, n.name, n.value)
		}
	}
	if len(l.Allow) > 0 {
		fields = append(fields, "allowed", strings.Join(l.Allow, " "))
	}
	if len(l.Deny) > 0 {
		fields = append(fields, "denied", strings.Join(l.Deny, " "))
	}
	if l.Quiet != nil {
		fields = append(fields, "quiet", fmt.Sprint(l.Quiet), "quiet_stops", l.QuietStops)
	}
	return fields
}

// isolationFields lists what runs are to be confined to.
func isolationFields(cfg *config) []any {
	fields := []any{"cgroup", cfg.cgroup}
	bounded := cfg.cgroup != "off"
	if bounded && cfg.runMemory > 0 {
		fields = append(fields, "run_memory", cfg.runMemory)
	}
	if bounded && cfg.runPids > 0 {
		fields = append(fields, "run_pids", cfg.runPids)
	}
	var confined, others []string
	for _, c := range cfg.confine {
		confined = append(confined, c.Ref)
	}
	for _, i := range cfg.runAs {
		others = append(others, i.Ref+"="+i.User)
	}
	if len(confined) > 0 {
		fields = append(fields, "confined", strings.Join(confined, " "))
	}
	if len(others) > 0 {
		fields = append(fields, "run_as", strings.Join(others, " "))
	}
	return fields
}
