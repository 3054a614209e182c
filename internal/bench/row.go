package main

import (
	"fmt"
	"math"
	"time"
)

// row is one line of the table.
type row struct {
	Family   string   `json:"family"`
	What     string   `json:"what"`
	Measured quantity `json:"measured"`
	// Spread says more of what was measured: other percentiles, counts.
	Spread string `json:"spread,omitempty"`
	// Limit is what LimitOf did in the same run.
	Limit   quantity `json:"limit"`
	LimitOf string   `json:"limit_of"`
	// Ratio is how many times worse than the limit the measured is.
	Ratio  float64 `json:"ratio"`
	Target string  `json:"target,omitempty"` // "": none is set
	Met    bool    `json:"met"`              // true where no target is set
}

// newRow returns a row without a target.
func newRow(what string, measured quantity, limitOf string, limit quantity) row {
	r := row{What: what, Measured: measured, LimitOf: limitOf, Limit: limit, Met: true}
	r.Ratio = measured.Value / limit.Value
	if measured.Unit == perSecond {
		r.Ratio = limit.Value / measured.Value
	}
	return r
}

// atMost sets a target for the ratio.
func (r row) atMost(ratio float64) row {
	r.Target = fmt.Sprintf("<= %gx", ratio)
	r.Met = r.Ratio <= ratio
	return r
}

// under sets a target for the measured value, in its unit.
func (r row) under(bound quantity, target string) row {
	r.Target = target
	r.Met = r.Measured.Value <= bound.Value
	return r
}

// with adds to the spread.
func (r row) with(format string, args ...any) row {
	r.Spread = fmt.Sprintf(format, args...)
	return r
}

// The units.
const (
	milliseconds = "ms"
	perSecond    = "/s"
	megabytes    = "MB" // 2^20 bytes
)

// quantity is a value with its unit.
type quantity struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func inMilliseconds(d time.Duration) quantity {
	return quantity{float64(d) / float64(time.Millisecond), milliseconds}
}

func inMegabytes(bytes int64) quantity {
	return quantity{float64(bytes) / (1 << 20), megabytes}
}

// rate is how often something is done that takes d.
func rate(d time.Duration) quantity { return quantity{1 / d.Seconds(), perSecond} }

// String prints three digits that count, or all of a larger whole number.
func (q quantity) String() string {
	places := 0
	if v := math.Abs(q.Value); v > 0 && v < 100 {
		places = min(2-int(math.Floor(math.Log10(v))), 3)
	}
	text := fmt.Sprintf("%.*f", places, q.Value)
	if q.Unit == perSecond {
		return text + q.Unit
	}
	return text + " " + q.Unit
}

func allMet(rows []row) bool {
	for _, r := range rows {
		if !r.Met {
			return false
		}
	}
	return true
}
