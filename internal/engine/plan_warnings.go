package engine

import (
	"fmt"
	"time"
)

// justNow is how long past an instant may be for whoever posts a plan to mean now.
const justNow = 5 * time.Second

// warnings says what the caller should know of a plan that was accepted.
func (e *Engine) warnings(d *draft, planned Planned, executors []Executor) []string {
	p := d.plan
	var out []string
	if withheld := d.attack.Withheld(); withheld != "" {
		out = append(out, withheld)
	}
	missed, overdue := 0, 0
	for _, ex := range executors {
		switch {
		case ex.State == Missed:
			missed++
		case ex.State == Scheduled && p.Created.Sub(ex.Due) > justNow:
			overdue++
		}
	}
	if missed > 0 {
		out = append(out, fmt.Sprintf("%d of %s will not run: the time had passed when the plan was made; "+
			"post it with later times, or move what is stored with PUT /api/1/executors/{id}",
			missed, count(len(executors), "executor")))
	}
	if overdue > 0 {
		out = append(out, fmt.Sprintf("%d of %s due at once: the time has passed, by less than the plan's misfire grace",
			overdue, count(len(executors), "executor")))
	}
	out = append(out, e.obstacles(executors)...)
	if planned.ZoneUsed && e.settings.ZoneAssumed && p.Zone == e.settings.Zone.String() {
		out = append(out, fmt.Sprintf("times without an offset were read in %s, the default, which is not this machine's zone; "+
			"the first is %s; choose the zone with --timezone or the plan's timezone",
			p.Zone, executors[0].Due.Format(time.RFC3339)))
	}
	return out
}

// obstacles says what would keep executors from starting as things are now.
func (e *Engine) obstacles(executors []Executor) []string {
	var out []string
	if why := e.lever.refuses(); why != "" {
		out = append(out, why+"; what is due before it is released will be blocked")
	}
	quiet, example := 0, ""
	if e.settings.Limits.Quiet == nil {
		return out
	}
	for _, ex := range executors {
		if words := e.settings.Limits.Quiet.At(ex.Due); words != "" && ex.State == Scheduled {
			quiet++
			example = words
		}
	}
	if quiet > 0 {
		out = append(out, fmt.Sprintf("%d of %s will be blocked: they are due in quiet hours (%s)",
			quiet, count(len(executors), "executor"), example))
	}
	return out
}
