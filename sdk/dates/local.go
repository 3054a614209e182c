package dates

import "time"

// look is how far from a wall-clock time its instant can be: no zone has ever
// been a whole day and a bit away from UTC (tz database: -15:13:42 to
// +15:13:42).
const look = 26 * time.Hour

// Local returns the instant at which the clocks in loc show the time given. A
// time that the clocks skip is the first instant after the gap, a time that
// they show twice is the first of the two. Values outside their range are
// carried over as time.Date does: the 32nd of October is the 1st of November.
//
// time.Date makes neither choice: it shifts a skipped time by the width of the
// gap, and which of two equal times it takes is not promised.
func Local(year int, month time.Month, day, hour, minute, sec, nsec int, loc *time.Location) time.Time {
	wall := time.Date(year, month, day, hour, minute, sec, nsec, time.UTC)
	// Walk the stretches of constant offset, oldest first; the first one that
	// has reached the wall time holds the answer.
	for at := wall.Add(-look).In(loc); ; {
		start, end := at.ZoneBounds()
		_, offset := at.Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if !start.IsZero() && t.Before(start) {
			return start
		}
		if end.IsZero() || t.Before(end) {
			return t
		}
		at = end
	}
}
