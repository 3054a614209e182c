package dates

import (
	"fmt"
	"time"
)

// Doubt says in words that a date without an offset, in one of the forms of Parse,
// is a time that the clocks in loc skip, or show twice, and which instant Parse
// takes; "" when there is no doubt, or when the text is no such date.
func Doubt(s string, loc *time.Location) string {
	if loc == nil || len(s) > maxLength {
		return ""
	}
	r := reader{rest: s}
	var w wall
	if !r.date(&w) || r.rest != "" && (!r.clock(&w) || r.rest != "") {
		return ""
	}
	taken := w.in(loc)
	_, offset := taken.Zone()
	if shown := w.in(time.UTC); shown.Sub(taken) != time.Duration(offset)*time.Second {
		return fmt.Sprintf("the clocks in %s skip %s; %s is taken", loc, s, taken.Format(time.RFC3339))
	}
	_, end := taken.ZoneBounds()
	if end.IsZero() {
		return ""
	}
	_, next := end.Zone()
	if again := taken.Add(time.Duration(offset-next) * time.Second); again.Before(end) {
		return ""
	}
	return fmt.Sprintf("the clocks in %s show %s twice; the first is taken, %s: an offset in the date tells which is meant",
		loc, s, taken.Format(time.RFC3339))
}

// NoDay says in words that a text begins with a day that its month does not have;
// "" when it does not.
func NoDay(s string) string {
	r := reader{rest: s}
	var w wall
	begins := r.number(4, 0, 9999, &w.year) && r.literal('-') && r.number(2, 1, 12, &w.month) && r.literal('-') &&
		r.number(2, 1, 31, &w.day)
	days := daysIn(w.year, w.month)
	if !begins || w.day <= days {
		return ""
	}
	return fmt.Sprintf("there is no %s: %s %d has %d days", s[:len(s)-len(r.rest)], time.Month(w.month), w.year, days)
}
