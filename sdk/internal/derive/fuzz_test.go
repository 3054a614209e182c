package derive_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// FuzzConfig checks that wrapping the schema of args changes nothing of what it
// says: what compiles still does, and args are valid in a config exactly when
// they are on their own.
func FuzzConfig(f *testing.F) {
	for _, c := range [][2]string{
		{`{"type":"object","required":["a"],"properties":{"a":{"type":"string"}},"additionalProperties":false}`, `{"a":"<x>"}`},
		{`{"$ref":"#/$defs/a","$defs":{"a":{"properties":{"n":{"$ref":"#/$defs/a"},"m":{"maximum":1}}}}}`, `{"n":{"n":{"m":2}}}`},
		{`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"maximum":5,"exclusiveMaximum":true}}}`, `{"a":5}`},
		{`{"allOf":[{"$ref":"#/properties/a"}],"properties":{"a":{"minProperties":1},"$ref":{"type":"string"}}}`, `{"$ref":"#"}`},
		{`{"$id":"https://x.example/","items":{"$ref":"#"}}`, `[[]]`},
		{`{"const":{"$ref":"#/a"}}`, `{"$ref":"#/a"}`},
		{`{"$ref":"#"}`, `1`},
		{`true`, `1`},
		{`false`, `{}`},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, args, instance string) {
		alone, err := schema.Compile([]byte(args))
		if err != nil || special(args) || !json.Valid([]byte(instance)) {
			return
		}
		doc, err := derive.Config([]byte(args))
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		whole, err := schema.Compile(doc)
		if err != nil {
			t.Fatalf("%s compiles, but %s: %v", args, doc, err)
		}
		single := alone.Validate([]byte(instance))
		wrapped := whole.Validate([]byte(`{"ref":"a:B","args":` + instance + `}`))
		if (single == nil) != (wrapped == nil) {
			t.Fatalf("%s\nalone:   %v\nwrapped: %v in %s", instance, single, wrapped, doc)
		}
	})
}

// special says whether a schema uses names other than places for its parts, or
// two kinds of drafts; such a schema the author wraps by hand.
func special(doc string) bool {
	for _, keyword := range []string{"nchor", "ynamic", "ecursive", `id"`, `\u`} {
		if strings.Contains(doc, keyword) {
			return true
		}
	}
	return strings.Count(doc, `"$schema"`) > 1
}
