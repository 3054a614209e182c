package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// seeded returns the random source of a seed.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func inZone(t *testing.T, zone, wall string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", wall, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// plannedAt schedules with a fixed seed and fails the test on a refusal.
func plannedAt(t *testing.T, now time.Time, args Args) day {
	t.Helper()
	d, err := schedule(args, now, seeded(7))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// expectSlices fails unless there is one instant in each of the equal slices of
// [start, end), in order.
func expectSlices(t *testing.T, instants []time.Time, start, end time.Time) {
	t.Helper()
	width := end.Sub(start)
	for i, at := range instants {
		n := time.Duration(len(instants))
		from, to := start.Add(width*time.Duration(i)/n), start.Add(width*time.Duration(i+1)/n)
		if at.Before(from.Truncate(time.Microsecond)) || !at.Before(to) {
			t.Fatalf("instant %d of %d is %s, outside its slice %s to %s", i+1, len(instants), at, from, to)
		}
		if !at.Equal(at.Truncate(time.Microsecond)) {
			t.Fatalf("instant %s is not a whole microsecond", at)
		}
	}
}

func TestScheduleOfAnyWindow(t *testing.T) {
	random := seeded(42)
	midnight := inZone(t, "Europe/Madrid", "2026-06-21 00:00:00")
	for range 500 {
		from := random.IntN(int(endOfDay))
		to := from + 1 + random.IntN(int(endOfDay)-from)
		args := Args{MinTime: clockText(from), MaxTime: clockText(to), Times: Count(1 + random.IntN(200))}
		start, end := midnight.Add(time.Duration(from)*time.Second), midnight.Add(time.Duration(to)*time.Second)
		now := midnight.Add(time.Duration(random.Int64N(int64(24 * time.Hour))))
		seed := random.Uint64()

		d, err := schedule(args, now, seeded(seed))
		if err != nil {
			t.Fatalf("%+v at %s: %v", args, now, err)
		}
		if len(d.instants) != int(args.Times) {
			t.Fatalf("%+v: %d instants", args, len(d.instants))
		}
		expectSlices(t, d.instants, start, end)

		again, err := schedule(args, now, seeded(seed))
		if err != nil || !slices.EqualFunc(d.instants, again.instants, time.Time.Equal) || again.warning != d.warning {
			t.Fatalf("%+v at %s: the same seed gave another schedule", args, now)
		}
		expectPast(t, d, now, start, end)
	}
}

// expectPast fails unless exactly the instants of slices that are over at now
// lie before it, and the warning counts them.
func expectPast(t *testing.T, d day, now, start, end time.Time) {
	t.Helper()
	n, over := len(d.instants), 0
	for i, at := range d.instants {
		sliceEnd := start.Add(end.Sub(start).Truncate(time.Microsecond) * time.Duration(i+1) / time.Duration(n))
		if sliceEnd.Truncate(time.Microsecond).After(now) {
			if at.Before(now) && sliceEnd.Sub(now) > time.Microsecond {
				t.Fatalf("instant %s is before %s, though its slice is not over", at, now)
			}
			continue
		}
		over++
	}
	switch {
	case over == 0 && d.warning != "":
		t.Fatalf("nothing is over, but: %s", d.warning)
	case over == n && !strings.Contains(d.warning, fmt.Sprintf("none of the %d runs lies ahead", n)):
		t.Fatalf("all %d are over, but: %q", n, d.warning)
	case over > 0 && over < n && !strings.HasPrefix(d.warning, fmt.Sprintf("%d of %d runs", over, n)):
		t.Fatalf("%d of %d are over, but: %q", over, n, d.warning)
	}
}

func clockText(second int) string {
	return fmt.Sprintf("%02d:%02d:%02d", second/3600, second/60%60, second%60)
}

func TestScheduleFillsItsSlices(t *testing.T) {
	now := inZone(t, "UTC", "2026-06-21 00:00:00")
	random := seeded(3)
	early, late := 0, 0
	for range 1_000 {
		d, err := schedule(Args{MinTime: "10:00", MaxTime: "18:00", Times: 1}, now, random)
		if err != nil {
			t.Fatal(err)
		}
		switch hour := d.instants[0].Hour(); {
		case hour < 12:
			early++
		case hour >= 16:
			late++
		}
	}
	// A quarter of 1,000 uniform draws each: 250, with a deviation of 14.
	for _, count := range []int{early, late} {
		if count < 180 || count > 320 {
			t.Errorf("%d early and %d late of 1,000, want about 250 each", early, late)
		}
	}
}

func TestScheduleUsesTheRestOfTheCurrentSlice(t *testing.T) {
	now := inZone(t, "Europe/Madrid", "2026-06-21 13:59:59")
	args := Args{MinTime: "10:00", MaxTime: "18:00", Times: 2}
	d := plannedAt(t, now, args)
	if first := d.instants[0]; first.Before(now) || !first.Before(now.Add(time.Second)) {
		t.Errorf("the first instant is %s, want it in the slice's last second", first)
	}
	if d.warning != "" {
		t.Errorf("warned of nothing: %s", d.warning)
	}
}

func TestCatchUp(t *testing.T) {
	args := Args{MinTime: "10:00", MaxTime: "18:00", Times: 4, CatchUp: true}
	end := inZone(t, "Europe/Madrid", "2026-06-21 18:00:00")
	for _, c := range []struct{ rule, now, start string }{
		{"before the window all of it counts", "2026-06-21 08:00:00", "2026-06-21 10:00:00"},
		{"within it the rest counts", "2026-06-21 16:00:00", "2026-06-21 16:00:00"},
		{"a second is enough", "2026-06-21 17:59:59", "2026-06-21 17:59:59"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := plannedAt(t, inZone(t, "Europe/Madrid", c.now), args)
			expectSlices(t, d.instants, inZone(t, "Europe/Madrid", c.start), end)
			if len(d.instants) != 4 || d.warning != "" {
				t.Errorf("%d instants, warning %q", len(d.instants), d.warning)
			}
		})
	}
	for _, now := range []time.Time{end, end.Add(-3 * time.Microsecond), end.Add(-1), end.Add(time.Hour)} {
		_, err := schedule(args, now, seeded(1))
		if err == nil || !strings.Contains(err.Error(), "nothing is left of the window 10:00 to 18:00 on 2026-06-21 (Europe/Madrid)") {
			t.Errorf("at %s: %v", now, err)
		}
	}
}

