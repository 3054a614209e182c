package main

import "runtime/debug"

// eagerness is by how many hundredths the heap grows before garbage is collected;
// Go's own is 100. A daemon's heap is small, and what it allocates is soon
// garbage, so collecting it more often costs next to nothing, and the most memory
// that it takes is a good part less.
const eagerness = 50

// collectEagerly makes that so, unless whoever started the daemon has chosen
// otherwise.
func collectEagerly(p program) {
	if p.variable("GOGC") == "" {
		debug.SetGCPercent(eagerness)
	}
}
