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
		`{"$id":"?"}`, `{"$id":"https://schema.invalid/a/..","$ref":"#"}`, `{"$id":"https://a.example/","items":{"$id":"?","$ref":"#"}}`,
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

// FuzzReplace checks that a replaced value is there, that nothing is left of the
// old one where it was, and that other values stay.
func FuzzReplace(f *testing.F) {
	for _, c := range [][2]string{
		{`{"a":{"~/":["old",2]}}`, "/a/~0~1/0"}, {`"old"`, ""}, {`{"a":1}`, "/b"}, {`[1,[2]]`, "/01"}, {`{"a":1,"a":2}`, "/a"}, {`[`, ""},
	} {
		f.Add([]byte(c[0]), c[1])
	}
	f.Fuzz(func(t *testing.T, doc []byte, pointer string) {
		called := 0
		replaced, err := schema.Replace(doc, []string{pointer}, func(_ string, old json.RawMessage) json.RawMessage {
			called++
			if !json.Valid(old) {
				t.Fatalf("the old value is %q", old)
			}
			return json.RawMessage(`"<new>"`)
		})
		if json.Valid(doc) != (err == nil) {
			t.Fatalf("%q: %v", doc, err)
		}
		if err != nil {
			return
		}
		if called == 0 {
			if string(replaced) != string(doc) {
				t.Fatalf("nothing is replaced in %s, which becomes %s", doc, replaced)
			}
			return
		}
		again, err := schema.Replace(replaced, []string{pointer}, func(_ string, now json.RawMessage) json.RawMessage {
			called++
			return now
		})
		if err != nil || called != 2 || string(again) != string(replaced) {
			t.Fatalf("%s with %q is %s, read as %s, %v", doc, pointer, replaced, again, err)
		}
	})
}
