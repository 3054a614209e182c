package sdk_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

type timed struct {
	For sdk.Duration `json:"for,omitzero" jsonschema:"description=How long" jsonschema_extras:"default=15m"`
}

// What the schema takes, the type reads, and the other way round.
func TestDuration(t *testing.T) {
	doc, err := schema.For[timed]()
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Compile(doc)
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	for text, want := range map[string]time.Duration{
		`"1m30s"`: 90 * time.Second, `"0"`: 0, `"1.5h"`: 90 * time.Minute, `".5s"`: time.Second / 2, `"+3ms"`: 3 * time.Millisecond,
		`90`: 90 * time.Second, `0.25`: time.Second / 4, `0`: 0, `"100ns"`: 100, `"2µs"`: 2000,
	} {
		var got timed
		instance := []byte(`{"for":` + text + `}`)
		if err := json.Unmarshal(instance, &got); err != nil || time.Duration(got.For) != want {
			t.Errorf("%s is read as %s, %v", text, got.For, err)
		}
		if v := s.Validate(instance); v != nil {
			t.Errorf("%s: %v", text, v)
		}
	}
	for _, text := range []string{`"soon"`, `"-1s"`, `"-0s"`, `-1`, `-1e-12`, `true`, `""`, `"5"`, `[]`, `"1m 30s"`} {
		var got timed
		instance := []byte(`{"for":` + text + `}`)
		if err := json.Unmarshal(instance, &got); err == nil {
			t.Errorf("%s is read as %s", text, got.For)
		}
		if s.Validate(instance) == nil {
			t.Errorf("%s validates", text)
		}
	}
	if err := json.Unmarshal([]byte(`{"for":1e300}`), &timed{}); err == nil {
		t.Error("1e300 seconds are read")
	}
}

func TestDurationIsWrittenAsText(t *testing.T) {
	doc, err := json.Marshal(timed{For: sdk.Duration(90 * time.Second)})
	if err != nil || string(doc) != `{"for":"1m30s"}` {
		t.Errorf("%s, %v", doc, err)
	}
}
