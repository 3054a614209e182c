package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
)

// row counts what happened in the rounds of one family of cases.
type row struct {
	family    string
	cases     int // how many of the family were played
	rounds    int
	executors int
	kills     int
	found     [violation + 1]int // by kind
}

// add adds another row's figures.
func (r *row) add(o row) {
	r.cases += o.cases
	r.rounds += o.rounds
	r.executors += o.executors
	r.kills += o.kills
	for k, n := range o.found {
		r.found[k] += n
	}
}

// String is the row in one line.
func (r row) String() string {
	return fmt.Sprintf("%d rounds, %d runs, %d kills; %d double fires, %d lost undos, %d leftovers, %d violations",
		r.rounds, r.executors, r.kills, r.found[doubleFire], r.found[lostUndo], r.found[leftover], r.found[violation])
}

// tally collects what the rounds bring. It is safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	families map[string]*row
	order    []string
	played   map[string]int // rounds by case
	reached  map[string]int // of those, rounds in which a daemon died
	broken   []string
	notes    map[string]int
}

func newTally() *tally {
	return &tally{
		families: map[string]*row{}, played: map[string]int{}, reached: map[string]int{}, notes: map[string]int{},
	}
}

// result is what one round brought.
type result struct {
	executors int
	kills     int // of plugins and daemons
	deaths    int // of daemons
	found     []finding
	notes     map[string]int // what is to be said, and how often it was so
}

// add counts a round.
func (t *tally) add(c torment, serial uint64, r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	family := t.families[c.family]
	if family == nil {
		family = &row{family: c.family}
		t.families[c.family] = family
		t.order = append(t.order, c.family)
	}
	if t.played[c.name] == 0 {
		family.cases++
	}
	t.played[c.name]++
	if r.deaths > 0 {
		t.reached[c.name]++
	}
	family.rounds++
	family.executors += r.executors
	family.kills += r.kills
	for _, f := range r.found {
		family.found[f.kind]++
		t.broken = append(t.broken, fmt.Sprintf("round %d, %s: %s", serial, c.name, f.text))
	}
	for note, n := range r.notes {
		t.notes[note] += n
	}
}

// total sums all families up.
func (t *tally) total() row {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := row{family: "all"}
	for _, family := range t.families {
		sum.add(*family)
	}
	return sum
}

// rows are the families, then all together.
func (t *tally) rows() []row {
	sum := t.total()
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []row
	for _, name := range slices.Sorted(slices.Values(t.order)) {
		list = append(list, *t.families[name])
	}
	return append(list, sum)
}

// held says whether no promise was broken.
func (t *tally) held() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.broken) == 0
}

// findings are the broken promises, in words.
func (t *tally) findings() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.broken)
}

// remarks are what is to be said besides the figures: known limits that were
// met, cases that could not be played, and how many kills never came.
func (t *tally) remarks() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, note := range slices.Sorted(maps.Keys(t.notes)) {
		list = append(list, fmt.Sprintf("%s (%d times)", note, t.notes[note]))
	}
	rounds, reached := 0, 0
	for name, n := range t.played {
		if meantToDie(name) {
			rounds, reached = rounds+n, reached+t.reached[name]
		}
	}
	if rounds > 0 {
		list = append(list, fmt.Sprintf("a daemon died in %d of the %d rounds that were to kill one", reached, rounds))
	}
	return list
}

// unreached lists the failpoints that were played several times and at which no
// daemon ever died: they would prove nothing.
func (t *tally) unreached() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for name, rounds := range t.played {
		if rounds >= 5 && t.reached[name] == 0 && meantToDie(name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// printTable prints the rows for people.
func printTable(out io.Writer, rows []row) {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "WHAT\tCASES\tROUNDS\tRUNS\tKILLS\tDOUBLE FIRES\tLOST UNDOS\tLEFTOVERS\tVIOLATIONS\t")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.family, r.cases, r.rounds, r.executors, r.kills,
			r.found[doubleFire], r.found[lostUndo], r.found[leftover], r.found[violation])
	}
	_ = tw.Flush() // nobody to tell
}
