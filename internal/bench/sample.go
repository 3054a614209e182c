package main

import (
	"math"
	"slices"
	"time"
)

// sample is measurements of one thing, in any order.
type sample []time.Duration

// percentile returns the smallest measurement that p percent of all do not
// exceed; 0 when there is none.
func (s sample) percentile(p float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func (s sample) median() time.Duration { return s.percentile(50) }

// rounds are samples of the same thing, taken one after the other.
type rounds []sample

// percentile returns the median of the rounds' percentiles: a round in which the
// machine was busy with something else does not count then.
func (r rounds) percentile(p float64) time.Duration {
	var each sample
	for _, s := range r {
		each = append(each, s.percentile(p))
	}
	return each.median()
}

// all is every measurement.
func (r rounds) all() sample { return slices.Concat(r...) }

// middle is the median of rates; 0 when there is none.
func middle(rates []float64) quantity {
	q := quantity{Unit: perSecond}
	if len(rates) > 0 {
		q.Value = slices.Sorted(slices.Values(rates))[(len(rates)-1)/2]
	}
	return q
}
