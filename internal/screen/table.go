package screen

import (
	"io"
	"slices"
	"strings"
)

// gap is what is left between columns.
const gap = 2

// narrowest is how far a column is cut at most, before the last ones are left out.
const narrowest = 8

// missing is shown in a cell that has nothing.
const missing = "-"

// Table is rows under headings, the most important columns first. Cells are made
// printable. When the screen is too narrow, columns that hold nothing are left out,
// then instants are told in words alone, then columns are cut; but not the first,
// by which a row is named in other commands, nor another id, its state or an instant. What has no
// place at the end even then is left out.
type Table struct {
	head  []string
	state int // the column that is coloured as a state; -1: none
	rows  [][]string
}

// instants are the headings of columns that hold what Instant returns.
var instants = []string{"DUE", "NEXT", "AT", "ENDED", "MADE", "CREATED", "EXPIRES"}

// stateHeads are the headings of columns that have the colours of their states.
var stateHeads = []string{"STATE", "OUTCOME"}

// ids are the headings of columns that hold ids, beside the first.
var ids = []string{"TARGET"}

// longestID is how wide a column of ids is at most that is not cut; other things that
// stand there may be longer.
const longestID = 36

// NewTable returns a table without rows. A column headed STATE or OUTCOME has the
// colours of its states.
func NewTable(head ...string) *Table {
	return &Table{head: head, state: slices.IndexFunc(head, func(name string) bool { return slices.Contains(stateHeads, name) })}
}

// Row adds a row, a cell for each heading. An empty one is shown as "-".
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.head))
	for i := range row {
		row[i] = missing
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
	columns := t.columns(s.Width)
	var text strings.Builder
	line(&text, s, columns, func(c *column) string { return c.head }, func(*column, string) Colour { return Bold })
	for i := range t.rows {
		line(&text, s, columns, func(c *column) string { return c.cells[i] }, colourOf)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// column is what is shown of a column.
type column struct {
	head    string
	cells   []string
	state   bool // it has the colours of its states
	instant bool // it can do with words alone
	whole   bool // it is not cut
	width   int
	full    int // the width at which nothing is cut
}

// columns are what a screen has room for (0: it has no end).
func (t *Table) columns(screen int) []*column {
	columns := make([]*column, len(t.head))
	for i, name := range t.head {
		c := &column{head: name, state: i == t.state, instant: slices.Contains(instants, name)}
		for _, row := range t.rows {
			c.cells = append(c.cells, row[i])
		}
		c.measure()
		c.whole = i == 0 || c.state || c.instant || slices.Contains(ids, name) && c.full <= longestID
		columns[i] = c
	}
	if screen <= 0 || total(columns) <= screen {
		return columns
	}
	columns = slices.DeleteFunc(columns, func(c *column) bool { return !c.whole && c.empty() })
	for _, c := range slices.Backward(columns) {
		if c.instant && total(columns) > screen {
			c.inWords()
		}
	}
	return squeeze(columns, screen)
}

// squeeze cuts columns until they fit, all of those that may be cut alike, and leaves
// out the last ones that have no place even then.
func squeeze(columns []*column, screen int) []*column {
	if total(columns) <= screen {
		return columns
	}
	for _, c := range columns {
		if !c.whole {
			c.width = min(c.width, narrowest)
		}
	}
	for len(columns) > 1 && total(columns) > screen {
		columns = columns[:len(columns)-1]
	}
	columns[0].width = min(columns[0].width, screen)
	for left, grown := screen-total(columns), true; left > 0 && grown; {
		grown = false
		for _, c := range columns {
			if left > 0 && !c.whole && c.width < c.full {
				c.width++
				left--
				grown = true
			}
		}
	}
	return columns
}

// total is the width of columns with the gaps between them.
func total(columns []*column) int {
	n := -gap
	for _, c := range columns {
		n += c.width + gap
	}
	return n
}

// measure makes the column so wide that nothing is cut.
func (c *column) measure() {
	c.full = Width(c.head)
	for _, cell := range c.cells {
		c.full = max(c.full, Width(cell))
	}
	c.width = c.full
}

// empty says whether no row has anything in the column.
func (c *column) empty() bool {
	return !slices.ContainsFunc(c.cells, func(cell string) bool { return cell != missing })
}

// inWords leaves of instants the words beside them.
func (c *column) inWords() {
	for i, cell := range c.cells {
		if _, words, ok := strings.Cut(cell, " ("); ok {
			c.cells[i] = strings.TrimSuffix(words, ")")
		}
	}
	c.measure()
}

// colourOf is the colour of a cell.
func colourOf(c *column, cell string) Colour {
	if !c.state {
		return Plain
	}
	word, _, _ := strings.Cut(cell, " ")
	return OfState(word)
}

func line(text *strings.Builder, s Screen, columns []*column, cellOf func(*column) string, colour func(*column, string) Colour) {
	for i, c := range columns {
		cell, full := shortened(cellOf(c), c.width)
		text.WriteString(s.Paint(colour(c, cellOf(c)), cell))
		if i < len(columns)-1 {
			text.WriteString(strings.Repeat(" ", c.width-full+gap))
		}
	}
	text.WriteByte('\n')
}
