package quiet

import (
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func window(t testing.TB, text string) Window {
	t.Helper()
	w, err := ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func dates(t testing.TB, text string) Dates {
	t.Helper()
	d, err := ParseDates(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Madrid's clock goes from 02:00+01:00 to 03:00+02:00 on 2026-03-29, and from
// 03:00+02:00 to 02:00+01:00 on 2026-10-25, both Sundays.
func TestOneQuietTime(t *testing.T) {
	for _, test := range []struct{ name, zone, window, begin, end string }{
		{"an ordinary day", "Europe/Madrid", "Wed@09:00-17:00", "2026-11-18T09:00:00+01:00", "2026-11-18T17:00:00+01:00"},
		{"over midnight, by the day it begins on", "Europe/Madrid", "Fri@22:00-06:00", "2026-11-20T22:00:00+01:00", "2026-11-21T06:00:00+01:00"},
		{"to the end of the day", "UTC", "Wed@22:00-24:00", "2026-11-18T22:00:00Z", "2026-11-19T00:00:00Z"},
		{"it begins in a gap", "Europe/Madrid", "Sun@02:30-05:00", "2026-03-29T03:00:00+02:00", "2026-03-29T05:00:00+02:00"},
		{"it ends in a gap", "Europe/Madrid", "Sun@01:00-02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"it ends where a gap begins", "Europe/Madrid", "Sun@01:00-02:00", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"it begins where a gap ends", "Europe/Madrid", "Sun@03:00-04:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
		{"it begins in a doubled hour", "Europe/Madrid", "Sun@02:30-05:00", "2026-10-25T02:30:00+02:00", "2026-10-25T05:00:00+01:00"},
		{"it ends in a doubled hour", "Europe/Madrid", "Sun@01:00-02:30", "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"it ends where a doubled hour begins", "Europe/Madrid", "Sun@01:00-02:00", "2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00"},
		{"it is the doubled hour", "Europe/Madrid", "Sun@02:00-03:00", "2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"a jump of half an hour", "Australia/Lord_Howe", "Sun@02:00-02:15", "2026-10-04T02:30:00+11:00", ""},
		{"half an hour doubled", "Australia/Lord_Howe", "Sun@01:00-01:45", "2026-04-05T01:00:00+11:00", "2026-04-05T01:45:00+10:30"},
		{"a midnight that does not come", "Africa/Cairo", "Fri@00:00-02:00", "2026-04-24T01:00:00+03:00", "2026-04-24T02:00:00+03:00"},
		{"a midnight that comes twice", "America/Havana", "Sun@00:00-00:30", "2026-11-01T00:00:00-04:00", "2026-11-01T00:30:00-05:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := New(zone(t, test.zone), []Window{window(t, test.window)}, nil)
			begin := instant(t, test.begin)
			if test.end == "" { // all of it lies in the gap
				if words := h.At(begin); words != "" || h.Next(begin.Add(-time.Hour)).Before(begin.Add(time.Hour)) {
					t.Errorf("a time that does not come is quiet: %q", words)
				}
				return
			}
			end := instant(t, test.end)
			want := window(t, test.window).words() + " " + test.zone
			for at := begin; at.Before(end); at = at.Add(time.Minute) {
				if got := h.At(at); got != want {
					t.Fatalf("at %s it says %q, want %q", at, got, want)
				}
			}
			if got := h.At(end.Add(-time.Nanosecond)); got != want {
				t.Errorf("just before the end it says %q", got)
			}
			for _, at := range []time.Time{begin.Add(-time.Nanosecond), end} {
				if got := h.At(at); got != "" {
					t.Errorf("at %s it says %q", at, got)
				}
			}
			if got := h.Next(begin.Add(-time.Nanosecond)); !got.Equal(begin) {
				t.Errorf("it begins at %s, want %s", got, begin)
			}
			if got := h.Next(begin); got.Sub(begin) < 6*24*time.Hour {
				t.Errorf("when it has begun it begins at %s", got)
			}
		})
	}
}

func TestWholeDates(t *testing.T) {
	madrid := zone(t, "Europe/Madrid")
	h := New(madrid, nil, []Dates{dates(t, "2026-12-24..2026-12-26"), dates(t, "2026-10-25")})
	for at, want := range map[string]string{
		"2026-12-23T23:59:59+01:00": "",
		"2026-12-24T00:00:00+01:00": "2026-12-24..2026-12-26 Europe/Madrid",
		"2026-12-26T23:59:59+01:00": "2026-12-24..2026-12-26 Europe/Madrid",
		"2026-12-27T00:00:00+01:00": "",
		"2026-10-25T00:00:00+02:00": "2026-10-25 Europe/Madrid",
		"2026-10-25T23:59:59+01:00": "2026-10-25 Europe/Madrid",
		"2026-10-26T00:00:00+01:00": "",
	} {
		if got := h.At(instant(t, at)); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	if got, want := h.Next(instant(t, "2026-10-25T12:00:00+01:00")), instant(t, "2026-12-24T00:00:00+01:00"); !got.Equal(want) {
		t.Errorf("the next begins %s, want %s", got, want)
	}
	if got := h.Next(instant(t, "2026-12-24T00:00:00+01:00")); !got.IsZero() {
		t.Errorf("after the last one there is another: %s", got)
	}
}

// Samoa had no 30 December 2011.
func TestADateThatDoesNotComeIsNotQuiet(t *testing.T) {
	h := New(zone(t, "Pacific/Apia"), []Window{window(t, "Fri@00:00-24:00")}, []Dates{dates(t, "2011-12-30")})
	if got := h.At(instant(t, "2011-12-31T00:00:00+14:00")); got != "" {
		t.Errorf("it says %q", got)
	}
	if got, want := h.Next(instant(t, "2011-12-25T00:00:00-10:00")), instant(t, "2012-01-06T00:00:00+14:00"); !got.Equal(want) {
		t.Errorf("the next begins %s, want %s", got, want)
	}
}

func TestQuietTimesThatTouchAreOne(t *testing.T) {
	utc := time.UTC
	h := New(utc, []Window{window(t, "09:00-12:00"), window(t, "11:00-17:00"), window(t, "Wed@17:00-24:00")},
		[]Dates{dates(t, "2026-11-19")})
	wednesday := instant(t, "2026-11-18T09:00:00Z")
	if got := h.Next(wednesday.Add(-time.Second)); !got.Equal(wednesday) {
		t.Errorf("it begins %s, want %s", got, wednesday)
	}
	if got, want := h.Next(wednesday), instant(t, "2026-11-20T09:00:00Z"); !got.Equal(want) {
		t.Errorf("the next begins %s, want %s", got, want)
	}
	if got, want := h.At(wednesday.Add(2*time.Hour)), "09:00-12:00 UTC"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestAllQuietTimesInWords(t *testing.T) {
	h := New(time.UTC, []Window{window(t, "Mon-Fri@09:00-17:00"), window(t, "22:00-06:00")},
		[]Dates{dates(t, "2026-12-24..2026-12-26")})
	if got, want := h.String(), "Mon-Fri 09:00-17:00, 22:00-06:00, 2026-12-24..2026-12-26 UTC"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := New(time.UTC, nil, nil).String(); got != "none" {
		t.Errorf("got %q", got)
	}
}

func TestAlwaysAndNever(t *testing.T) {
	now := instant(t, "2026-11-21T06:00:00Z")
	for name, h := range map[string]*Hours{
		"always": New(zone(t, "Europe/Madrid"), []Window{window(t, "00:00-24:00")}, nil),
		"never":  New(time.UTC, nil, nil),
	} {
		if got := h.Next(now); !got.IsZero() {
			t.Errorf("%s: it begins %s", name, got)
		}
		if got := h.At(now) != ""; got != (name == "always") {
			t.Errorf("%s: quiet is %v", name, got)
		}
	}
}
