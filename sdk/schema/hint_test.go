package schema_test

import (
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// A message is worded as a client expects; a hint says what to do.
func TestHints(t *testing.T) {
	const config = `{"type":"object","required":["ref"],"additionalProperties":false,"properties":{"ref":{"type":"string"},
		"args":{"type":"object","properties":{"endpoint":{"type":"string"},"n":{"type":"integer"}}}}}`
	const referring = `{"type":"object","additionalProperties":false,"properties":{"args":{"$ref":"#/$defs/args"},"ref":{}},
		"$defs":{"args":{"properties":{"endpoint":{"type":"string"}}}}}`
	for _, c := range []struct{ rule, doc, instance, message, hint string }{
		{"a number for a text", `{"type":"string"}`, `1795294934`, "1795294934 is not of type 'string'", "put it in quotes"},
		{"a truth for a text", `{"type":["string","null"]}`, `true`, "True is not of type 'string', 'null'", "put it in quotes"},
		{"a number for one of several forms", `{"anyOf":[{"type":"string"},{"type":"array"}]}`, `5`, "5 is not of type 'string', 'array'", "put it in quotes"},
		{"a number for a truth", `{"type":"boolean"}`, `5`, "5 is not of type 'boolean'", ""},
		{"nothing for a text", `{"type":"string"}`, `null`, "None is not of type 'string'", "it is null: nothing is given"},
		{
			"nothing for an object", `{"type":"object"}`, `null`, "None is not of type 'object'",
			"it is null: nothing is in it; in YAML what belongs into it is indented below it",
		},
		{"a member of args beside them", config, `{"ref":"a:A","endpoint":"x"}`, "'endpoint' is not a known property; known are 'args', 'ref'", "it belongs into 'args'"},
		{"a member of args that are defined elsewhere", referring, `{"endpoint":"x"}`, "'endpoint' is not a known property; known are 'args', 'ref'", "it belongs into 'args'"},
		{"a member of nothing", config, `{"ref":"a:A","colour":"x"}`, "'colour' is not a known property; known are 'args', 'ref'", ""},
		{"a pattern with a description", `{"pattern":"^/","description":"An absolute path."}`, `"x"`, "'x' does not match the pattern ^/", "An absolute path."},
		{"a pattern with a long one", `{"pattern":"^/","description":"` + strings.Repeat("long ", 50) + `"}`, `"x"`, "'x' does not match the pattern ^/", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s, err := schema.Compile([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			wrong := s.Validate([]byte(c.instance))
			if len(wrong) != 1 || wrong[0].Message != c.message || wrong[0].Hint != c.hint {
				t.Errorf("it says %+v", wrong)
			}
		})
	}
}

// No rule that a value breaks has a password shown.
func TestNoPasswordIsShown(t *testing.T) {
	for _, rule := range []string{
		`"pattern":"^x"`, `"enum":["x"]`, `"const":"x"`, `"maxLength":3`, `"format":"ipv4"`, `"type":"number"`, `"not":{}`,
		`"anyOf":[{"const":1},{"const":2}]`, `"minLength":500`,
	} {
		s, err := schema.Compile([]byte(`{"properties":{"endpoint":{` + rule + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		wrong := s.Validate([]byte(`{"endpoint":"http://ann:s3cret@host/"}`))
		if len(wrong) != 1 || strings.Contains(wrong[0].Message+wrong[0].Hint, "s3cret") {
			t.Errorf("%s: %+v", rule, wrong)
		}
	}
}
