package compute

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// seeded returns what the SDK's Rand is: the same for the same seed.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// nodes returns so many nodes, ordered by id.
func nodes(number int) []Node {
	list := make([]Node, number)
	for i := range list {
		list[i] = Node{ID: fmt.Sprintf("i-%05d", i), Name: fmt.Sprint(i)}
	}
	return list
}

// law checks all that must hold of a choice, whatever the rule.
func law(t *testing.T, rule Rule, candidates []Node, excluded map[string]bool, seed uint64) {
	t.Helper()
	before := slices.Clone(candidates)
	chosen, err := rule.Choose(candidates, excluded, seeded(seed))
	if !slices.EqualFunc(candidates, before, func(a, b Node) bool { return a.ID == b.ID }) {
		t.Fatal("the candidates were reordered")
	}
	left := 0
	for _, c := range candidates {
		if !excluded[c.ID] {
			left++
		}
	}
	if err != nil {
		if chosen != nil {
			t.Fatalf("%v came with a choice of %d", err, len(chosen))
		}
		refusal(t, rule, left, err)
		return
	}
	if want := asked(rule, left); len(chosen) != want || want > left {
		t.Fatalf("%+v of %d candidates chose %d, not %d", rule, left, len(chosen), want)
	}
	if len(chosen) == left && !rule.AllowAll && (rule.Count > 0 || rule.Percent > 0) {
		t.Fatalf("%+v chose all %d", rule, left)
	}
	for i, n := range chosen {
		if excluded[n.ID] || !slices.ContainsFunc(candidates, func(c Node) bool { return c.ID == n.ID }) {
			t.Fatalf("%s was chosen", n.ID)
		}
		if i > 0 && chosen[i-1].ID >= n.ID {
			t.Fatalf("%s stands before %s", chosen[i-1].ID, n.ID)
		}
	}
	seeded(seed^1).Shuffle(len(before), func(i, j int) { before[i], before[j] = before[j], before[i] })
	again, err := rule.Choose(before, excluded, seeded(seed))
	if err != nil || !slices.Equal(IDs(again), IDs(chosen)) {
		t.Fatalf("in another order %v were chosen (%v), not %v", IDs(again), err, IDs(chosen))
	}
}

// asked is the number a rule means, worked out another way than share does.
func asked(rule Rule, left int) int {
	switch {
	case rule.Count > 0:
		return min(rule.Count, left)
	case rule.Percent > 0: // tests ask for whole percents only
		return min(left, max(int(rule.Percent)*left/100, rule.atLeast()))
	}
	return 1
}

func refusal(t *testing.T, rule Rule, left int, err error) {
	t.Helper()
	limited := rule.Count > 0 || rule.Percent > 0
	switch {
	case errors.Is(err, ErrWouldBeEmpty) && (left == 0 || limited && asked(rule, left) == 0):
	case errors.Is(err, ErrWouldBeAll) && limited && !rule.AllowAll && asked(rule, left) == left:
	default:
		t.Fatalf("%+v of %d candidates: %v", rule, left, err)
	}
}

func TestWhatHoldsOfEveryChoice(t *testing.T) {
	r := seeded(4)
	for seed := range uint64(3000) {
		candidates := nodes(r.IntN(40))
		excluded := map[string]bool{"i-none": true}
		for _, n := range candidates {
			if r.IntN(4) == 0 {
				excluded[n.ID] = true
			}
		}
		rule := Rule{AllowAll: r.IntN(2) == 0}
		switch r.IntN(3) {
		case 0:
			rule.Count = 1 + r.IntN(45)
		case 1:
			rule.Percent = float64(1 + r.IntN(100))
			if r.IntN(2) == 0 {
				rule.AtLeast = new(r.IntN(4))
			}
		}
		law(t, rule, candidates, excluded, seed)
	}
}

