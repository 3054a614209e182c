package quiet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// naive is the quiet times of some days, found by looking at the clock every
// minute: of each day's window the first and the last minute that shows a time
// in it, and all between.
func naive(zone *time.Location, from, until time.Time, windows []Window) map[int64]bool {
	type occurrence struct{ window, day int }
	first, last := map[occurrence]int64{}, map[occurrence]int64{}
	for minute := from.Unix() / 60; minute < until.Unix()/60; minute++ {
		at := time.Unix(minute*60, 0).In(zone)
		year, month, day := at.Date()
		today := int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
		clock := at.Hour()*60 + at.Minute()
		for i, w := range windows {
			for back := range 2 {
				began := today - back
				weekday := time.Unix(int64(began)*daySeconds, 0).UTC().Weekday()
				shown := clock + back*dayMinutes
				if !w.days.has(weekday) || shown < w.from || shown >= w.until {
					continue
				}
				o := occurrence{i, began}
				if _, seen := first[o]; !seen {
					first[o] = minute
				}
				last[o] = minute
			}
		}
	}
	quiet := map[int64]bool{}
	for o, minute := range first {
		for ; minute <= last[o]; minute++ {
			quiet[minute] = true
		}
	}
	return quiet
}

// Around every change of the clock, and on ordinary days, each minute is as the
// naive walk has it, and each beginning is found.
func TestEveryMinuteIsAsANaiveWalkHasIt(t *testing.T) {
	for name, changes := range map[string][]string{
		"UTC":                 {"2026-03-29T00:00:00Z"},
		"Europe/Madrid":       {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
		"America/New_York":    {"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
		"America/Havana":      {"2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"},
		"Australia/Lord_Howe": {"2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"},
		"Africa/Casablanca":   {"2026-02-15T02:00:00Z", "2026-03-22T02:00:00Z"},
		"Pacific/Apia":        {"2011-12-30T10:00:00Z"},
		"Pacific/Kwajalein":   {"1993-08-21T12:00:00Z"},
	} {
		z := zone(t, name)
		for i, change := range changes {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				at := instant(t, change)
				if _, before := at.Add(-time.Minute).In(z).Zone(); name != "UTC" {
					if _, after := at.In(z).Zone(); before == after {
						t.Fatalf("the clock does not change at %s", at)
					}
				}
				random := rand.New(rand.NewPCG(uint64(at.Unix()), 1))
				for range 20 {
					compare(t, z, at, randomWindows(random))
				}
			})
		}
	}
}

func randomWindows(random *rand.Rand) []Window {
	windows := make([]Window, 1+random.IntN(3))
	for i := range windows {
		from := random.IntN(dayMinutes)
		if random.IntN(2) == 0 {
			from = random.IntN(12) * 15 // near most changes
		}
		length := 1 + random.IntN(dayMinutes)
		if random.IntN(2) == 0 {
			length = 15 * (1 + random.IntN(12))
		}
		windows[i] = Window{days: weekdays(1 + random.IntN(int(everyDay))), from: from, until: from + length}
	}
	return windows
}

func compare(t *testing.T, z *time.Location, around time.Time, windows []Window) {
	t.Helper()
	const days = 24 * time.Hour
	quiet := naive(z, around.Add(-6*days), around.Add(6*days), windows)
	h := New(z, windows, nil)
	from, until := around.Add(-2*days), around.Add(2*days)
	next := h.Next(from)
	for at := from; at.Before(until); at = at.Add(time.Minute) {
		minute := at.Unix() / 60
		if got := h.At(at) != ""; got != quiet[minute] {
			t.Fatalf("%v at %s (%s): quiet is %v", windows, at, at.In(z), got)
		}
		begins := at.After(from) && quiet[minute] && !quiet[minute-1]
		if begins != next.Equal(at) {
			t.Fatalf("%v: the next after %s is %s", windows, at.Add(-time.Minute), next)
		}
		if begins {
			next = h.Next(at)
		}
	}
}

func BenchmarkNextOfManyWindows(b *testing.B) {
	var windows []Window
	for i := range 20 {
		windows = append(windows, Window{days: everyDay, from: i * 60, until: i*60 + 90})
	}
	h := New(zone(b, "Europe/Madrid"), windows, nil)
	at := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	b.Run("At", func(b *testing.B) {
		for b.Loop() {
			h.At(at)
		}
	})
	b.Run("Next", func(b *testing.B) {
		for b.Loop() {
			h.Next(at)
		}
	})
}
