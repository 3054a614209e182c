package quiet

import (
	"slices"
	"strings"
	"time"
)

// horizon is how far ahead the next quiet time is looked for.
const horizon = 400 // days

// Hours are all quiet times together. They may be used by several goroutines.
type Hours struct {
	zone    *time.Location
	windows []Window
	dates   []Dates
	spans   []span // those of dates; empty ones are never quiet
}

// New returns the quiet times in a zone.
func New(zone *time.Location, windows []Window, dates []Dates) *Hours {
	h := &Hours{zone: zone, windows: slices.Clone(windows), dates: slices.Clone(dates)}
	for _, d := range dates {
		s, _ := d.span(zone)
		h.spans = append(h.spans, s)
	}
	return h
}

// String lists all quiet times in words; "none" when there are none.
func (h *Hours) String() string {
	var parts []string
	for _, w := range h.windows {
		parts = append(parts, w.words())
	}
	for _, d := range h.dates {
		parts = append(parts, d.String())
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ") + " " + h.zone.String()
}

// At says in words which quiet time t lies in, such as "Mon-Fri 09:00-17:00
// Europe/Madrid" or "2026-12-24 Europe/Madrid"; "" when it lies in none. Of
// several it names the first that was given, hours before dates.
func (h *Hours) At(t time.Time) string {
	today := dateOf(t.In(h.zone))
	for _, w := range h.windows {
		for day := -2; day <= 1; day++ {
			if s, ok := w.on(today.plus(day), h.zone); ok && s.contains(t) {
				return w.words() + " " + h.zone.String()
			}
		}
	}
	for i, s := range h.spans {
		if s.contains(t) {
			return h.dates[i].String() + " " + h.zone.String()
		}
	}
	return ""
}

// Next returns the first instant after t at which a quiet time begins and none
// was just before; zero when there is none within 400 days.
func (h *Hours) Next(t time.Time) time.Time {
	for _, days := range []int{8, horizon} { // most begin within a week
		for _, s := range h.merged(t, days) {
			if s.begin.After(t) {
				return s.begin
			}
		}
	}
	return time.Time{}
}

// merged returns the quiet times from shortly before t to some days after it,
// in order; those that touch are one.
func (h *Hours) merged(t time.Time, days int) []span {
	today := dateOf(t.In(h.zone))
	until := t.AddDate(0, 0, days)
	var all []span
	add := func(s span, ok bool) {
		if ok && !s.begin.After(until) {
			all = append(all, s)
		}
	}
	for _, w := range h.windows {
		for day := -2; day <= days+1; day++ {
			add(w.on(today.plus(day), h.zone))
		}
	}
	for _, s := range h.spans {
		add(s, s.begin.Before(s.end))
	}
	slices.SortFunc(all, func(a, b span) int { return a.begin.Compare(b.begin) })
	var joined []span
	for _, s := range all {
		if last := len(joined) - 1; last >= 0 && !s.begin.After(joined[last].end) {
			if s.end.After(joined[last].end) {
				joined[last].end = s.end
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}
