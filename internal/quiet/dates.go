package quiet

import (
	"fmt"
	"strings"
	"time"
)

// maxDates bounds a range of dates: longer ones are slips.
const maxDates = 366

// Dates are one whole date or several in a row.
type Dates struct{ first, last date }

// ParseDates reads YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD, both ends included.
func ParseDates(s string) (Dates, error) {
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	var (
		d   Dates
		err error
	)
	if d.first, err = parseDate(first); err != nil {
		return Dates{}, err
	}
	if d.last, err = parseDate(last); err != nil {
		return Dates{}, err
	}
	switch days := d.last.daysSince(d.first); {
	case days < 0:
		return Dates{}, fmt.Errorf("%q ends before it begins", s)
	case days >= maxDates:
		return Dates{}, fmt.Errorf("%q is longer than %d days", s, maxDates)
	}
	return d, nil
}

// String is the dates as ParseDates reads them.
func (d Dates) String() string {
	if d.first == d.last {
		return d.first.String()
	}
	return d.first.String() + ".." + d.last.String()
}

func (d Dates) span(zone *time.Location) (span, bool) {
	return spanOf(d.first.minute(0), d.last.minute(dayMinutes), zone)
}

// date is a day of the calendar, as its midnight in UTC.
type date struct{ midnight int64 }

const daySeconds = 24 * 60 * 60

func dateOf(t time.Time) date {
	year, month, day := t.Date()
	return date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()}
}

func parseDate(s string) (date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return date{}, fmt.Errorf("%q is not a date from 1970 to 2200: write it like 2026-12-24, "+
			"or 2026-12-24..2026-12-26", s)
	}
	return dateOf(t), nil
}

func (d date) plus(days int) date      { return date{d.midnight + int64(days)*daySeconds} }
func (d date) daysSince(e date) int    { return int((d.midnight - e.midnight) / daySeconds) }
func (d date) time() time.Time         { return time.Unix(d.midnight, 0).UTC() }
func (d date) weekday() time.Weekday   { return d.time().Weekday() }
func (d date) String() string          { return d.time().Format(time.DateOnly) }
func (d date) minute(n int) wallMinute { return wallMinute(d.midnight/60 + int64(n)) }
