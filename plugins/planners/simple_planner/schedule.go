package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// maxTimes is how many executions the host takes from one planner.
const maxTimes = 10_000

// day is a schedule for today: instants in order, one a slice, and what the
// person who asked for it should know.
type day struct {
	instants []time.Time
	warning  string
}

// schedule plans args.Times instants in today's window. Today, and the zone of
// the window, are now's. The same random source gives the same schedule. Errors
// are sdk.Invalid: the clock times are none, the window is empty or nothing is
// left of it for a catch-up, or Times is out of range.
func schedule(args Args, now time.Time, random *rand.Rand) (day, error) {
	if args.Times < 1 || args.Times > maxTimes {
		return day{}, sdk.Invalid("/times", "times is %d, but a plan has 1 to %d executions; for more, post several plans", args.Times, maxTimes)
	}
	w, err := windowOf(args, now)
	if err != nil {
		return day{}, err
	}
	now = ceilToMicrosecond(now)
	slices := int64(args.Times)
	if args.CatchUp {
		if w, err = w.rest(now, slices); err != nil {
			return day{}, err
		}
	}
	instants, past := w.spread(now, slices, random)
	return day{instants: instants, warning: w.warnOf(past, len(instants))}, nil
}

// window is the part of today in which attacks may be planned, end not included.
type window struct {
	start, end time.Time
	label      string // as asked for: "10:00 to 18:00 on 2026-06-21 (Europe/Madrid)"
}

// windowOf reads the window on the date of now, in now's zone.
func windowOf(args Args, now time.Time) (window, error) {
	from, err := parseClock(args.MinTime)
	if err != nil {
		return window{}, sdk.Invalid("/min_time", "%s", err)
	}
	to, err := parseClock(args.MaxTime)
	if err != nil {
		return window{}, sdk.Invalid("/max_time", "%s", err)
	}
	if from >= to {
		return window{}, sdk.Invalid("/max_time",
			"max_time %s is not later than min_time %s; a window can't pass midnight: for one that does, post two plans, the first up to 24:00",
			args.MaxTime, args.MinTime)
	}
	w := window{
		start: from.on(now), end: to.on(now),
		label: fmt.Sprintf("%s to %s on %s (%s)", args.MinTime, args.MaxTime, now.Format(time.DateOnly), now.Location()),
	}
	if !w.start.Before(w.end) {
		return window{}, sdk.Invalid("/min_time", "the clocks skip the whole window %s; choose a wider one", w.label)
	}
	return w, nil
}

// rest is the window from now on, if it has room for that many instants.
func (w window) rest(now time.Time, slices int64) (window, error) {
	if now.After(w.start) {
		w.start = now
	}
	if w.end.Sub(w.start).Microseconds() < slices {
		return window{}, sdk.Invalid("/catch_up",
			"nothing is left of the window %s: it is %s now; choose a later max_time, or post the plan again tomorrow",
			w.label, now.Format(time.TimeOnly))
	}
	return w, nil
}

// spread returns an instant in each of so many equal slices of the window, and
// how many of them belong to slices that are over at now, a whole microsecond.
// Instants are whole microseconds, as the engine keeps them. The window is at
// least one second, or as many microseconds as slices.
func (w window) spread(now time.Time, slices int64, random *rand.Rand) (instants []time.Time, past int) {
	width, elapsed := w.end.Sub(w.start).Microseconds(), now.Sub(w.start).Microseconds()
	instants = make([]time.Time, slices)
	for i := range slices {
		from, to := width*i/slices, width*(i+1)/slices
		switch {
		case to <= elapsed:
			past++
		case from < elapsed:
			from = elapsed
		}
		offset := from + random.Int64N(to-from)
		instants[i] = w.start.Add(time.Duration(offset) * time.Microsecond)
	}
	return instants, past
}

// warnOf says what it means that so many of all instants are past, and what to
// do about it; "" when none is.
func (w window) warnOf(past, all int) string {
	switch past {
	case 0:
		return ""
	case all:
		return fmt.Sprintf("the window %s is over, so none of the %d runs lies ahead; post the plan again tomorrow, or with a later max_time",
			w.label, all)
	default:
		return fmt.Sprintf("%d of %d runs lie in the past, in slices of the window %s that are over; to have all of them today, post the plan with \"catch_up\": true, or else post it again tomorrow",
			past, all, w.label)
	}
}

// ceilToMicrosecond returns the first whole microsecond not before t.
func ceilToMicrosecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Microsecond); whole.Before(t) {
		return whole.Add(time.Microsecond)
	}
	return t
}
