package main

import (
	"fmt"
	"time"
)

// zonesDiffer says whether two zones show different times at some moment of the
// year that begins at from.
func zonesDiffer(a, b *time.Location, from time.Time) bool {
	for day := range 366 {
		at := from.AddDate(0, 0, day)
		_, offsetA := at.In(a).Zone()
		_, offsetB := at.In(b).Zone()
		if offsetA != offsetB {
			return true
		}
	}
	return false
}

// assumedZone explains that nobody chose the zone and that the machine's is
// another.
func assumedZone(zone, machine *time.Location, now time.Time) string {
	return fmt.Sprintf("dates without an offset are read in %s, since no time zone was chosen; "+
		"this machine's clock shows another: it is %s here and %s there; choose one with --timezone",
		zone, now.In(machine).Format("15:04 MST"), now.In(zone).Format("15:04 MST"))
}
