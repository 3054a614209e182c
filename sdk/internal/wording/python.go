package wording

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// longest is how many characters of a value are shown.
const longest = 60

// Private cuts out of a text what may be a password: that of a URL or an address
// such as user:password@host, from its first colon to its last "@".
func Private(s string) string {
	from, to := strings.IndexByte(s, ':'), strings.LastIndexByte(s, '@')
	if from < 0 || to < from {
		return s
	}
	return s[:from+1] + "…" + s[to:]
}

// Show prints a decoded JSON value as Python prints it: 'text', True, None, 5,
// 2.0. Long texts are cut, and passwords as Private does; of an object or list only
// that it is one is shown.
// Numbers are json.Number or float64.
func Show(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return Quote(Private(v))
	case json.Number:
		return showNumber(v)
	case float64:
		return showFloat(v)
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "[…]"
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		return "{…}"
	default:
		return Hidden
	}
}

// Quote prints a text as Python's repr does: in single quotes, or in double
// ones when it contains single ones only. It is cut when it is long.
func Quote(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	shown := 0
	for _, r := range s {
		if shown == longest {
			b.WriteRune('…')
			break
		}
		writeRune(&b, r, quote)
		shown++
	}
	b.WriteRune(quote)
	return b.String()
}

func writeRune(b *strings.Builder, r, quote rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == '\\' || r == quote:
		b.WriteRune('\\')
		b.WriteRune(r)
	case r == ' ' || unicode.IsPrint(r):
		b.WriteRune(r)
	default:
		escaped := strconv.QuoteRuneToASCII(r)
		b.WriteString(escaped[1 : len(escaped)-1])
	}
}

func showNumber(n json.Number) string {
	text := n.String()
	if len(text) > longest {
		return text[:longest] + "…"
	}
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	f, err := n.Float64()
	if err != nil {
		return text
	}
	return showFloat(f)
}

// showFloat prints like Python's repr(float): always with a point or an
// exponent, and an exponent only from 1e16 up and below 1e-4.
func showFloat(f float64) string {
	size := math.Abs(f)
	if size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
