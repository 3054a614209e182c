package screen

import (
	"strings"
	"unicode"
)

// wide are the characters that take two columns of a terminal: the wide and fullwidth
// ones of Unicode's annex 11 (East Asian Width), whole blocks where what is between is
// not assigned, and the symbols that are shown as pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul's initial consonants
		{Lo: 0x231a, Hi: 0x231b, Stride: 1},
		{Lo: 0x2329, Hi: 0x232a, Stride: 1},
		{Lo: 0x23e9, Hi: 0x23ec, Stride: 1},
		{Lo: 0x23f0, Hi: 0x23f3, Stride: 3},
		{Lo: 0x25fd, Hi: 0x25fe, Stride: 1},
		{Lo: 0x2614, Hi: 0x2615, Stride: 1},
		{Lo: 0x2648, Hi: 0x2653, Stride: 1},
		{Lo: 0x267f, Hi: 0x2693, Stride: 0x14},
		{Lo: 0x26a1, Hi: 0x26aa, Stride: 9},
		{Lo: 0x26ab, Hi: 0x26bd, Stride: 0x12},
		{Lo: 0x26be, Hi: 0x26c4, Stride: 6},
		{Lo: 0x26c5, Hi: 0x26ce, Stride: 9},
		{Lo: 0x26d4, Hi: 0x26ea, Stride: 0x16},
		{Lo: 0x26f2, Hi: 0x26f3, Stride: 1},
		{Lo: 0x26f5, Hi: 0x26fa, Stride: 5},
		{Lo: 0x26fd, Hi: 0x2705, Stride: 8},
		{Lo: 0x270a, Hi: 0x270b, Stride: 1},
		{Lo: 0x2728, Hi: 0x274c, Stride: 0x24},
		{Lo: 0x274e, Hi: 0x2753, Stride: 5},
		{Lo: 0x2754, Hi: 0x2755, Stride: 1},
		{Lo: 0x2757, Hi: 0x2795, Stride: 0x3e},
		{Lo: 0x2796, Hi: 0x2797, Stride: 1},
		{Lo: 0x27b0, Hi: 0x27bf, Stride: 0xf},
		{Lo: 0x2b1b, Hi: 0x2b1c, Stride: 1},
		{Lo: 0x2b50, Hi: 0x2b55, Stride: 5},
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // radicals and punctuation of Chinese and Japanese
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // kana, Bopomofo, Chinese characters, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe10, Hi: 0xfe19, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // fullwidth forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18dff, Stride: 1}, // Tangut, Khitan
		{Lo: 0x1aff0, Hi: 0x1b2ff, Stride: 1},
		{Lo: 0x1f004, Hi: 0x1f0cf, Stride: 0xcb},
		{Lo: 0x1f18e, Hi: 0x1f191, Stride: 3},
		{Lo: 0x1f192, Hi: 0x1f19a, Stride: 1},
		{Lo: 0x1f200, Hi: 0x1f320, Stride: 1},
		{Lo: 0x1f32d, Hi: 0x1f64f, Stride: 1}, // pictures
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f7e0, Hi: 0x1f7f0, Stride: 1},
		{Lo: 0x1f90c, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x1fa70, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // Chinese characters
	},
}

// Width is how many columns of a terminal a printable text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += widthOf(r)
	}
	return n
}

func widthOf(r rune) int {
	switch {
	case r < 0x300: // most of what is shown
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me): // it is put on the one before it
		return 0
	case unicode.Is(wide, r):
		return 2
	default:
		return 1
	}
}

// shortened cuts a text to a width, and returns how wide it is then.
func shortened(text string, width int) (short string, full int) {
	if full = Width(text); full <= width {
		return text, full
	}
	if width <= 0 {
		return "", 0
	}
	var cut strings.Builder
	full = 1 // for the dots
	for _, r := range text {
		n := widthOf(r)
		if full+n > width {
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
