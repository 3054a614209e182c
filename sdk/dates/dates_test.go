package dates_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		rule, text, want string
		bare             bool
	}{
		{"a day is its first instant", "2026-03-01", "2026-02-28T23:00:00Z", true},
		{"minutes", "2026-07-01T15:30", "2026-07-01T13:30:00Z", true},
		{"a space for the T", "2026-07-01 15:30", "2026-07-01T13:30:00Z", true},
		{"seconds", "2016-06-21T15:30:12", "2016-06-21T13:30:12Z", true},
		{"a fraction", "2026-07-01T15:30:12.25", "2026-07-01T13:30:12.25Z", true},
		{"a fraction of twelve digits is cut", "2026-07-01T15:30:12.123456789987", "2026-07-01T13:30:12.123456789Z", true},
		{"Z is honoured", "2026-07-01T15:30Z", "2026-07-01T15:30:00Z", false},
		{"an offset in the date is honoured", "2016-06-21T15:30:12+05:30", "2016-06-21T10:00:12Z", false},
		{"a negative offset", "2026-07-01 15:30:00.5-05:00", "2026-07-01T20:30:00.5Z", false},
		{"the engine's own oddity counts minutes only", "2017-01-25T10:12:148", "2017-01-25T09:12:00Z", true},
		{"the oddity with more digits", "2017-01-25T10:12:148000123", "2017-01-25T09:12:00Z", true},
		{"epoch seconds", "1500000000", "2017-07-14T02:40:00Z", false},
		{"epoch zero", "0", "1970-01-01T00:00:00Z", false},
		{"four digits are epoch seconds too", "2017", "1970-01-01T00:33:37Z", false},
		{"the last instant", "2200-12-31T23:59:59.999999999Z", "2200-12-31T23:59:59.999999999Z", false},
		{"a leap day", "2024-02-29", "2024-02-28T23:00:00Z", true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			madrid := zone(t, "Europe/Madrid")
			got, bare, err := dates.Parse(c.text, madrid)
			if err != nil {
				t.Fatal(err)
			}
			if text := got.UTC().Format(time.RFC3339Nano); text != c.want || bare != c.bare {
				t.Errorf("Parse(%q) = %s, bare %t; want %s, bare %t", c.text, text, bare, c.want, c.bare)
			}
			if got.Location() != madrid {
				t.Errorf("Parse(%q) is in %s, want the zone given", c.text, got.Location())
			}
		})
	}
}

