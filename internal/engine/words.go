package engine

import (
	"fmt"
	"time"
)

// count says how many of something there are: "1 executor", "3 executors".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// span says how long something is in the unit a person would use.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*365*day:
		return count(int(d/(365*day)), "year")
	case d >= 2*day:
		return count(int(d/day), "day")
	default:
		return d.Round(time.Second).String()
	}
}

// instant writes a time for the daemon's log, "none" for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format(time.RFC3339)
}
