package screen

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is how many columns of a terminal a printable text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += widthOf(r)
	}
	return n
}

func widthOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) { // it is put on the one before it
		return 0
	}
	switch width.LookupRune(r).Kind() { // Unicode's annex 11, East Asian Width
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// shortened cuts a text to a number of columns, and returns how wide it is then.
func shortened(text string, columns int) (short string, full int) {
	if full = Width(text); full <= columns {
		return text, full
	}
	if columns <= 0 {
		return "", 0
	}
	var cut strings.Builder
	full = 1 // for the dots
	for _, r := range text {
		n := widthOf(r)
		if full+n > columns {
			break
		}
		cut.WriteRune(r)
		full += n
	}
	return cut.String() + "…", full
}

// Shorten cuts a text to a line of the screen.
func (s Screen) Shorten(text string) string {
	if s.Width <= 0 {
		return text
	}
	text, _ = shortened(text, s.Width)
	return text
}
