package main

import (
	"fmt"
	"io"

	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// progressLine is a line on a terminal that is written over and over.
type progressLine struct {
	to     io.Writer
	screen screen.Screen
}

// newProgressLine shows nothing where nobody watches.
func newProgressLine(to io.Writer, s screen.Screen) *progressLine {
	return &progressLine{to: to, screen: s}
}

func (p *progressLine) show(text string) {
	if p.screen.Watched {
		fmt.Fprint(p.to, "\r\x1b[K"+p.screen.Shorten(text))
	}
}

func (p *progressLine) clear() {
	if p.screen.Watched {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
