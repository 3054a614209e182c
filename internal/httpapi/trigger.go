package httpapi

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// The texts that clients compare.
const (
	invalidTrigger = "Invalid trigger type"
	invalidDate    = "Invalid date format"
)

// parseTrigger reads the new due time out of the body of PUT /executors/{id}:
// {"type": "date", "args": {"date": …}}. Checked in the order body, type, date.
func (s *Server) parseTrigger(body []byte) (due time.Time, warnings []string, err error) {
	if err := validate(s.bodies.trigger, body); err != nil {
		return time.Time{}, nil, err
	}
	trigger, err := membersOf(body)
	if err != nil {
		return time.Time{}, nil, err
	}
	if text(trigger["type"]) != "date" {
		return time.Time{}, nil, invalid("/type", invalidTrigger, `the only type of trigger is "date"`)
	}
	if err := validate(s.bodies.date, body); err != nil {
		return time.Time{}, nil, err
	}
	args, err := membersOf(trigger["args"])
	if err != nil {
		return time.Time{}, nil, err
	}
	date := text(args["date"])
	if due, _, err = dates.Parse(date, s.zone()); err != nil {
		return time.Time{}, nil, invalid("/args/date", invalidDate, cmp.Or(dates.NoDay(date),
			"a date is YYYY-MM-DDTHH:mm:ss, with an offset or in the engine's zone, from 1970 to 2200"))
	}
	warnings = triggerWarnings(trigger, args)
	if doubt := dates.Doubt(date, s.zone()); doubt != "" {
		warnings = append(warnings, doubt)
	}
	return due, warnings, nil
}

func triggerWarnings(trigger, args map[string]json.RawMessage) []string {
	return append(
		unknownMembers(trigger, []string{"type", "args"}, ""),
		unknownMembers(args, []string{"date"}, ` in "args"`)...,
	)
}
