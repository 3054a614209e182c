// Package dates reads the dates that people and clients of the Chaos Monkey
// Engine write, and turns wall-clock times into instants.
//
// It knows no "now" and no default zone: the caller says in which zone a time
// without an offset is meant, and learns whether that mattered. Daylight saving
// has one rule, that of Local.
package dates

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrFormat is wrapped by every error of Parse: the text is no date, or an
// instant outside the years 1970 to 2200 (UTC).
var ErrFormat = errors.New("invalid date format")

// The instants Parse accepts: from earliest to just before latest.
var (
	earliest = time.Unix(0, 0)
	latest   = time.Date(2201, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// maxLength bounds what is read at all; the longest sensible date has 35 bytes.
const maxLength = 64

// Parse reads a date in one of these forms:
//
//	2006-01-02                     midnight, or the day's first instant
//	2006-01-02T15:04[:05[.9…]]     "T" or a space; in loc
//	2006-01-02T15:04[:05[.9…]]Z    or an offset: +02:00, -05:30
//	2006-01-02T15:04:148           more than two digits of seconds, as the
//	                               documentation of the Chaos Monkey Engine
//	                               prints it: only the minute counts
//	1136214245                     seconds since 1970
//
// Digits of a second's fraction past the ninth are dropped. The time comes back
// in loc (nil means UTC), and bare is set when the text has no offset, so that
// the instant depends on loc. Every error wraps ErrFormat and quotes the text, or
// says what NoDay says.
func Parse(s string, loc *time.Location) (t time.Time, bare bool, err error) {
	if loc == nil {
		loc = time.UTC
	}
	if len(s) > maxLength {
		return time.Time{}, false, fmt.Errorf("%w: %d characters are too many for a date", ErrFormat, len(s))
	}
	t, bare, ok := instant(s, loc)
	if words := NoDay(s); words != "" {
		return time.Time{}, false, fmt.Errorf("%w: %s", ErrFormat, words)
	}
	if !ok {
		return time.Time{}, false, fmt.Errorf(
			"%w: %q; write it like 2026-03-01T15:30:00+01:00, 2026-03-01T15:30 or 2026-03-01", ErrFormat, s)
	}
	if t.Before(earliest) || !t.Before(latest) {
		return time.Time{}, false, fmt.Errorf("%w: %q is outside the years 1970 to 2200", ErrFormat, s)
	}
	return t.In(loc), bare, nil
}

// instant reads any of the forms, without looking at the range.
func instant(s string, loc *time.Location) (t time.Time, bare, ok bool) {
	if epoch, ok := epochSeconds(s); ok {
		return epoch, false, true
	}
	r := reader{rest: s}
	var w wall
	if !r.date(&w) {
		return time.Time{}, false, false
	}
	if r.rest == "" {
		return w.in(loc), true, true
	}
	if !r.clock(&w) {
		return time.Time{}, false, false
	}
	if r.rest == "" {
		return w.in(loc), true, true
	}
	offset, ok := r.offset()
	if !ok || r.rest != "" || w.odd {
		return time.Time{}, false, false
	}
	return w.in(time.FixedZone("", offset)), false, true
}

// epochSeconds reads a text of digits only.
func epochSeconds(s string) (time.Time, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return time.Time{}, false
	}
	n, err := strconv.ParseUint(s, 10, 62)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}

// wall is what a clock on the wall shows.
type wall struct {
	year, month, day     int
	hour, minute, second int
	nanosecond           int
	odd                  bool // seconds of more than two digits were dropped
}

func (w wall) in(loc *time.Location) time.Time {
	return Local(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, w.nanosecond, loc)
}
