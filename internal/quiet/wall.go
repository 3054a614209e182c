package quiet

import "time"

// wallMinute is a minute that the wall clock may show: minutes since 1970 as if
// the zone were UTC. In a zone whose clock jumps it comes once, twice or never.
type wallMinute int64

// farthest is more than any zone was ever from UTC.
const farthest = 26 * time.Hour

// occurrences returns the first and the last instant at which the clock of the
// zone shows m. When it never does, both are the first instant at which it shows
// more, and found is false.
func (m wallMinute) occurrences(zone *time.Location) (first, last time.Time, found bool) {
	shown := time.Unix(int64(m)*60, 0).UTC()
	for at := shown.Add(-farthest).In(zone); ; {
		_, offset := at.Zone()
		begin, end := at.ZoneBounds() // zero: no bound
		instant := shown.Add(-time.Duration(offset) * time.Second)
		switch {
		case !instant.Before(at) && (end.IsZero() || instant.Before(end)):
			if !found {
				first = instant
			}
			last, found = instant, true
		case !found && first.IsZero() && instant.Before(begin):
			first, last = begin.UTC(), begin.UTC()
		}
		if end.IsZero() || end.After(shown.Add(farthest)) {
			return first, last, found
		}
		at = end
	}
}

// span is a time between two instants, the end not included.
type span struct{ begin, end time.Time }

func (s span) contains(t time.Time) bool { return !t.Before(s.begin) && t.Before(s.end) }

// spanOf returns the instants from the first one that shows from to the last
// one that shows less than until, or false when there are none.
func spanOf(from, until wallMinute, zone *time.Location) (span, bool) {
	var s span
	s.begin, _, _ = from.occurrences(zone)
	_, end, found := (until - 1).occurrences(zone)
	if found {
		end = end.Add(time.Minute)
	}
	s.end = end
	return s, s.begin.Before(s.end)
}