func TestScheduleWhenTheClocksChange(t *testing.T) {
	for _, c := range []struct {
		rule, date, min, max string
		start, end           string // UTC
	}{
		{"a spring day has 23 hours", "2026-03-29", "00:00", "24:00", "2026-03-28 23:00:00", "2026-03-29 22:00:00"},
		{"an autumn day has 25", "2026-10-25", "00:00", "24:00", "2026-10-24 22:00:00", "2026-10-25 23:00:00"},
		{"a window over the gap is an hour shorter", "2026-03-29", "01:30", "03:30", "2026-03-29 00:30:00", "2026-03-29 01:30:00"},
		{"a start in the gap is its end", "2026-03-29", "02:30", "03:30", "2026-03-29 01:00:00", "2026-03-29 01:30:00"},
		{"a window over the doubled hour is longer", "2026-10-25", "01:30", "03:30", "2026-10-24 23:30:00", "2026-10-25 02:30:00"},
		{"within the doubled hour the first counts", "2026-10-25", "02:15", "02:45", "2026-10-25 00:15:00", "2026-10-25 00:45:00"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			now := inZone(t, "Europe/Madrid", c.date+" 00:00:00")
			d := plannedAt(t, now, Args{MinTime: c.min, MaxTime: c.max, Times: 240})
			expectSlices(t, d.instants, inZone(t, "UTC", c.start), inZone(t, "UTC", c.end))
		})
	}
}

func TestTodayIsTheZones(t *testing.T) {
	now := time.Date(2026, time.June, 20, 23, 30, 0, 0, time.UTC)
	madrid := inZone(t, "Europe/Madrid", "2026-06-21 01:30:00")
	d := plannedAt(t, now.In(madrid.Location()), Args{MinTime: "10:00", MaxTime: "11:00", Times: 1})
	if got := d.instants[0].Format(time.DateOnly); got != "2026-06-21" {
		t.Errorf("planned for %s, want the date in the zone of now", got)
	}
}

func TestScheduleRefuses(t *testing.T) {
	now := inZone(t, "Europe/Madrid", "2026-03-29 00:00:00")
	for _, c := range []struct {
		rule, want string
		args       Args
	}{
		{"a reversed window", "max_time 10:00 is not later than min_time 18:00; a window can't pass midnight", Args{MinTime: "18:00", MaxTime: "10:00", Times: 1}},
		{"an empty window", "max_time 10:00 is not later than min_time 10:00", Args{MinTime: "10:00", MaxTime: "10:00", Times: 1}},
		{"a window after the day", "max_time 24:00 is not later than min_time 24:00", Args{MinTime: "24:00", MaxTime: "24:00", Times: 1}},
		{"a window that the clocks skip", "the clocks skip the whole window 02:00 to 03:00 on 2026-03-29 (Europe/Madrid)", Args{MinTime: "02:00", MaxTime: "03:00", Times: 1}},
		{"no times", "times is 0, but a plan has 1 to 10000 executions", Args{MinTime: "10:00", MaxTime: "18:00"}},
		{"fewer than none", "times is -1, but", Args{MinTime: "10:00", MaxTime: "18:00", Times: -1}},
		{"too many", "times is 10001, but", Args{MinTime: "10:00", MaxTime: "18:00", Times: 10_001}},
		{"an hour that is none", "there is no 25:00 on a clock", Args{MinTime: "25:00", MaxTime: "18:00", Times: 1}},
		{"a minute that is none", "there is no 10:61 on a clock", Args{MinTime: "10:00", MaxTime: "10:61", Times: 1}},
		{"words", `"ten" is no time of day`, Args{MinTime: "ten", MaxTime: "18:00", Times: 1}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := schedule(c.args, now, seeded(1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestScheduleOfAsManyAsAPlanMayHave(t *testing.T) {
	now := inZone(t, "UTC", "2026-06-21 00:00:00")
	d := plannedAt(t, now, Args{MinTime: "10:00:00", MaxTime: "10:00:01", Times: maxTimes})
	expectSlices(t, d.instants, now.Add(10*time.Hour), now.Add(10*time.Hour+time.Second))
}
