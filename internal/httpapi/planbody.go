package httpapi

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// maxSpan bounds the durations of a plan.
const maxSpan = 30 * 24 * time.Hour

// parsePlan makes a spec of a plan's body, which is valid JSON. The warnings
// tell what in it was ignored.
func (s *Server) parsePlan(body []byte) (engine.PlanSpec, []string, error) {
	if err := validate(s.bodies.plan, body); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	members, err := membersOf(body)
	if err != nil {
		return engine.PlanSpec{}, nil, err
	}
	if err := refuseMisspelt(members, "dry_run"); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	spec := engine.PlanSpec{
		Name:              text(members["name"]),
		Zone:              text(members["timezone"]),
		UndoPolicy:        engine.UndoPolicy(text(members["undo"])),
		DryRun:            isTrue(members["dry_run"]),
		AllowIrreversible: isTrue(members["allow_irreversible"]),
	}
	if spec.Attack, err = configOf(members["attack"]); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	if spec.Planner, err = configOf(members["planner"]); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	if _, given := members["timezone"]; given {
		if err := checkZone(spec.Zone); err != nil {
			return engine.PlanSpec{}, nil, err
		}
	}
	if spec.Timeout, err = span(members, "timeout"); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	if spec.MisfireGrace, err = span(members, "misfire_grace"); err != nil {
		return engine.PlanSpec{}, nil, err
	}
	if seed, given := members["seed"]; given {
		if spec.Seed, err = integer(seed); err != nil {
			return engine.PlanSpec{}, nil, err
		}
	}
	if labels, given := members["labels"]; given {
		if err := json.Unmarshal(labels, &spec.Labels); err != nil {
			return engine.PlanSpec{}, nil, fmt.Errorf("read labels: %w", err)
		}
	}
	return spec, unknownMembers(members, planMembers, ""), nil
}

// isTrue reads a member that the schema says is a boolean; false when absent.
func isTrue(member json.RawMessage) bool { return string(member) == "true" }

// configOf takes the whole object of an attack or planner.
func configOf(doc json.RawMessage) (engine.Config, error) {
	members, err := membersOf(doc)
	if err != nil {
		return engine.Config{}, err
	}
	return engine.Config{Ref: engine.Ref(text(members["ref"])), Doc: doc}, nil
}

// checkZone wants the name of an IANA zone. "Local" is whatever the machine is
// set to, which a plan must not depend on.
func checkZone(name string) error {
	_, err := time.LoadLocation(name)
	if err == nil && name != "" && name != "Local" {
		return nil
	}
	msg := fmt.Sprintf("%q is not a known time zone; one is \"Europe/Madrid\"", name)
	if near := nearest.Zone(name); near != "" {
		msg = fmt.Sprintf("%q is not a known time zone; did you mean %q?", name, near)
	}
	return invalid("/timezone", invalidPayload(msg), msg)
}

// span reads a duration: a text like "30s" or "1h30m", or a number of seconds.
// 0 when absent.
func span(members map[string]json.RawMessage, name string) (time.Duration, error) {
	raw, given := members[name]
	if !given {
		return 0, nil
	}
	d, ok := parseSpan(raw)
	if ok && d > 0 && d <= maxSpan {
		return d, nil
	}
	msg := fmt.Sprintf("%s is a duration like \"30s\" or \"5m\", or a number of seconds; more than 0, at most %.0f hours, not %s",
		name, maxSpan.Hours(), raw)
	return 0, invalid("/"+name, invalidPayload(msg), msg)
}

// spanText writes a duration as span reads it, without the parts that are zero:
// "15m", not "15m0s".
func spanText(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

func parseSpan(raw json.RawMessage) (time.Duration, bool) {
	if strings.HasPrefix(string(raw), `"`) {
		d, err := time.ParseDuration(strings.TrimSpace(text(raw)))
		return d, err == nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(seconds) > 2*maxSpan.Seconds() {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}

// integer reads a number that the schema says is a whole one within what a
// float64 holds exactly; JSON allows it to be written 5.0 or 5e3.
func integer(raw json.RawMessage) (*int64, error) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, fmt.Errorf("read integer: %w", err)
	}
	n := int64(f)
	return &n, nil
}
