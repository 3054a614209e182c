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
		switch {
		case unicode.IsPrint(r):
			return r
		case r == '\t':
			return ' '
		}
		return utf8.RuneError
	}, s)
}

// printableLines is printable for several lines; all but the first are indented.
func printableLines(s, indent string) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i := range lines {
		lines[i] = printable(strings.TrimRight(lines[i], "\r"))
	}
	return strings.Join(lines, "\n"+indent)
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

// copyName is how a program that names itself begins what it says: it is executed
// as a copy, which is named by its digest.
var copyName = regexp.MustCompile(`\b[0-9a-f]{64}: `)

// explained is what is wrong with an answer, with the last words of its process.
func explained(a host.Answer) string {
	text := a.Err.Message
	if !strings.Contains(text, "; its last words: ") { // else the host has them
		text += lastWords(a.Stderr)
	}
	return copyName.ReplaceAllString(text, "")
}

// ofIt is what is explained, as a sentence about the plugin.
func ofIt(a host.Answer) string {
	text := explained(a)
	if strings.HasPrefix(text, "it ") || strings.HasPrefix(text, "its ") {
		return text
	}
	return "it " + text
}

// mendedBy says how to mend a plugin that gave no answer, by what became of its
// process; "" where that says nothing.
func mendedBy(a host.Answer) string {
	switch {
	case a.Err.Hint != "":
		return a.Err.Hint
	case strings.Contains(a.Err.Message, "ended by a signal"):
		return "was it built for this machine, and copied completely? If it was, look for what crashes before it answers"
	case strings.TrimSpace(a.Stderr) != "" && strings.Contains(a.Err.Message, "it exited with code"):
		return "mend what it says"
	}
	return ""
}

// orMend returns the verdict with another hint, if there is one.
func (v verdict) orMend(hint string) verdict {
	if hint != "" {
		v.hint = hint
	}
	return v
}
