package plugincheck

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// printable is what a plugin said, without what would drive a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// excerpt quotes the beginning of what a plugin printed.
func excerpt(s string) string { return strconv.Quote(cut(s, 100)) }

// cut shortens a text to at most n runes.
func cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n]) + "…"
}

// panicLine is what a Go program prints first when it panics.
var panicLine = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)

// lastWords are the end of what a process printed to standard error, to follow
// on what is said of it.
func lastWords(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if line := panicLine.FindString(stderr); line != "" { // its stack follows on it
		last = line
	}
	if last == "" {
		return ""
	}
	return "; its last words: " + cut(last, 200)
}

// explained is what is wrong with an answer, with the last words of its process.
func explained(a host.Answer) string {
	if strings.Contains(a.Err.Message, "; its last words: ") { // the host has them
		return a.Err.Message
	}
	return a.Err.Message + lastWords(a.Stderr)
}

// orMend returns the verdict with another hint, if there is one.
func (v verdict) orMend(hint string) verdict {
	if hint != "" {
		v.hint = hint
	}
	return v
}
