package quiet

import (
	"fmt"
	"strings"
	"time"
)

// dayMinutes is how many minutes the wall clock has in a day.
const dayMinutes = 24 * 60

// Window is a time of day on some days of the week. The zero Window is never
// quiet.
type Window struct {
	days weekdays
	// from and until are minutes of the wall clock since the midnight that the
	// window's day begins with; until is exclusive and more than dayMinutes when
	// the window ends on the next day.
	from, until int
}

// ParseWindow reads [DAYS@]HH:MM-HH:MM, such as Mon-Fri@09:00-17:00,
// Sat,Sun@22:00-06:00 or, for every day, 00:00-24:00. A window that ends before
// it begins ends on the next day.
func ParseWindow(s string) (Window, error) {
	days, hours, ok := strings.Cut(s, "@")
	w := Window{days: everyDay}
	if !ok {
		hours = s
	} else {
		var err error
		if w.days, err = parseDays(days); err != nil {
			return Window{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	from, until, ok := strings.Cut(hours, "-")
	var fromOK, untilOK bool
	w.from, fromOK = parseClock(from)
	w.until, untilOK = parseClock(until)
	switch {
	case !ok || !fromOK || !untilOK || w.from == dayMinutes:
		return Window{}, fmt.Errorf("%q is not a window of time: write it like Mon-Fri@09:00-17:00, "+
			"Sat,Sun@22:00-06:00 or 00:00-24:00", s)
	case w.from == w.until:
		return Window{}, fmt.Errorf("%q begins and ends at the same time: a whole day is 00:00-24:00", s)
	case w.until < w.from:
		w.until += dayMinutes
	}
	return w, nil
}

// String is the window as ParseWindow reads it.
func (w Window) String() string {
	hours := formatClock(w.from) + "-" + formatClock(w.until)
	if w.days == everyDay {
		return hours
	}
	return w.days.String() + "@" + hours
}

// words is the window as people read it.
func (w Window) words() string { return strings.Replace(w.String(), "@", " ", 1) }

// on returns the span of the window that belongs to a day, if one does.
func (w Window) on(day date, zone *time.Location) (span, bool) {
	if !w.days.has(day.weekday()) {
		return span{}, false
	}
	return spanOf(day.minute(w.from), day.minute(w.until), zone)
}

// parseClock reads HH:MM as minutes since midnight; 24:00 is one.
func parseClock(s string) (minutes int, ok bool) {
	if len(s) != len("15:04") || s[2] != ':' {
		return 0, false
	}
	digit := func(i int) int {
		if s[i] < '0' || s[i] > '9' {
			ok = false
		}
		return int(s[i] - '0')
	}
	ok = true
	hour, minute := 10*digit(0)+digit(1), 10*digit(3)+digit(4)
	minutes = 60*hour + minute
	return minutes, ok && minute < 60 && minutes <= dayMinutes
}

// formatClock writes minutes since midnight as HH:MM; those of the next day as
// their own, but its midnight as 24:00.
func formatClock(minutes int) string {
	if minutes > dayMinutes {
		minutes -= dayMinutes
	}
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
}