func FuzzChoose(f *testing.F) {
	f.Add(uint64(1), uint16(10), uint64(0b101), 3, 0.0, 1, false)
	f.Add(uint64(2), uint16(64), uint64(1<<63), 0, 50.0, 0, true)
	f.Add(uint64(3), uint16(0), uint64(0), 0, 0.0, -1, false)
	f.Add(uint64(4), uint16(1), uint64(0), 1, 0.0, 1, true)
	f.Fuzz(func(t *testing.T, seed uint64, number uint16, mask uint64, count int, percent float64, least int, all bool) {
		candidates := nodes(int(number % 200))
		excluded := map[string]bool{}
		for i, n := range candidates {
			excluded[n.ID] = mask>>(i%64)&1 == 1
		}
		rule := Rule{Count: count, Percent: math.Floor(percent), AllowAll: all}
		if least != 1 {
			rule.AtLeast = &least
		}
		if rule.check() != nil {
			if chosen, err := rule.Choose(candidates, excluded, seeded(seed)); !errors.Is(err, ErrBadRule) || chosen != nil {
				t.Fatalf("%+v: %v, %v", rule, chosen, err)
			}
			return
		}
		law(t, rule, candidates, excluded, seed)
	})
}

func TestPercentIsRoundedDownButNotToNone(t *testing.T) {
	for _, c := range []struct {
		percent float64
		of      int
		least   *int
		want    int
	}{
		{50, 2, nil, 1},
		{50, 3, nil, 1},
		{99.9, 3, nil, 2},
		{1, 50, nil, 1},
		{1, 150, nil, 1},
		{1, 199, nil, 1},
		{1, 200, nil, 2},
		{0.0001, 10, nil, 1},
		{5e-324, 10, nil, 1},
		{10, 25, new(0), 2},
		{50, 9, new(6), 6},
		{50, 9, new(2), 4},
		// Where a product of two binary fractions would be a little too small.
		{1.14, 5000, nil, 57},
		{0.57, 10000, nil, 57},
		{0.03, 10000, nil, 3},
		{29, 100, nil, 29},
		{33.3, 1000, nil, 333},
	} {
		chosen, err := Rule{Percent: c.percent, AtLeast: c.least}.Choose(nodes(c.of), nil, seeded(1))
		if err != nil || len(chosen) != c.want {
			t.Errorf("%v percent of %d: %d chosen, %v; want %d", c.percent, c.of, len(chosen), err, c.want)
		}
	}
}

func TestChoiceIsRefused(t *testing.T) {
	for _, c := range []struct {
		name       string
		rule       Rule
		candidates int
		kind       error
		text       string
	}{
		{"nobody is there", Rule{}, 0, ErrWouldBeEmpty, "the choice would be empty: there is no candidate"},
		{"nobody is there for a count", Rule{Count: 2, AllowAll: true}, 0, ErrWouldBeEmpty, "the choice would be empty: there is no candidate"},
		{
			"rounding to none",
			Rule{Percent: 10, AtLeast: new(0)},
			9, ErrWouldBeEmpty,
			"the choice would be empty: 10 percent of 9 rounds to none, and at_least is 0",
		},
		{
			"a count of all",
			Rule{Count: 3},
			3, ErrWouldBeAll,
			"the choice would be all: a count of 3 would take every one of the 3 candidates; ask for fewer, or allow it with allow_all",
		},
		{"a count of more than all", Rule{Count: 4}, 3, ErrWouldBeAll, ""},
		{"a count of the only one", Rule{Count: 1}, 1, ErrWouldBeAll, ""},
		{"all percents", Rule{Percent: 100}, 3, ErrWouldBeAll, ""},
		{
			"half of one",
			Rule{Percent: 50},
			1, ErrWouldBeAll,
			"the choice would be all: 50 percent (but at least 1) would take every one of the 1 candidates; ask for fewer, or allow it with allow_all",
		},
		{"more at least than there are", Rule{Percent: 1, AtLeast: new(9)}, 3, ErrWouldBeAll, ""},
		{"a negative count", Rule{Count: -1}, 3, ErrBadRule, "bad rule: a count of -1"},
		{"more than all percents", Rule{Percent: 100.5}, 3, ErrBadRule, "bad rule: 100.5 percent"},
		{"negative percents", Rule{Percent: -1}, 3, ErrBadRule, ""},
		{"no number of percents", Rule{Percent: math.NaN()}, 3, ErrBadRule, "bad rule: NaN percent"},
		{"a count and percents", Rule{Count: 1, Percent: 1}, 3, ErrBadRule, ""},
		{"negative at least", Rule{Percent: 1, AtLeast: new(-1)}, 3, ErrBadRule, ""},
	} {
		chosen, err := c.rule.Choose(nodes(c.candidates), nil, seeded(1))
		if !errors.Is(err, c.kind) || chosen != nil || c.text != "" && err.Error() != c.text {
			t.Errorf("%s: %v, %v", c.name, chosen, err)
		}
	}
}

