package quiet

import (
	"strings"
	"testing"
)

func TestWindowsAreReadAndWritten(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"09:00-17:00", "09:00-17:00"},
		{"00:00-24:00", "00:00-24:00"},
		{"17:00-24:00", "17:00-24:00"},
		{"22:00-06:00", "22:00-06:00"},
		{"22:00-00:00", "22:00-24:00"},
		{"Mon-Fri@09:00-17:00", "Mon-Fri@09:00-17:00"},
		{"mon-FRI@09:00-17:00", "Mon-Fri@09:00-17:00"},
		{"Mon,Tue,Wed@09:00-17:00", "Mon-Wed@09:00-17:00"},
		{"Sun,Sat@09:00-17:00", "Sat,Sun@09:00-17:00"},
		{"Fri-Mon@09:00-17:00", "Mon,Fri-Sun@09:00-17:00"},
		{"Mon-Sun@09:00-17:00", "09:00-17:00"},
		{"Wed@09:00-17:00", "Wed@09:00-17:00"},
	} {
		w, err := ParseWindow(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := w.String(); got != test.want {
			t.Errorf("%s is written %s, want %s", test.text, got, test.want)
		}
	}
}

func TestWhatIsNoWindow(t *testing.T) {
	const shape = "is not a window of time: write it like Mon-Fri@09:00-17:00, Sat,Sun@22:00-06:00 or 00:00-24:00"
	for _, test := range []struct{ text, want string }{
		{"", `"" ` + shape},
		{"09:00", `"09:00" ` + shape},
		{"9:00-17:00", `"9:00-17:00" ` + shape},
		{"09:00-17:60", `"09:00-17:60" ` + shape},
		{"09:00-24:01", `"09:00-24:01" ` + shape},
		{"24:00-06:00", `"24:00-06:00" ` + shape},
		{"09:00-1/:00", `"09:00-1/:00" ` + shape},
		{"09.00-17.00", `"09.00-17.00" ` + shape},
		{"Mon 09:00-17:00", `"Mon 09:00-17:00" ` + shape},
		{"09:00-09:00", `"09:00-09:00" begins and ends at the same time: a whole day is 00:00-24:00`},
		{"@09:00-17:00", `"@09:00-17:00": "" is not a day or a range of days: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or Mon-Fri`},
		{"Mo-Fr@09:00-17:00", `"Mo-Fr@09:00-17:00": "Mo-Fr" is not a day or a range of days: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or Mon-Fri`},
		{"Mon,@09:00-17:00", `"Mon,@09:00-17:00": "" is not a day or a range of days: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or Mon-Fri`},
	} {
		if _, err := ParseWindow(test.text); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

func TestDatesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-24":             "2026-12-24",
		"2026-12-24..2027-01-06": "2026-12-24..2027-01-06",
		"2026-12-24..2026-12-24": "2026-12-24",
		"2028-02-29":             "2028-02-29",
	} {
		d, err := ParseDates(text)
		if err != nil || d.String() != want {
			t.Errorf("%s is written %s, want %s (%v)", text, d, want, err)
		}
	}
}

func TestWhatIsNoDate(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `"" is not a date from 1970 to 2200: write it like 2026-12-24, or 2026-12-24..2026-12-26`,
		"2026-02-29":             `"2026-02-29" is not a date from 1970 to 2200: write it like 2026-12-24, or 2026-12-24..2026-12-26`,
		"1969-12-31":             `"1969-12-31" is not a date from 1970 to 2200: write it like 2026-12-24, or 2026-12-24..2026-12-26`,
		"2026-12-24..":           `"" is not a date from 1970 to 2200: write it like 2026-12-24, or 2026-12-24..2026-12-26`,
		"2026-12-24..2026-12-23": `"2026-12-24..2026-12-23" ends before it begins`,
		"2026-01-01..2027-01-02": `"2026-01-01..2027-01-02" is longer than 366 days`,
	} {
		if _, err := ParseDates(text); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// What is read is written so that it reads the same, and never has a space, at
// which variables of the environment are split.
func FuzzParseWindow(f *testing.F) {
	for _, text := range []string{"Mon-Fri@09:00-17:00", "Sat,Sun@22:00-06:00", "00:00-24:00", "Fri-Mon@23:59-00:00", "@-", "Mon@:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWindow(text)
		if err != nil {
			return
		}
		again, err := ParseWindow(w.String())
		if err != nil || again != w {
			t.Fatalf("%q is written %q, which is read as %v, %v", text, w, again, err)
		}
		if strings.ContainsAny(w.String(), " \t\n") {
			t.Fatalf("%q is written %q", text, w)
		}
		if w.days == 0 || w.from < 0 || w.from >= dayMinutes || w.until <= w.from || w.until > w.from+dayMinutes {
			t.Fatalf("%q is %+v", text, w)
		}
	})
}

func FuzzParseDates(f *testing.F) {
	for _, text := range []string{"2026-12-24", "2026-12-24..2026-12-26", "..", "2026-13-01"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDates(text)
		if err != nil {
			return
		}
		if again, err := ParseDates(d.String()); err != nil || again != d {
			t.Fatalf("%q is written %q, which is read as %v, %v", text, d, again, err)
		}
		if days := d.last.daysSince(d.first); days < 0 || days >= maxDates {
			t.Fatalf("%q has %d days", text, days+1)
		}
	})
}
