package openapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// FuzzWith checks that whatever a plugin has for a schema becomes part of a
// document in which that part is a schema, or is left out with words.
func FuzzWith(f *testing.F) {
	for _, doc := range []string{
		`true`, `{"properties":{"args":{"$ref":"#"}}}`, `{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#"}]}}}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","id":"x","minimum":1,"exclusiveMinimum":true,"items":[{}]}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a/~b":{"$ref":"#foo"},"c":{"$id":"#foo"}},"not":{"$ref":"#/definitions/a~1~0b"}}`,
		`{"properties":{"ref":{"const":1}},"required":["args"],"x-ui":{"$ref":5},"enum":[{"$ref":"#/no"}]}`,
		`{"$anchor":"é","items":{"$ref":"#%C3%A9"},"patternProperties":{"^$ref":{"$ref":"#"}}}`,
		`{"dependencies":{"a":["b"],"c":true},"unevaluatedItems":{"$dynamicRef":"#"}}`,
	} {
		f.Add([]byte(doc))
	}
	base, err := openapi.New(openapi.Sources{})
	if err == nil {
		f.Fatal("a description without the bodies of requests is made")
	}
	if base, err = openapi.New(openapi.Sources{Bodies: emptyBodies, Words: emptyWords}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if _, err := schema.Compile(doc); err != nil {
			return // such a plugin is never offered
		}
		for _, argsOnly := range []bool{false, true} {
			described := base.With([]openapi.Offer{{Ref: "p:P", Aliases: []string{"p.P"}, Schema: doc, ArgsOnly: argsOnly}})
			if described.Root().Object("components", "schemas", "planner.p.P") == nil {
				t.Fatal("it is not described")
			}
			text, err := described.JSON()
			if err != nil {
				t.Fatal(err)
			}
			whole := fmt.Sprintf(`{"$ref":"#/components/schemas/planner.p.P",%s`, strings.TrimPrefix(string(text), "{"))
			if _, err := schema.Compile([]byte(whole)); err != nil {
				t.Fatalf("args alone %t: %v", argsOnly, err)
			}
		}
	})
}

// Bodies and lists of words without anything in them.
var (
	emptyBodies = map[string]string{
		"plan": `{"properties":{"name":{},"attack":{},"planner":{},"timezone":{},"timeout":{},"misfire_grace":{},"undo":{},"seed":{},
			"labels":{},"dry_run":{},"allow_irreversible":{}}}`,
		"halt": `{"properties":{"reason":{}}}`, "lever": `{"properties":{"reason":{},"by":{}}}`,
		"abandon": `{"properties":{"reason":{},"by":{}}}`, "trigger": `{"properties":{"type":{},"args":{}}}`,
		"date": `{"properties":{"args":{"properties":{"date":{}}}}}`,
		"key":  `{"properties":{"name":{},"role":{},"ttl":{},"limits":{"properties":{"refs":{},"labels":{}}}}}`,
	}
	emptyWords = map[string][]string{
		"kinds": {""}, "effects": {""}, "executor_states": {""}, "undo_states": {""}, "record_states": {""}, "undo_outcomes": {""},
		"plugin_states": {""}, "irreversible_policies": {""}, "roles": {""}, "key_roles": {""}, "event_types": {""},
	}
)