func TestTheOnlyOneIsChosenWhereNothingIsSaid(t *testing.T) {
	chosen, err := Rule{}.Choose(nodes(1), nil, seeded(1))
	if err != nil || len(chosen) != 1 {
		t.Errorf("%v, %v", chosen, err)
	}
}

func TestOneThatIsNamedTwiceCountsOnce(t *testing.T) {
	chosen, err := Rule{Count: 9, AllowAll: true}.Choose(append(nodes(2), nodes(2)...), nil, seeded(1))
	if err != nil || !slices.Equal(IDs(chosen), []string{"i-00000", "i-00001"}) {
		t.Errorf("%v, %v", chosen, err)
	}
}

// TestEveryCandidateIsChosenAsOften compares how often each of 20 is among 5
// chosen with what chance gives: chi-square with 19 degrees of freedom, which
// stays below 43.8 in 999 of 1000 cases. The seeds are fixed, so it is the same
// every time.
func TestEveryCandidateIsChosenAsOften(t *testing.T) {
	const candidates, count, rounds, limit = 20, 5, 8000, 43.8
	often, pairs := map[string]float64{}, map[string]float64{}
	for seed := range uint64(rounds) {
		chosen, err := Rule{Count: count}.Choose(nodes(candidates), nil, seeded(seed))
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range chosen {
			often[n.ID]++
			for _, m := range chosen[:i] {
				pairs[n.ID+m.ID]++
			}
		}
	}
	// Of a hypergeometric draw the variance is smaller than of independent ones.
	const expected = float64(rounds) * count / candidates
	sum := 0.0
	for _, n := range nodes(candidates) {
		sum += (often[n.ID] - expected) * (often[n.ID] - expected) / expected
	}
	if sum *= float64(candidates-1) / float64(candidates-count); sum > limit {
		t.Errorf("chi-square is %.1f: %v", sum, often)
	}
	// Every pair comes 421 times in the mean; 6 standard deviations are 123.
	const mean = float64(rounds) * count * (count - 1) / (candidates * (candidates - 1))
	for pair, times := range pairs {
		if math.Abs(times-mean) > 6*math.Sqrt(mean) {
			t.Errorf("%s were chosen together %v times, not about %.0f", pair, times, mean)
		}
	}
	if want := candidates * (candidates - 1) / 2; len(pairs) != want {
		t.Errorf("%d of %d pairs were ever chosen", len(pairs), want)
	}
}

func TestNumbersOfDrawsAreThoseOfTheChosen(t *testing.T) {
	source := &counting{Source: rand.NewPCG(1, 0)}
	if _, err := (Rule{Count: 3}).Choose(nodes(1024), nil, rand.New(source)); err != nil || source.draws != 3 {
		t.Errorf("%d draws, %v", source.draws, err)
	}
}

type counting struct {
	rand.Source
	draws int
}

func (c *counting) Uint64() uint64 {
	c.draws++
	return c.Source.Uint64()
}

func BenchmarkChoose(b *testing.B) {
	candidates := nodes(10_000)
	seeded(1).Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	for b.Loop() {
		if _, err := (Rule{Percent: 10}).Choose(candidates, nil, seeded(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecimalIsWhatAPersonWrote(t *testing.T) {
	for f, want := range map[float64]string{4.35: "4.35", 100: "100", 1e-7: "0.0000001"} {
		if got := decimal(f); got != want || strings.ContainsAny(got, "eE") {
			t.Errorf("%v is written %s", f, got)
		}
	}
}
