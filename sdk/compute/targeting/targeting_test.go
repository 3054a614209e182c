package targeting

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestExcludedNodesAreNoCandidates(t *testing.T) {
	d := &scripted{nodes: fleet()}
	picked, err := of(d).Pick(t.Context(), Args{
		Filters:  compute.Filters{"zone": {"*"}},
		Excluded: compute.Filters{"zone": {"c"}, "tag:domain": {"pay", "bank"}},
		Count:    9, AllowAll: true,
	}, 7, seeded(7))
	if err != nil {
		t.Fatal(err)
	}
	if got := compute.IDs(picked.Candidates); !slices.Equal(got, []string{"i-1", "i-2", "i-3"}) {
		t.Errorf("candidates %v", got)
	}
	if got := compute.IDs(picked.Excluded); !slices.Equal(got, []string{"i-5"}) {
		t.Errorf("excluded %v", got)
	}
	if got := compute.IDs(picked.Chosen); !slices.Equal(got, []string{"i-1", "i-2", "i-3"}) {
		t.Errorf("chosen %v", got)
	}
	want := []string{"list map[zone:[*]]", "matching map[tag:domain:[pay bank]]", "matching map[zone:[c]]"}
	if !slices.Equal(d.asked, want) {
		t.Errorf("asked %q", d.asked)
	}
}

func TestAnExclusionThatCanNotBeReadHitsNobody(t *testing.T) {
	for name, d := range map[string]*scripted{
		"unknown to the provider": {nodes: fleet()},
		"unanswered":              {nodes: fleet(), fail: map[string]error{"matching map[color:[red]]": compute.ErrThrottled}},
	} {
		picked, err := of(d).Pick(t.Context(), Args{Excluded: compute.Filters{"color": {"red"}}}, 7, seeded(7))
		if err == nil || !strings.HasPrefix(err.Error(), `list the nodes excluded by "color": `) || picked.Chosen != nil || picked.Candidates != nil {
			t.Errorf("%s: %v, %v", name, picked, err)
		}
	}
}

// Whatever the filters say: what is in another state is no candidate.
func TestOnlyOneStateIsACandidate(t *testing.T) {
	targeting := of(&scripted{nodes: fleet()})
	targeting.Only = compute.Running
	args := Args{Filters: compute.Filters{"state": {"*"}}, Count: 5, AllowAll: true}
	picked, err := targeting.Pick(t.Context(), args, 7, seeded(7))
	if got := compute.IDs(picked.Chosen); err != nil || !slices.Equal(got, []string{"i-1", "i-2", "i-3", "i-5"}) {
		t.Errorf("chosen %v, %v", got, err)
	}
	args.Filters["state"] = compute.Values{"stopped"}
	_, err = targeting.Pick(t.Context(), args, 7, seeded(7))
	if !errors.Is(err, compute.ErrWouldBeEmpty) || !strings.Contains(err.Error(), `match the filters {"state":"stopped"} (only running ones), and`) {
		t.Error(err)
	}
}

func TestTheSameSeedMakesTheSameChoice(t *testing.T) {
	var first []string
	hit := map[string]bool{}
	for seed := range uint64(50) {
		a, err := of(&scripted{nodes: fleet()}).Pick(t.Context(), Args{Count: 2}, int64(seed), seeded(seed))
		if err != nil {
			t.Fatal(err)
		}
		turned := fleet()
		slices.Reverse(turned)
		b, err := of(&scripted{nodes: turned}).Pick(t.Context(), Args{Count: 2}, int64(seed), seeded(seed))
		if err != nil || !slices.Equal(compute.IDs(a.Chosen), compute.IDs(b.Chosen)) {
			t.Fatalf("seed %d: %v and %v, %v", seed, compute.IDs(a.Chosen), compute.IDs(b.Chosen), err)
		}
		first = append(first, a.Chosen[0].ID)
		for _, n := range a.Chosen {
			hit[n.ID] = true
		}
	}
	if len(hit) != 4 || len(slices.Compact(slices.Sorted(slices.Values(first)))) < 2 {
		t.Errorf("of four only %v were ever chosen", hit)
	}
}

func TestAnEmptyChoice(t *testing.T) {
	const why = `the choice would be empty: there is no candidate; 1 nodes of cloud in eu-west-1 match the filters {"tag:domain":"pay"} ` +
		`(only running ones, unless these say otherwise), and 1 of them are excluded`
	args := Args{Region: "eu-west-1", Filters: compute.Filters{"tag:domain": {"pay"}}, Excluded: compute.Filters{"zone": {"b"}}}
	picked, err := of(&scripted{nodes: fleet()}).Pick(t.Context(), args, 7, seeded(7))
	if !errors.Is(err, compute.ErrWouldBeEmpty) || err.Error() != why+"; with allow_empty that is a success" {
		t.Errorf("%v", err)
	}
	if picked.Candidates == nil || len(picked.Excluded) != 1 {
		t.Errorf("what was found is lost: %+v", picked)
	}
	args.AllowEmpty = true
	picked, err = of(&scripted{nodes: fleet()}).Pick(t.Context(), args, 7, seeded(7))
	if err != nil || len(picked.Chosen) != 0 || picked.Empty != why || picked.Report().Empty != why {
		t.Errorf("%+v, %v", picked, err)
	}
	_, err = of(&scripted{}).Pick(t.Context(), Args{}, 7, seeded(7))
	if err == nil || !strings.Contains(err.Error(), "0 nodes of cloud match no filters") {
		t.Errorf("%v", err)
	}
}

func TestRoundingToNoneIsAnEmptyChoiceToo(t *testing.T) {
	zero := 0
	args := Args{Percent: 10, AtLeast: &zero, AllowEmpty: true}
	picked, err := of(&scripted{nodes: fleet()}).Pick(t.Context(), args, 7, seeded(7))
	if err != nil || len(picked.Chosen) != 0 || !strings.Contains(picked.Empty, "10 percent of 4 rounds to none") {
		t.Errorf("%+v, %v", picked, err)
	}
}

func TestAChoiceOfAllIsRefusedEvenWhereEmptyIsAllowed(t *testing.T) {
	picked, err := of(&scripted{nodes: fleet()}).Pick(t.Context(), Args{Count: 4, AllowEmpty: true}, 7, seeded(7))
	if !errors.Is(err, compute.ErrWouldBeAll) || len(picked.Chosen) != 0 || len(picked.Candidates) != 4 {
		t.Errorf("%+v, %v", picked, err)
	}
}

func TestNothingIsPickedWithArgsThatContradictThemselves(t *testing.T) {
	d := &scripted{nodes: fleet()}
	if _, err := of(d).Pick(t.Context(), Args{Count: 1, Percent: 1}, 7, seeded(7)); err == nil || d.asked != nil {
		t.Errorf("%v, %v", err, d.asked)
	}
}

func TestLongFiltersAreCutInTheError(t *testing.T) {
	_, err := of(&scripted{}).Pick(t.Context(), Args{Filters: compute.Filters{"zone": {strings.Repeat("é", 5000)}}}, 7, seeded(7))
	if err == nil || len(err.Error()) > 2<<10 || !strings.Contains(err.Error(), "é…") {
		t.Errorf("%v", err)
	}
}
