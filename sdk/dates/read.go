package dates

import (
	"strings"
	"time"
)

// reader takes a date apart from left to right. Its methods report whether
// what they look for was there.
type reader struct{ rest string }

// date reads YYYY-MM-DD.
func (r *reader) date(w *wall) bool {
	return r.number(4, 0, 9999, &w.year) &&
		r.literal('-') && r.number(2, 1, 12, &w.month) &&
		r.literal('-') && r.number(2, 1, daysIn(w.year, w.month), &w.day)
}

// clock reads what may follow a date: hours and minutes, seconds, a fraction.
func (r *reader) clock(w *wall) bool {
	separator := r.rest[0]
	if !r.literal('T') && !r.literal(' ') {
		return false
	}
	if !r.number(2, 0, 23, &w.hour) || !r.literal(':') || !r.number(2, 0, 59, &w.minute) {
		return false
	}
	if !r.literal(':') {
		return true
	}
	if digits := r.digits(); digits > 2 {
		w.odd = true
		r.rest = r.rest[digits:]
		return separator == 'T'
	}
	if !r.number(2, 0, 59, &w.second) {
		return false
	}
	return !r.literal('.') || r.fraction(&w.nanosecond)
}

// offset reads Z or ±hh:mm, in seconds east of UTC.
func (r *reader) offset() (seconds int, ok bool) {
	if r.literal('Z') {
		return 0, true
	}
	sign := 1
	if r.literal('-') {
		sign = -1
	} else if !r.literal('+') {
		return 0, false
	}
	var hours, minutes int
	ok = r.number(2, 0, 23, &hours) && r.literal(':') && r.number(2, 0, 59, &minutes)
	return sign * (hours*3600 + minutes*60), ok
}

// number reads exactly so many digits with a value from low to high.
func (r *reader) number(digits, low, high int, into *int) bool {
	if r.digits() < digits {
		return false
	}
	n := 0
	for _, c := range []byte(r.rest[:digits]) {
		n = n*10 + int(c-'0')
	}
	r.rest = r.rest[digits:]
	*into = n
	return low <= n && n <= high
}

// fraction reads the digits after the point as nanoseconds.
func (r *reader) fraction(nanoseconds *int) bool {
	digits := r.digits()
	if digits == 0 {
		return false
	}
	for i := range 9 {
		*nanoseconds *= 10
		if i < digits {
			*nanoseconds += int(r.rest[i] - '0')
		}
	}
	r.rest = r.rest[digits:]
	return true
}

// digits counts the digits ahead.
func (r *reader) digits() int {
	return len(r.rest) - len(strings.TrimLeft(r.rest, "0123456789"))
}

func (r *reader) literal(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// daysIn returns the length of a month.
func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
