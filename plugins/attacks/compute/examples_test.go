package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func TestExamplePlansAreValid(t *testing.T) {
	offers := described(t)
	plugin := launch(t, put(t, cloud{}))
	paths, err := filepath.Glob("../../../examples/plans/*.json")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var plan struct{ Attack json.RawMessage }
		var attack struct{ Ref string }
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := json.Unmarshal(plan.Attack, &attack); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		offer, ours := offers[attack.Ref]
		if !ours {
			continue
		}
		shown[attack.Ref] = true
		s, err := schema.Compile(offer.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if violations := s.Validate(plan.Attack); violations != nil {
			t.Errorf("%s: %v", path, violations)
		}
		answer, err := plugin.Check(t.Context(), &pluginv1.CheckRequest{Ref: attack.Ref, Config: plan.Attack})
		if err != nil || answer.GetFailure() != nil || len(answer.GetWarnings()) != 0 {
			t.Errorf("%s: %v, %v", path, answer, err)
		}
	}
	for ref := range offers {
		if !shown[ref] {
			t.Errorf("no example plan shows %s", ref)
		}
	}
}
