package main

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestTheEventsHaveTheirBounds(t *testing.T) {
	at := func(lag time.Duration, peak int64) watchedOutcomes {
		return watchedOutcomes{outcomes{{due: 1, lags: sample{lag}}}, peak}
	}
	without := at(10*time.Millisecond, 20<<20)
	if rows := eventsRows(10, at(12*time.Millisecond, 84<<20), without); !allMet(rows) {
		t.Errorf("at the bounds: %+v", rows)
	}
	if rows := eventsRows(10, at(time.Millisecond, 10<<20), without); !allMet(rows) || rows[1].Measured.Value != 0 {
		t.Errorf("better with readers: %+v", rows)
	}
	lost := without
	lost.outcomes = outcomes{{due: 2, lags: sample{10 * time.Millisecond}}}
	for name, rows := range map[string][]row{
		"late":                     eventsRows(10, at(13*time.Millisecond, 20<<20), without),
		"large":                    eventsRows(10, at(time.Millisecond, 84<<20+1), without),
		"one lost":                 eventsRows(10, lost, without),
		"one lost without readers": eventsRows(10, without, lost),
	} {
		if allMet(rows) {
			t.Errorf("%s: %+v", name, rows)
		}
	}
}

func TestEventsAreCountedHoweverTheyCome(t *testing.T) {
	const stream = "retry: 1\nid: e-0\n\nid: e-1\nevent: a.b\ndata: {}\n\n:\nid: e-1\n\nid: e-2\nevent: c.d\ndata: {}\n\n"
	for name, from := range map[string]io.Reader{
		"at once":      strings.NewReader(stream),
		"in halves":    iotest.HalfReader(strings.NewReader(stream)),
		"byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
	} {
		var counter eventCounter
		counter.count(from)
		if got := counter.events.Load(); got != 2 {
			t.Errorf("%s: %d events, want 2", name, got)
		}
	}
	var many eventCounter
	many.count(iotest.DataErrReader(strings.NewReader(strings.Repeat(stream, 1000))))
	if got := many.events.Load(); got != 2000 {
		t.Errorf("%d events, want 2000", got)
	}
}
