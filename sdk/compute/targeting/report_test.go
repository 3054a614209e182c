package targeting

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestReport(t *testing.T) {
	picked, err := of(&scripted{nodes: fleet()}).Pick(t.Context(), Args{
		Region: "eu-west-1", Filters: compute.Filters{"zone": {"b"}}, Excluded: compute.Filters{"tag:domain": {"pay"}},
	}, 7, seeded(7))
	if err != nil {
		t.Fatal(err)
	}
	report := picked.Report()
	report.Answered([]compute.Change{{ID: "i-2", From: compute.Running, To: compute.Stopping}})
	doc, err := json.Marshal(report)
	want := `{"provider":"cloud","region":"eu-west-1","seed":7,"candidates":[{"id":"i-2","name":"b","zone":"b"}],"candidates_count":1,` +
		`"excluded_count":1,"chosen":["i-2"],"chosen_count":1,"changes":[{"id":"i-2","from":"running","to":"stopping"}],"changes_count":1}`
	if err != nil || string(doc) != want {
		t.Errorf("%s, %v", doc, err)
	}
}

func TestAReportOfNothing(t *testing.T) {
	doc, err := json.Marshal(Picked{Provider: "cloud", Candidates: []compute.Node{}}.Report())
	want := `{"provider":"cloud","seed":0,"candidates":[],"candidates_count":0,"excluded_count":0,"chosen":[],"chosen_count":0}`
	if err != nil || string(doc) != want {
		t.Errorf("%s, %v", doc, err)
	}
}

func TestAReportIsBounded(t *testing.T) {
	for name, node := range map[string]func(int) compute.Node{
		"short ids": func(i int) compute.Node { return compute.Node{ID: fmt.Sprint(i)} },
		"containers": func(i int) compute.Node {
			return compute.Node{ID: fmt.Sprintf("%064d", i), Name: strings.Repeat("n", 60)}
		},
		"names that grow when they are written": func(i int) compute.Node {
			return compute.Node{ID: fmt.Sprintf("i-%017d", i), Name: strings.Repeat("<\xff", 128), Zone: "eu-west-1a"}
		},
		"absurd ids": func(i int) compute.Node { return compute.Node{ID: fmt.Sprint(i) + strings.Repeat("\x00", 5_000)} },
	} {
		picked := Picked{Provider: "cloud"}
		var changes []compute.Change
		for i := range 10_000 {
			picked.Candidates = append(picked.Candidates, node(i))
			changes = append(changes, compute.Change{ID: node(i).ID, From: compute.Terminating, To: compute.Terminated})
		}
		picked.Chosen = picked.Candidates
		report := picked.Report()
		report.Answered(changes[:5000])
		report.Answered(changes[5000:])
		doc, err := json.Marshal(report)
		if err != nil || len(doc) > 200<<10 {
			t.Errorf("%s: %d KiB, %v", name, len(doc)>>10, err)
		}
		var list []struct{ ID string }
		if err := json.Unmarshal(report.Candidates, &list); err != nil || len(list) > maxCandidates {
			t.Errorf("%s: %d candidates are named, %v", name, len(list), err)
		}
		if name == "containers" && (len(list) != maxCandidates || len(report.Chosen) < 500 || len(report.Changes) < 500) {
			t.Errorf("%s: only %d candidates, %d chosen and %d changes are named", name, len(list), len(report.Chosen), len(report.Changes))
		}
		if report.Found != 10_000 || report.ChosenCount != 10_000 || report.ChangesCount != 10_000 {
			t.Errorf("%s: counted %d, %d, %d", name, report.Found, report.ChosenCount, report.ChangesCount)
		}
	}
}

func TestTargets(t *testing.T) {
	picked := Picked{Provider: "cloud", Chosen: []compute.Node{
		{ID: "i-1", Name: "a", Zone: "z", Private: []string{"10.0.0.1"}}, {ID: "i-2"}, {ID: "i-3"},
	}}
	targets := picked.TargetsOf([]string{"i-3", "i-1", "i-9"}, "hit")
	if len(targets) != 2 || targets[0].ID != "i-1" || targets[1].ID != "i-3" || targets[0].State != "hit" || targets[0].Name != "a" {
		t.Fatalf("%+v", targets)
	}
	doc, err := json.Marshal(targets[0].Detail)
	if want := `{"provider":"cloud","zone":"z","private":["10.0.0.1"]}`; err != nil || string(doc) != want {
		t.Errorf("%s, %v", doc, err)
	}
}
