package precheck_test

import (
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	doc, err := jsondoc.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchema(t *testing.T) {
	for text, want := range map[string]string{
		`5`:                                   "a schema must be an object, but is 5",
		`{"required":"a"}`:                    "/required must be a list of names, not 'a'",
		`{"required":true}`:                   `/required must be a list of names, not True; name the property where it is listed instead: "required": ["name"] beside the "properties" around it`,
		`{"required":[1]}`:                    "/required must be a list of names, and 1 is none",
		`{"type":5}`:                          "/type must be the name of a type or a list of them, not 5",
		`{"type":["string",5]}`:               "/type must be the name of a type or a list of them, not […]",
		`{"enum":"a"}`:                        "/enum must be a list of the allowed values, not 'a'",
		`{"pattern":5}`:                       "/pattern must be a regular expression, not 5",
		`{"properties":[]}`:                   "/properties must be an object with a schema under each name, not []",
		`{"properties":{"a/b":{"type":"x"}}}`: "/properties/a~1b/type: 'x' is not a type; types are array, boolean, integer, null, number, object, string",
		`{"patternProperties":{"(":{}}}`:      "/patternProperties/( is not a regular expression in RE2's syntax: error parsing regexp: missing closing ): `(`",
		`{"items":[{"type":"x"}]}`:            "/items/0/type: 'x' is not a type; types are array, boolean, integer, null, number, object, string",
		`{"allOf":{}}`:                        "/allOf must be a list of schemas, not {}",
		`{"anyOf":[5]}`:                       "/anyOf/0 must be an object, but is 5",
		`{"not":5}`:                           "/not must be an object, but is 5",
		`true`:                                "",
		`{"optional":true,"properties":{"a":{"optional":true}},"enum":[],"default":{"required":true}}`: "",
	} {
		err := precheck.Schema(decode(t, text))
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestInstance(t *testing.T) {
	for _, c := range []struct{ schema, instance, want string }{
		{`false`, `1`, "nothing is allowed here"},
		{`{"type":"integer"}`, `1.5`, "1.5 is not of type 'integer'"},
		{`{"type":["array","null"]}`, `{}`, "{} is not of type 'array', 'null'"},
		{`{"enum":["a"]}`, `"b"`, "'b' is not one of 'a'"},
		{`{"maximum":5}`, `6`, "6 is greater than the maximum of 5"},
		{`{"exclusiveMinimum":0}`, `0`, "0 is not greater than 0"},
		{`{"exclusiveMinimum":0}`, `-1`, "-1 is not greater than 0"},
		{`{"exclusiveMaximum":1}`, `1.5`, "1.5 is not less than 1"},
		{`{"exclusiveMinimum":0,"exclusiveMaximum":1}`, `0.5`, ""},
		{`{"exclusiveMinimum":9007199254740992}`, `9007199254740993`, ""},
		{`{"minItems":1}`, `[]`, "[] has too few items; at least 1 must be given"},
		{`{"items":{"pattern":"^a"}}`, `["a","b"]`, "/1: 'b' does not match the pattern ^a"},
		{`{"properties":{"a":{"required":["b"]}}}`, `{"a":{}}`, "/a: 'b' is a required property"},
		{`{"additionalProperties":{"type":"string"}}`, `{"a":1}`, "/a: 1 is not of type 'string'"},
		{`{"additionalProperties":false}`, `{"a":1}`, "/a: 'a' is not a known property"},
		{`{"additionalProperties":false,"patternProperties":{"a":{}}}`, `{"a":1}`, ""},
		{`{"type":"integer","enum":[1.0]}`, `1`, ""},
		{`{"$ref":"#/$defs/a","type":"string"}`, `1`, ""},
		{`{"anyOf":[{"type":"string"}]}`, `1`, ""},
		{`{"maxLength":2}`, `"ää"`, ""},
	} {
		err := precheck.Instance(decode(t, c.schema), decode(t, c.instance))
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s with %s: %v\nwant %s", c.schema, c.instance, err, c.want)
		}
	}
}

// FuzzSound checks the promise of the package: an instance that it refuses is
// refused by the library too.
func FuzzSound(f *testing.F) {
	for _, c := range [][2]string{
		{`{"type":"integer","minimum":5}`, `4`},
		{`{"required":["a"],"properties":{"a":{"enum":["x",null]}},"additionalProperties":false}`, `{"b":1}`},
		{`{"items":{"maxLength":1,"pattern":"a"},"maxItems":2}`, `["ab",1]`},
		{`{"$schema":"http://json-schema.org/draft-04/schema#","maximum":5,"exclusiveMaximum":true}`, `6`},
		{`{"items":[{"type":"string"}]}`, `[1]`},
		{`{"exclusiveMinimum":9007199254740992}`, `9007199254740993`},
		{`{"type":["number","array"],"minLength":1e2}`, `"x"`},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, doc, instance string) {
		compiled, err := schema.Compile([]byte(doc))
		if err != nil {
			return
		}
		value, err := jsondoc.Decode([]byte(instance))
		if err != nil {
			return
		}
		refusal := precheck.Instance(decode(t, doc), value)
		if refusal != nil && compiled.Validate([]byte(instance)) == nil {
			t.Fatalf("%s with %s is valid, but: %v", doc, instance, refusal)
		}
	})
}

// FuzzSchemaSound checks the same promise for schemas of the default draft.
func FuzzSchemaSound(f *testing.F) {
	for _, doc := range []string{
		`{"type":"object","properties":{"a":{"type":"string","required":true}}}`, `{"enum":5}`, `{"allOf":[{"not":[]}]}`,
		`{"patternProperties":{"(":{}}}`, `{"items":[{}]}`, `{"type":[]}`, `{"required":[1]}`, `{"$defs":{"a":5}}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		tree, err := jsondoc.Decode([]byte(doc))
		if object, ok := tree.(map[string]any); err != nil || !ok || object["$schema"] != nil || object["$id"] != nil {
			return // some $id make the library itself overflow its stack
		}
		refusal := precheck.Schema(tree)
		if refusal == nil {
			return
		}
		if _, err := jsonschema.CompileString("https://schema.invalid/", doc); err == nil {
			t.Fatalf("%s compiles, but: %v", doc, refusal)
		}
	})
}
