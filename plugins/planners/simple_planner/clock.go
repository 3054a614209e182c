package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// clock is a time of day in seconds after midnight as a wall clock shows them,
// from 0 up to endOfDay.
type clock int

const endOfDay clock = 24 * 60 * 60

var clockForm = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$`)

// parseClock reads "HH:MM", "H:MM" and "HH:MM:SS". The error is a sentence for
// the person who wrote the plan.
func parseClock(text string) (clock, error) {
	parts := clockForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf(`%.20q is no time of day; write it as "09:30" or "09:30:15"`, text)
	}
	var hour, minute, second int
	for i, field := range []*int{&hour, &minute, &second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil {
			return 0, fmt.Errorf("read time of day %q: %w", text, err)
		}
		*field = n
	}
	c := clock(hour*3600 + minute*60 + second)
	if hour > 24 || minute > 59 || second > 59 || c > endOfDay {
		return 0, fmt.Errorf(`there is no %s on a clock: hours go from 0 to 23, minutes and seconds from 0 to 59, and "24:00" is the end of the day`, text)
	}
	return c, nil
}

// on returns the instant at which the clocks of the day's zone first show c, or
// jump past it, on the day's date.
func (c clock) on(day time.Time) time.Time {
	year, month, date := day.Date()
	return dates.Local(year, month, date, 0, 0, int(c), 0, day.Location())
}
