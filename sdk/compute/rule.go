package compute

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Rule says how many of the candidates are chosen. Neither Count nor Percent:
// one, even if it is the only one.
type Rule struct {
	Count   int     // so many; 0: not said
	Percent float64 // so many of a hundred, more than 0; rounded down, but to AtLeast at least; 0: not said
	// AtLeast is what Percent is never rounded below; nil: 1. Only an explicit 0
	// lets rounding choose nobody.
	AtLeast *int
	// AllowAll lets Count and Percent take every candidate.
	AllowAll bool
}

// Choose picks among the candidates by chance, drawing from r alone: the same
// candidates, in whatever order, and the same seed make the same choice, which
// comes back ordered by id. A candidate whose id is in excluded is never chosen
// and doesn't count, nor does one that is named twice count twice.
//
// ErrWouldBeEmpty is returned when no candidate is left, and when Percent rounds
// to none; ErrWouldBeAll when Count or Percent would take every candidate
// without AllowAll; ErrBadRule when the rule is none. A Count above the number of
// candidates takes all of them, if that is allowed.
func (rule Rule) Choose(candidates []Node, excluded map[string]bool, r *rand.Rand) ([]Node, error) {
	if err := rule.check(); err != nil {
		return nil, err
	}
	left := slices.DeleteFunc(slices.Clone(candidates), func(n Node) bool { return excluded[n.ID] })
	SortByID(left)
	left = slices.CompactFunc(left, func(a, b Node) bool { return a.ID == b.ID })
	number, err := rule.number(len(left))
	if err != nil {
		return nil, err
	}
	// The start of a shuffle: each place gets one of those that have none yet.
	for i := range number {
		j := i + r.IntN(len(left)-i)
		left[i], left[j] = left[j], left[i]
	}
	chosen := slices.Clip(left[:number])
	SortByID(chosen)
	return chosen, nil
}

func (rule Rule) check() error {
	switch {
	case rule.Count < 0:
		return fmt.Errorf("%w: a count of %d", ErrBadRule, rule.Count)
	case !(rule.Percent >= 0 && rule.Percent <= 100): // so that NaN is none
		return fmt.Errorf("%w: %s percent", ErrBadRule, decimal(rule.Percent))
	case rule.Count > 0 && rule.Percent > 0:
		return fmt.Errorf("%w: both a count and percent", ErrBadRule)
	case rule.AtLeast != nil && *rule.AtLeast < 0:
		return fmt.Errorf("%w: at least %d", ErrBadRule, *rule.AtLeast)
	}
	return nil
}

// number is how many of so many candidates are chosen.
func (rule Rule) number(candidates int) (int, error) {
	if candidates == 0 {
		return 0, fmt.Errorf("the choice %w: there is no candidate", ErrWouldBeEmpty)
	}
	var wanted int
	var words string
	switch {
	case rule.Count > 0:
		wanted, words = rule.Count, fmt.Sprintf("a count of %d", rule.Count)
	case rule.Percent > 0:
		wanted = max(share(rule.Percent, candidates), rule.atLeast())
		words = fmt.Sprintf("%s percent (but at least %d)", decimal(rule.Percent), rule.atLeast())
	default:
		return 1, nil
	}
	switch {
	case wanted == 0:
		return 0, fmt.Errorf("the choice %w: %s percent of %d rounds to none, and at_least is 0",
			ErrWouldBeEmpty, decimal(rule.Percent), candidates)
	case wanted >= candidates && !rule.AllowAll:
		return 0, fmt.Errorf("the choice %w: %s would take every one of the %d candidates; ask for fewer, or allow it with allow_all",
			ErrWouldBeAll, words, candidates)
	}
	return min(wanted, candidates), nil
}

func (rule Rule) atLeast() int {
	if rule.AtLeast == nil {
		return 1
	}
	return *rule.AtLeast
}

// share is so many percent of a number, rounded down. It takes the percent for
// the decimal number that a person wrote: 1.14 is a little less in binary, and
// 1.14 percent of 5000 would be 56.
func share(percent float64, of int) int {
	exact, ok := new(big.Rat).SetString(decimal(percent))
	if !ok {
		return 0 // no number at all; see check
	}
	exact.Mul(exact, big.NewRat(int64(of), 100))
	return int(new(big.Int).Quo(exact.Num(), exact.Denom()).Int64())
}

// decimal writes a number as a person would.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
