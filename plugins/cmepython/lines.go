package cmepython

import (
	"io"
	"strings"
)

// longestLine is where a line of output is broken, in bytes.
const longestLine = 32 << 10

// lines makes lines of text that comes in pieces.
type lines struct {
	rest strings.Builder
	say  func(line string)
}

func (l *lines) add(text string) {
	for text != "" {
		line, after, complete := strings.Cut(text, "\n")
		if room := longestLine - l.rest.Len(); len(line) > room {
			line, after, complete = text[:room], text[room:], true
		}
		l.rest.WriteString(line)
		if complete {
			l.flush()
		}
		text = after
	}
}

// flush says what has no end of line yet. Empty lines are left out.
func (l *lines) flush() {
	if line := strings.TrimRight(l.rest.String(), "\r"); line != "" {
		l.say(line)
	}
	l.rest.Reset()
}

// sayLines says what comes from a reader until nothing more does.
func sayLines(from io.Reader, say func(line string)) {
	l := lines{say: say}
	chunk := make([]byte, longestLine)
	for {
		n, err := from.Read(chunk)
		l.add(string(chunk[:n]))
		if err != nil {
			l.flush()
			return
		}
	}
}
