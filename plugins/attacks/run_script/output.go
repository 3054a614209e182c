package main

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// longestLine bounds a line in the log, in bytes; the rest of it is left out.
const longestLine = 4 << 10

// lines makes lines of what a script prints. What a carriage return takes back,
// as progress bars do, is left out, as on a terminal. One goroutine writes.
type lines struct {
	log  func(line string)
	hide redaction

	bytes    int64
	last     string // the last line that was not empty
	line     []byte
	cut      bool // the line is longer than what is kept
	returned bool // a carriage return came last
}

// Write takes what was printed. It blocks while the log does.
func (l *lines) Write(p []byte) (int, error) {
	l.bytes += int64(len(p))
	for rest := p; len(rest) > 0; {
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			l.add(rest)
			break
		}
		l.add(rest[:end])
		if rest[end] == '\n' {
			l.end()
		} else {
			l.returned = true
		}
		rest = rest[end+1:]
	}
	return len(p), nil
}

func (l *lines) add(part []byte) {
	if len(part) == 0 {
		return
	}
	if l.returned {
		l.line, l.cut, l.returned = l.line[:0], false, false
	}
	// A value that the end cuts through has to be whole to be found.
	room := longestLine + l.hide.longest - len(l.line)
	l.cut = l.cut || len(part) > room
	l.line = append(l.line, part[:min(len(part), room)]...)
}

func (l *lines) end() {
	text := string(l.line)
	if l.hide.values != nil {
		text = l.hide.values.Replace(text)
	}
	if l.cut || len(text) > longestLine {
		text = string(wholeRunes([]byte(text[:min(len(text), longestLine)]))) + "…"
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.TrimSpace(text) != "" {
		l.last = text
	}
	l.log(text)
	l.line, l.cut, l.returned = l.line[:0], false, false
}

// close logs a last line that nothing has ended.
func (l *lines) close() {
	if len(l.line) > 0 {
		l.end()
	}
}

// wholeRunes drops a rune at the end of which a cut has left only the start.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}
