package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// inMadrid reads dates as the SDK does for an engine in Europe/Madrid.
func inMadrid(t *testing.T) func(string) (time.Time, error) {
	t.Helper()
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return func(date string) (time.Time, error) {
		at, _, err := dates.Parse(date, madrid)
		return at, err
	}
}

func TestInstant(t *testing.T) {
	for _, c := range []struct{ rule, date, want string }{
		{"an offset is honoured", "2016-06-21T15:30:12+02:00", "2016-06-21T13:30:12Z"},
		{"a bare time is in the engine's zone", "2026-06-21T15:30", "2026-06-21T13:30:00Z"},
		{"a day is its first instant", "2026-06-21", "2026-06-20T22:00:00Z"},
		{"a space for the T, and a fraction", "2026-06-21 15:30:12.5", "2026-06-21T13:30:12.5Z"},
		{"only the minute of CME's own form counts", "2017-01-25T10:12:148", "2017-01-25T09:12:00Z"},
		{"seconds since 1970", "1782055812", "2026-06-21T15:30:12Z"},
		{"a time the clocks skip is the first after them", "2026-03-29T02:30", "2026-03-29T01:00:00Z"},
		{"a doubled time is the first", "2026-10-25T02:30", "2026-10-25T00:30:00Z"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			at, err := instant(c.date, inMadrid(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := at.UTC().Format(time.RFC3339Nano); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestInstantSaysThatThereIsNoSuchDay(t *testing.T) {
	const want = "Invalid date format: there is no 2026-02-30: February 2026 has 28 days"
	if _, err := instant("2026-02-30T10:00", inMadrid(t)); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestInstantRefusesWhatIsNoDate(t *testing.T) {
	for _, date := range []string{
		"", "tomorrow", "2026-02-32", "2026-06-21T25:00", "2026-06-21T15", "1969-12-31", "2201-01-02",
		strings.Repeat("9", 100_000),
	} {
		at, err := instant(date, inMadrid(t))
		if err == nil {
			t.Errorf("%.40q is read as %s", date, at)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, "Invalid date format: ") || !strings.Contains(text, "seconds since 1970") {
			t.Errorf("%.40q: %s", date, text)
		}
		if len(text) > 400 {
			t.Errorf("%.40q: the refusal has %d bytes", date, len(text))
		}
	}
}

func TestAcceptedFormsAreAccepted(t *testing.T) {
	parts := strings.Split(accepted, `"`)
	for i := 1; i < len(parts); i += 2 {
		form := parts[i]
		if strings.HasPrefix(form, "+") || form == "Z" {
			form = "2026-06-21T15:30:12" + form
		}
		if _, err := instant(form, inMadrid(t)); err != nil {
			t.Errorf("%s is listed, but refused: %v", form, err)
		}
	}
}
