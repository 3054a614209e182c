package screen

import (
	"io"
	"os"
	"strconv"
)

// Screen is a stream that somebody may be looking at. The zero value is nobody's:
// no colours, no end to a line.
type Screen struct {
	// Watched says that a person sees it, on a terminal that can go back in a line.
	Watched bool
	// Colour says that colours are welcome.
	Colour bool
	// Width is how many columns a line has; 0: as many as it needs.
	Width int
}

// Of looks at a stream. variable returns a variable of the environment: NO_COLOR,
// when it is not empty, forbids colours (no-color.org); TERM=dumb forbids all that
// is more than text; COLUMNS overrides the width.
func Of(stream io.Writer, variable func(string) string) Screen {
	file, ok := stream.(*os.File)
	if !ok {
		return Screen{}
	}
	width, ok := terminalWidth(file)
	if !ok {
		return Screen{}
	}
	if n, err := strconv.Atoi(variable("COLUMNS")); err == nil && n > 0 {
		width = n
	}
	able := variable("TERM") != "dumb"
	return Screen{Watched: able, Colour: able && variable("NO_COLOR") == "", Width: width}
}

// Colour is how a word stands out.
type Colour string

// The colours that are used, as SGR parameters (ECMA-48).
const (
	Plain  Colour = ""
	Bold   Colour = "1"
	Faint  Colour = "2"
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
	Cyan   Colour = "36"
	Alarm  Colour = "1;31"
)

// Paint returns the text in a colour, if colours are welcome.
func (s Screen) Paint(c Colour, text string) string {
	if !s.Colour || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// states are the colours of the states of executors, undo records and plugins.
var states = map[string]Colour{
	"running": Cyan, "starting": Cyan, "undoing": Cyan,
	"succeeded": Green, "undone": Green, "ready": Green, "ok": Green,
	"missed": Yellow, "blocked": Yellow, "cancelled": Yellow, "halted": Yellow, "open": Yellow, "kept": Yellow,
	"abandoned": Yellow, "refused": Yellow, "ignored": Faint, "revoked": Faint, "expired": Faint,
	"failed": Red, "timed_out": Red, "crashed": Red, "lost": Red, "broken": Red, "conflict": Red, "incompatible": Red,
}

// OfState is the colour of a state, Plain for one that is not known.
func OfState(state string) Colour { return states[state] }
