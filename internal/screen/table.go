package screen

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// gap is what is left between columns.
const gap = 2

// Table is rows under headings. Cells are made printable. When the screen is too
// narrow, columns are cut from the last one on, but neither the first nor those of
// instants, which say nothing when they are cut; and then the lines are.
type Table struct {
	head  []string
	state int // the column that is coloured as a state; -1: none
	rows  [][]string
}

// instants are the headings of columns that hold what Instant returns.
var instants = []string{"DUE", "NEXT", "AT", "ENDED", "MADE", "CREATED", "EXPIRES"}

// NewTable returns a table without rows. A column headed STATE or OUTCOME has the
// colours of its states.
func NewTable(head ...string) *Table {
	t := &Table{head: head, state: -1}
	for i, name := range head {
		if name == "STATE" || name == "OUTCOME" {
			t.state = i
		}
	}
	return t
}

// Row adds a row, a cell for each heading. An empty one is shown as "-".
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.head))
	for i := range row {
		row[i] = "-"
		if i < len(cells) && cells[i] != "" {
			row[i] = Printable(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

// Empty says whether there are no rows.
func (t *Table) Empty() bool { return len(t.rows) == 0 }

// Write writes the table for a screen.
func (t *Table) Write(w io.Writer, s Screen) error {
	widths := t.widths(s.Width)
	var text strings.Builder
	t.line(&text, t.head, widths, func(int, string) Colour { return Bold }, s)
	for _, row := range t.rows {
		t.line(&text, row, widths, t.colour, s)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (t *Table) colour(column int, cell string) Colour {
	if column != t.state {
		return Plain
	}
	word, _, _ := strings.Cut(cell, " ")
	return OfState(word)
}

// widths are those of the columns: as wide as the widest cell, unless all of them
// together are wider than the screen (0: it has no end).
func (t *Table) widths(screen int) []int {
	widths := make([]int, len(t.head))
	total := -gap
	for i, name := range t.head {
		widths[i] = utf8.RuneCountInString(name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + gap
	}
	for i := len(widths) - 1; i > 0 && screen > 0 && total > screen; i-- {
		if slices.Contains(instants, t.head[i]) {
			continue
		}
		cut := min(total-screen, widths[i]-min(widths[i], narrowest))
		widths[i] -= cut
		total -= cut
	}
	return widths
}

// narrowest is how far a column is cut at most.
const narrowest = 8

func (t *Table) line(text *strings.Builder, cells []string, widths []int, colour func(int, string) Colour, s Screen) {
	left := s.Width
	for i, cell := range cells {
		width := widths[i]
		if s.Width > 0 {
			width = min(width, left)
			left -= width + gap
		}
		cell, full := shortened(cell, width)
		text.WriteString(s.Paint(colour(i, cells[i]), cell))
		if i == len(cells)-1 || s.Width > 0 && left <= 0 {
			break
		}
		text.WriteString(strings.Repeat(" ", width-full+gap))
	}
	text.WriteByte('\n')
}

// shortened cuts a text to a width, and returns how wide it is then.
func shortened(text string, width int) (short string, full int) {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text, n
	}
	if width <= 0 {
		return "", 0
	}
	return string([]rune(text)[:width-1]) + "…", width
}

// Shorten cuts a text to a line of the screen.
func (s Screen) Shorten(text string) string {
	if s.Width <= 0 {
		return text
	}
	text, _ = shortened(text, s.Width)
	return text
}
