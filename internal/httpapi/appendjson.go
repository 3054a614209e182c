package httpapi

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// The append functions write JSON without reflection. They are for lists of
// executors, which are the bulk of what the server sends. What they write is,
// byte by byte, what encoding/json writes without HTML escapes.

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	return append(appendText(append(dst, '"'), s), '"')
}

// appendText appends s as the inside of a JSON string.
func appendText(dst []byte, s string) []byte {
	if isPlain(s) {
		return append(dst, s...)
	}
	plain := 0 // s[plain:i] needs no escape
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if escape := escapeOf(r, size); escape != "" {
			dst = append(append(dst, s[plain:i]...), escape...)
			plain = i + size
		}
		i += size
	}
	return append(dst, s[plain:]...)
}

// isPlain says whether s stands for itself in a JSON string: as good as all
// that is sent does.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// escapeOf returns what a character that can't stand for itself is written as,
// "" for one that can. The last two of the list end a line to JavaScript.
func escapeOf(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return `\ufffd`
	case r == '"':
		return `\"`
	case r == '\\':
		return `\\`
	case r == '\b':
		return `\b`
	case r == '\f':
		return `\f`
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < ' ':
		return `\u00` + string(hexDigits[r>>4]) + string(hexDigits[r&0xf])
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return ""
}

const hexDigits = "0123456789abcdef"

// appendRest ends an object. more, if not nil, is a JSON object whose members
// are put behind the others.
func appendRest(dst, more []byte) []byte {
	if len(more) > len("{}") {
		dst = append(append(dst, ','), more[1:len(more)-1]...)
	}
	return append(dst, '}')
}

// appendTime appends a date, or null for the zero time.
func appendTime(dst []byte, t time.Time, zone *time.Location) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = t.In(zone).AppendFormat(dst, timeLayout)
	return append(dst, '"')
}

// appendMillis appends a duration in milliseconds, to the microsecond.
func appendMillis(dst []byte, d time.Duration) []byte {
	return strconv.AppendFloat(dst, millis(d), 'f', -1, 64)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
