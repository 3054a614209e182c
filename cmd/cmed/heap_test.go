package main

import (
	"runtime/debug"
	"testing"
)

func TestTheHeapIsCollectedEagerlyUnlessToldOtherwise(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	collectEagerly(program{env: []string{"GOGC=100"}})
	if now := debug.SetGCPercent(100); now != 100 {
		t.Errorf("GOGC is overruled: %d", now)
	}
	collectEagerly(program{env: []string{"HOME=/"}})
	if now := debug.SetGCPercent(100); now != eagerness {
		t.Errorf("it grows by %d hundredths", now)
	}
}
