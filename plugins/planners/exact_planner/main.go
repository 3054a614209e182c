// Command exact_planner is a planner plugin: it schedules one run of a plan's
// attack at the date given.
//
//	{"ref": "exact_planner:ExactPlanner", "args": {"date": "2016-06-21T15:30:12+02:00"}}
//
// The date is read in all forms the API reads (see accepted). One without an
// offset is in the engine's zone. A date already past is planned too: the
// engine decides what becomes of it, and says so.
package main

import (
	"context"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// Args is what the planner is configured with.
type Args struct {
	Date string `json:"date" jsonschema:"minLength=1" jsonschema_description:"When to run the attack: YYYY-MM-DD, optionally followed by THH:mm, THH:mm:ss or THH:mm:ss.f and by Z or an offset such as +02:00; or seconds since 1970 as a string. Without an offset it is in the engine's time zone." ui:"widget=datetime"`
}

func main() {
	sdk.Serve(sdk.Planner[Args]{
		Info: sdk.Info{
			Ref:         "exact_planner:ExactPlanner",
			Title:       "Exact planner",
			Description: "Schedules one run of the attack at the date given.",
			Version:     sdk.Version,
			Example:     Args{Date: "2016-06-21T15:30:12+02:00"},
		},
		Plan: plan,
	})
}

// plan answers one execution, named as the plan.
func plan(_ context.Context, req *sdk.PlanRequest[Args]) ([]sdk.Execution, error) {
	at, err := instant(req.Args.Date, req.ParseDate)
	if err != nil {
		return nil, err
	}
	return []sdk.Execution{{At: at, Name: req.Name}}, nil
}

// instant reads the date with parse. Its refusal begins with the words that
// clients of the Chaos Monkey Engine compare.
func instant(date string, parse func(string) (time.Time, error)) (time.Time, error) {
	at, err := parse(date)
	if err != nil {
		if words := dates.NoDay(date); words != "" {
			return time.Time{}, sdk.Invalid("/date", "Invalid date format: %s", words)
		}
		return time.Time{}, sdk.Invalid("/date", "Invalid date format: %.40q is not one of %s", date, accepted)
	}
	return at, nil
}

// accepted lists the forms of a date in words.
const accepted = `"2026-06-21", "2026-06-21T15:30", "2026-06-21T15:30:12" or "2026-06-21 15:30:12.5", ` +
	`each with a time also with "Z" or an offset such as "+02:00", or seconds since 1970 as a string such as "1782055812"; ` +
	`from 1970 up to the year 2200`
