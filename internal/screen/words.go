package screen

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable is a text without what would drive a terminal or turn its letters round,
// on one line. Tabs and other spaces are a space.
func Printable(s string) string { return strings.Map(printableRune, s) }

// PrintableLines is Printable for several lines.
func PrintableLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return printableRune(r)
	}, s)
}

func printableRune(r rune) rune {
	switch {
	case r == '\t', unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.IsPrint(r):
		return r
	default:
		return utf8.RuneError
	}
}

// FromNow tells in words how far away an instant is: "in 4 min", "3 days ago".
func FromNow(d time.Duration) string {
	before, after := "in ", ""
	if d < 0 {
		d, before, after = -d, "", " ago"
	}
	if d < time.Second {
		return "now"
	}
	return before + Span(d) + after
}

// Span tells in words how long something is, rounded to one unit.
func Span(d time.Duration) string {
	switch {
	case d.Round(time.Second) < time.Minute:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d.Round(time.Minute) < 2*time.Hour:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	case d.Round(time.Hour) < 48*time.Hour:
		return fmt.Sprintf("%d h", d.Round(time.Hour)/time.Hour)
	default:
		return fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
	}
}

// Took tells how long something took, as exactly as that matters.
func Took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return Span(d)
	}
}

// Instant shows an instant to the second, with words beside it:
// "2026-11-21T17:00:00Z (in 4 min)". The zero time is "-".
func Instant(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339) + " (" + FromNow(t.Sub(now)) + ")"
}

// Wrap breaks a text into lines of the width given (0: it has no end) between
// words, each behind the indent.
func Wrap(text, indent string, width int) string {
	var out strings.Builder
	left := 0
	for word := range strings.FieldsSeq(text) {
		n := Width(word)
		switch {
		case out.Len() == 0:
			out.WriteString(indent)
		case width > 0 && n+1 > left:
			out.WriteString("\n" + indent)
		default:
			out.WriteString(" " + word)
			left -= n + 1
			continue
		}
		out.WriteString(word)
		left = width - Width(indent) - n
	}
	return out.String()
}
