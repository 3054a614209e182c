package schema_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// FuzzCompile checks that a schema compiles or is refused with words, and that
// what compiles can be applied.
func FuzzCompile(f *testing.F) {
	for _, doc := range []string{
		`{"type":"object","properties":{"a":{"type":"string","required":true}}}`,
		`{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#"}]}}}`,
		`{"$id":"x","$anchor":"a","$dynamicRef":"#a","items":[{}]}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","id":"y","dependencies":{"a":["b"]}}`,
		`{"patternProperties":{"^a":false},"unevaluatedProperties":false}`,
		`{"minimum":1e9999,"$vocabulary":5}`, `true`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := schema.Compile(doc)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "schema: ") {
				t.Fatalf("error %q", err)
			}
			return
		}
		for _, instance := range []string{`{"a":[1,"b",null]}`, `[{}]`, `"x"`, `-1.5`} {
			s.Secrets([]byte(instance))
			for _, v := range s.Validate([]byte(instance)) {
				if v.Message == "" {
					t.Fatalf("no message: %+v", v)
				}
			}
		}
	})
}

// FuzzValidate checks that any instance gets an answer, the same each time, and
// that no secret shows in it.
func FuzzValidate(f *testing.F) {
	s := compile(f, `{"type":"object","required":["a"],"additionalProperties":false,"properties":{
		"a":{"type":"integer","multipleOf":3},"b":{"type":"array","uniqueItems":true,"items":{"type":"number","maximum":5}},
		"s":{"type":"integer","writeOnly":true},"c":{"oneOf":[{"type":"string","format":"date"},{"type":"null"}]}}}`)
	for _, doc := range []string{
		`{"a":6,"b":[1,2.5],"s":"zzzz","c":null}`, `{"a":1e400}`, `{"a":1e999999999}`, `{"b":[1,1]}`, `{"d":{}}`, `[`, `{"a":3}x`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		first, second := s.Validate(doc), s.Validate(doc)
		if !slices.Equal(first, second) {
			t.Fatalf("not the same twice:\n%v\n%v", first, second)
		}
		if !json.Valid(doc) && len(first) == 0 {
			t.Fatalf("%q is no JSON and passes", doc)
		}
		for _, v := range first {
			if v.Pointer == "/s" && !strings.HasPrefix(v.Message, "the ") {
				t.Fatalf("a secret shows: %+v", v)
			}
		}
	})
}
