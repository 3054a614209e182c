package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestPercentile(t *testing.T) {
	s := make(sample, 100)
	for i := range s {
		s[i] = time.Duration(100 - i) // in no order that helps
	}
	for p, want := range map[float64]time.Duration{0: 1, 1: 1, 50: 50, 99: 99, 99.5: 100, 100: 100} {
		if got := s.percentile(p); got != want {
			t.Errorf("p%g is %d, want %d", p, got, want)
		}
	}
	if got := (sample{}).percentile(50); got != 0 {
		t.Errorf("the median of nothing is %d", got)
	}
	if got := middle([]float64{3, 1, 2}).Value; got != 2 {
		t.Errorf("the middle is %g", got)
	}
}

func TestABusyRoundDoesNotCount(t *testing.T) {
	r := rounds{{1, 2}, {900, 901}, {3, 4}}
	if got := r.percentile(99); got != 4 {
		t.Errorf("p99 is %d", got)
	}
	if got := r.all().percentile(100); got != 901 {
		t.Errorf("the maximum is %d", got)
	}
}

func TestARatioSaysHowMuchWorse(t *testing.T) {
	slow := newRow("a", inMilliseconds(6*time.Millisecond), "b", inMilliseconds(4*time.Millisecond))
	rare := newRow("a", quantity{100, perSecond}, "b", quantity{150, perSecond})
	for _, r := range []row{slow, rare} {
		if r.Ratio != 1.5 || !r.Met || r.verdict() != "" {
			t.Errorf("%+v", r)
		}
		if r = r.atMost(1.5); r.verdict() != "ok" || r.Target != "<= 1.5x" {
			t.Errorf("at the target: %+v", r)
		}
		if r = r.atMost(1.4); r.verdict() != "over" || allMet([]row{r}) {
			t.Errorf("over the target: %+v", r)
		}
	}
	if r := slow.under(inMilliseconds(5*time.Millisecond), "<= 5 ms"); r.verdict() != "over" || r.Target != "<= 5 ms" {
		t.Errorf("%+v", r)
	}
}

func TestALostRunMissesTheTarget(t *testing.T) {
	lags := sample{time.Millisecond}
	minimal := rounds{lags}
	if r := lagRow(1, outcomes{{due: 1, lags: lags}}, minimal); r.verdict() != "ok" {
		t.Errorf("none lost: %+v", r)
	}
	if r := lagRow(1, outcomes{{due: 1, lags: lags}, {due: 2, lags: lags}}, minimal); r.verdict() != "over" {
		t.Errorf("one lost: %+v", r)
	}
}

func TestQuantities(t *testing.T) {
	for want, q := range map[string]quantity{
		"0 ms": {0, milliseconds}, "0.120 ms": {0.12, milliseconds}, "1.23 ms": {1.234, milliseconds},
		"12.3/s": {12.34, perSecond}, "1234 MB": {1234.4, megabytes},
	} {
		if got := q.String(); got != want {
			t.Errorf("%g is %q, want %q", q.Value, got, want)
		}
	}
	for n, want := range map[int]string{1: "1 run", 10: "10 runs", 1000: "1,000 runs", 1234567: "1,234,567 runs"} {
		if got := count(n, "run"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestItIsMorningAtAnyHour(t *testing.T) {
	for hour := range 24 {
		now := time.Date(2026, 3, 1, hour, 59, 0, 0, time.UTC)
		zone, err := time.LoadLocation(morning(now))
		if err != nil {
			t.Fatalf("at %d: %v", hour, err)
		}
		if got := now.In(zone).Hour(); got != 6 {
			t.Errorf("at %d UTC it is %d in %s", hour, got, zone)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, test := range []struct {
		name                      string
		shape                     shape
		executors, pending, plans int
	}{
		{"10,000", mixed(10_000), 10_000, 100, 991},
		{"1,000", mixed(1000), 1000, 10, 91},
		{"final", pageOfFinal(), page, 0, 1},
		{"pending", pageOfPending(), page, page, page},
	} {
		executors, pending, inProbe := 0, 0, 0
		for _, p := range test.shape.plans {
			for _, e := range p.executors {
				executors++
				if !e.State.Final() {
					pending++
				}
				if in := test.shape.probe; !e.Due.Before(in.from) && e.Due.Before(in.to) {
					inProbe++
					if e.PlanID != in.plan || e.State != engine.Succeeded {
						t.Errorf("%s: executor %+v is in the probe's time", test.name, e)
					}
				}
			}
		}
		if executors != test.executors || pending != test.pending || len(test.shape.plans) != test.plans {
			t.Errorf("%s: %d executors, %d pending, %d plans", test.name, executors, pending, len(test.shape.plans))
		}
		if test.shape.probe.plan != "" && inProbe != page {
			t.Errorf("%s: %d executors in the probe", test.name, inProbe)
		}
	}
}

func TestOptions(t *testing.T) {
	o, err := readOptions([]string{"-only", "lag, ready", "-strict", "-o", "json"}, io.Discard)
	if err != nil || len(o.families) != 2 || o.families[0].name != "lag" || !o.strict || !o.json {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := readOptions(nil, io.Discard); err != nil || len(o.families) != len(families)-2 {
		t.Errorf("%d families, %v; want all but the two that are measured apart", len(o.families), err)
	}
	if o, err := readOptions([]string{"-only", "halt"}, io.Discard); err != nil || len(o.families) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-only", "nothing"}, {"-o", "xml"}, {"more"}, {"-unknown"}} {
		var out strings.Builder
		if _, err := readOptions(args, &out); err == nil || out.Len() == 0 {
			t.Errorf("%q: %v, and said %q", args, err, out.String())
		}
	}
}

func TestTheHaltHasBothItsBounds(t *testing.T) {
	minimal := sample{300 * time.Millisecond}
	rows := haltRows(sample{800 * time.Millisecond}, minimal, sample{stopGrace + haltExtraDeaf})
	if !allMet(rows) {
		t.Errorf("at the bounds: %+v", rows)
	}
	for _, rows := range [][]row{
		haltRows(sample{801 * time.Millisecond}, minimal, sample{stopGrace}),
		haltRows(sample{time.Millisecond}, minimal, sample{stopGrace + haltExtraDeaf + time.Millisecond}),
	} {
		if allMet(rows) {
			t.Errorf("over a bound: %+v", rows)
		}
	}
}