func TestParseWithoutZoneIsUTC(t *testing.T) {
	got, bare, err := dates.Parse("2026-07-01T15:30", nil)
	if err != nil || !bare || !got.Equal(time.Date(2026, 7, 1, 15, 30, 0, 0, time.UTC)) {
		t.Errorf("Parse = %v, %t, %v", got, bare, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "tomorrow", "-5", "+5", "1.5",
		"2026-3-1", "2026-03", "2026-13-01", "2026-00-01", "2026-02-30", "2025-02-29", "2026-01-00",
		"2026-03-01T", "2026-03-01T1", "2026-03-01T15", "2026-03-01T15:3", "2026-03-01T24:00", "2026-03-01T15:60",
		"2026-03-01T15:30:", "2026-03-01T15:30:5", "2026-03-01T15:30:60", "2026-03-01T15:30:00.", "2026-03-01T15:30:00,5",
		"2026-03-01t15:30", "2026-03-01  15:30", "2026-03-01T15:30z", "2026-03-01T15:30 Z",
		"2026-03-01T15:30+0200", "2026-03-01T15:30+02", "2026-03-01T15:30+24:00", "2026-03-01T15:30+02:60", "2026-03-01T15:30+",
		"2026-03-01Z", "2026-03-01+02:00", "2026-03-01T15:30Zx", " 2026-03-01", "2026-03-01 ",
		"2017-01-25 10:12:148", "2017-01-25T10:12:148Z", "2017-01-25T10:12:148.5",
		"1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "9999-12-31", "99999999999", "99999999999999999999",
		"２０２６-03-01", strings.Repeat("0", 65),
	} {
		got, _, err := dates.Parse(text, time.UTC)
		if !errors.Is(err, dates.ErrFormat) {
			t.Errorf("Parse(%q) = %v, %v; want ErrFormat", text, got, err)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"tomorrow":          `invalid date format: "tomorrow"; write it like 2026-03-01T15:30:00+01:00, 2026-03-01T15:30 or 2026-03-01`,
		"2026-02-30":        `invalid date format: there is no 2026-02-30: February 2026 has 28 days`,
		"2026-04-31T10:00Z": `invalid date format: there is no 2026-04-31: April 2026 has 30 days`,
		"2026-02-32":        `invalid date format: "2026-02-32"; write it like 2026-03-01T15:30:00+01:00, 2026-03-01T15:30 or 2026-03-01`,
		"2300-01-01":        `invalid date format: "2300-01-01" is outside the years 1970 to 2200`,
	} {
		if _, _, err := dates.Parse(text, time.UTC); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v\nwant %s", text, err, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for _, c := range []struct {
		rule, zone, wall, want string
	}{
		{"winter", "Europe/Madrid", "2026-01-15T12:00:00", "2026-01-15T11:00:00Z"},
		{"summer", "Europe/Madrid", "2026-07-15T12:00:00", "2026-07-15T10:00:00Z"},
		{"before the gap", "Europe/Madrid", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{"in the gap", "Europe/Madrid", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z"},
		{"the gap's first second", "Europe/Madrid", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"},
		{"the gap's last second", "Europe/Madrid", "2026-03-29T02:59:59", "2026-03-29T01:00:00Z"},
		{"after the gap", "Europe/Madrid", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{"doubled: the first", "Europe/Madrid", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"},
		{"doubled: from its start", "Europe/Madrid", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"},
		{"after the doubled hour", "Europe/Madrid", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"in the gap", "America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"},
		{"doubled: the first", "America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},
		{"in a gap of half an hour", "Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"},
		{"just after it", "Australia/Lord_Howe", "2026-10-04T02:30:00", "2026-10-03T15:30:00Z"},
		{"doubled half an hour: the first", "Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"},
		{"no daylight saving", "Asia/Kolkata", "2026-03-29T02:30:00", "2026-03-28T21:00:00Z"},
		{"a day that never was", "Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00Z"},
		{"a midnight that never was", "America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"},
		{"far in the future by rule", "Europe/Madrid", "2199-07-01T12:00:00", "2199-07-01T10:00:00Z"},
		{"UTC", "UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"},
	} {
		t.Run(c.zone+" "+c.rule, func(t *testing.T) {
			w, err := time.Parse("2006-01-02T15:04:05", c.wall)
			if err != nil {
				t.Fatal(err)
			}
			got := dates.Local(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, zone(t, c.zone))
			if text := got.UTC().Format(time.RFC3339); text != c.want {
				t.Errorf("Local(%s) = %s, want %s", c.wall, text, c.want)
			}
		})
	}
}

func TestDoubt(t *testing.T) {
	for _, c := range []struct{ zone, text, want string }{
		{"Europe/Madrid", "2026-03-29T02:30", "the clocks in Europe/Madrid skip 2026-03-29T02:30; 2026-03-29T03:00:00+02:00 is taken"},
		{"Europe/Madrid", "2026-10-25 02:30:10", "the clocks in Europe/Madrid show 2026-10-25 02:30:10 twice; the first is taken, " +
			"2026-10-25T02:30:10+02:00: an offset in the date tells which is meant"},
		{"America/Sao_Paulo", "2018-11-04", "the clocks in America/Sao_Paulo skip 2018-11-04; 2018-11-04T01:00:00-02:00 is taken"},
		{"Europe/Madrid", "2026-10-25T02:00", "the clocks in Europe/Madrid show 2026-10-25T02:00 twice; the first is taken, " +
			"2026-10-25T02:00:00+02:00: an offset in the date tells which is meant"},
		{"Europe/Madrid", "2026-10-25T01:59:59", ""},
		{"Europe/Madrid", "2026-10-25T03:00", ""},
		{"Europe/Madrid", "2026-03-29T01:59:59", ""},
		{"Europe/Madrid", "2026-03-29T03:00", ""},
		{"Europe/Madrid", "2026-03-29T02:30:00+01:00", ""},
		{"Europe/Madrid", "2026-10-25T00:30Z", ""},
		{"Europe/Madrid", "1774747800", ""},
		{"Europe/Madrid", "soon", ""},
		{"UTC", "2026-03-29T02:30", ""},
	} {
		if got := dates.Doubt(c.text, zone(t, c.zone)); got != c.want {
			t.Errorf("%s in %s: %q\nwant %q", c.text, c.zone, got, c.want)
		}
	}
}

func TestLocalCarriesOver(t *testing.T) {
	got := dates.Local(2026, time.October, 32, 25, 61, 0, 0, time.UTC)
	if want := time.Date(2026, time.November, 2, 2, 1, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Local = %s, want %s", got, want)
	}
}

// FuzzParse checks that what is read is in range, and that written out in full
// it reads as the same instant again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"2026-03-29T02:30", "2017-01-25T10:12:148", "2016-06-21T15:30:12+02:00", "1500000000", "2026-10-25 02:30:00.5Z", "2026-02-29",
	} {
		f.Add(s)
	}
	madrid := zone(f, "Europe/Madrid")
	f.Fuzz(func(t *testing.T, s string) {
		got, _, err := dates.Parse(s, madrid)
		if err != nil {
			if !errors.Is(err, dates.ErrFormat) {
				t.Fatalf("Parse(%q): %v is no ErrFormat", s, err)
			}
			return
		}
		if year := got.UTC().Year(); year < 1970 || year > 2200 {
			t.Fatalf("Parse(%q) = %s, out of range", s, got)
		}
		text := got.Format(time.RFC3339Nano)
		again, bare, err := dates.Parse(text, time.UTC)
		if err != nil || bare || !again.Equal(got) {
			t.Fatalf("Parse(%q) = %s, which reads as %s, bare %t, %v", s, text, again, bare, err)
		}
	})
}
