package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseClock(t *testing.T) {
	for text, want := range map[string]clock{
		"00:00":    0,
		"0:00":     0,
		"9:05":     9*3600 + 5*60,
		"09:05":    9*3600 + 5*60,
		"09:05:07": 9*3600 + 5*60 + 7,
		"23:59:59": endOfDay - 1,
		"24:00":    endOfDay,
		"24:00:00": endOfDay,
	} {
		if got, err := parseClock(text); err != nil || got != want {
			t.Errorf("parseClock(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseClockRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"25:00":    "there is no 25:00 on a clock: hours go from 0 to 23",
		"10:61":    "there is no 10:61 on a clock",
		"10:00:60": "there is no 10:00:60 on a clock",
		"24:01":    "there is no 24:01 on a clock",
		"24:00:01": "there is no 24:00:01 on a clock",
		"":         `"" is no time of day; write it as "09:30"`,
		"10":       `"10" is no time of day`,
		"10:5":     `"10:5" is no time of day`,
		"10:00 am": `"10:00 am" is no time of day`,
		" 10:00":   `" 10:00" is no time of day`,
		"-1:00":    `"-1:00" is no time of day`,
		"100:00":   `"100:00" is no time of day`,
		"10:00\n":  `"10:00\n" is no time of day`,
		"１０:00":    `"１０:00" is no time of day`,
	} {
		if got, err := parseClock(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseClock(%q) = %d, %v; want an error with %q", text, got, err, want)
		}
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]Count{"4": 4, "4.0": 4, "1e4": 10_000, "-3": -3, "0": 0} {
		var c Count
		if err := json.Unmarshal([]byte(text), &c); err != nil || c != want {
			t.Errorf("Count of %s = %d, %v; want %d", text, c, err, want)
		}
	}
	for _, text := range []string{"4.5", "1e300", `"4"`, "true", "[]"} {
		var c Count
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("Count of %s = %d, want an error", text, c)
		}
	}
}

func FuzzParseClock(f *testing.F) {
	for _, seed := range []string{"10:00", "24:00", "9:05:07", "25:00", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseClock(text)
		if err == nil && (c < 0 || c > endOfDay) {
			t.Errorf("parseClock(%q) = %d, outside the day", text, c)
		}
	})
}

func FuzzCount(f *testing.F) {
	for _, seed := range []string{"4", "4.0", "1e4", "-3", "4.5", "1e300", "null", `"4"`, "2147483647.5"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var c Count
		var number float64
		if err := json.Unmarshal(text, &c); err != nil || string(text) == "null" {
			return
		}
		if err := json.Unmarshal(text, &number); err != nil || float64(c) != number {
			t.Errorf("%s is read as %d, %v", text, c, err)
		}
	})
}
