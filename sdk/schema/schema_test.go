package schema_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func compile(t testing.TB, doc string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile([]byte(doc))
	if err != nil {
		t.Fatalf("Compile(%s): %v", doc, err)
	}
	return s
}

// lines prints violations one a line, as the tests compare them.
func lines(violations []schema.Violation) string {
	var b strings.Builder
	for _, v := range violations {
		fmt.Fprintf(&b, "%s %s: %s\n", v.Pointer, v.Keyword, v.Message)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestValidate(t *testing.T) {
	const person = `{"type":"object","required":["name","age"],"additionalProperties":false,
		"properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":1},"path":{}}}`
	for _, c := range []struct{ rule, schema, instance, want string }{
		{"a valid instance", person, `{"name":"a","age":5}`, ``},
		{
			"each missing property, in the schema's order", person, `{}`,
			" required: 'name' is a required property\n required: 'age' is a required property",
		},
		{
			"deeper ones first", person, `{"name":5,"pth":1}`,
			"/name type: 5 is not of type 'string'\n" +
				"/pth additionalProperties: 'pth' is not a known property; did you mean 'path'?\n" +
				" required: 'age' is a required property",
		},
		{
			"an unknown property near none", person, `{"name":"a","age":5,"colour":1}`,
			"/colour additionalProperties: 'colour' is not a known property; known are 'age', 'name', 'path'",
		},
		{"not an object", person, `[1]`, " type: […] is not of type 'object'"},
		{"a wrong text", `{"type":"integer"}`, `"it's"`, ` type: "it's" is not of type 'integer'`},
		{"a wrong truth", `{"type":"integer"}`, `true`, ` type: True is not of type 'integer'`},
		{"a wrong null", `{"type":"integer"}`, `null`, ` type: None is not of type 'integer'`},
		{"a wrong fraction", `{"type":"integer"}`, `2.50`, ` type: 2.5 is not of type 'integer'`},
		{"a whole fraction is an integer", `{"type":"integer"}`, `2.0`, ``},
		{"several types", `{"type":["string","null"]}`, `1e3`, ` type: 1000.0 is not of type 'string', 'null'`},
		{"a long text is cut", `{"type":"integer"}`, `"` + strings.Repeat("x", 100) + `"`, ` type: '` + strings.Repeat("x", 60) + `…' is not of type 'integer'`},
		{"minimum", person, `{"name":"a","age":0}`, "/age minimum: 0 is less than the minimum of 1"},
		{"exclusiveMaximum", `{"exclusiveMaximum":2}`, `2`, " exclusiveMaximum: 2 is not less than 2"},
		{"enum", `{"enum":["a",1,null]}`, `"b"`, " enum: 'b' is not one of 'a', 1, None"},
		{"const", `{"const":"a"}`, `"b"`, " const: 'b' is not 'a'"},
		{"pattern", `{"pattern":"^a+$"}`, `"b"`, " pattern: 'b' does not match the pattern ^a+$"},
		{"format is asserted", `{"format":"date-time"}`, `"now"`, " format: 'now' is not a valid date-time, for example 2026-03-01T15:30:00Z"},
		{
			"format is asserted in other drafts", `{"$schema":"http://json-schema.org/draft-07/schema#","format":"ipv4"}`, `"x"`,
			" format: 'x' is not a valid ipv4, for example 192.0.2.1",
		},
		{"minLength", `{"minLength":1}`, `""`, " minLength: '' is too short; its length must be at least 1"},
		{"uniqueItems", `{"uniqueItems":true}`, `[1,1]`, " uniqueItems: […] has two equal items"},
		{
			"the alternative of the same type explains itself", `{"oneOf":[{"type":"string","minLength":2},{"type":"null"}]}`, `"a"`,
			" minLength: 'a' is too short; its length must be at least 2",
		},
		{"alternatives all of another type", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `5`, " type: 5 is not of type 'string', 'null'"},
		{"alternatives of one type", `{"anyOf":[{"minimum":5},{"multipleOf":2}]}`, `3`, " anyOf: 3 is of none of the allowed forms"},
		{"two forms at once", `{"oneOf":[{"minimum":5},{"multipleOf":2}]}`, `6`, " oneOf: 6 must be of exactly one of the allowed forms"},
		{"through a reference", `{"$defs":{"a/b":{"type":"string"}},"properties":{"x y/z":{"$ref":"#/$defs/a~1b"}}}`, `{"x y/z":1}`, "/x y~1z type: 1 is not of type 'string'"},
		{"dependentRequired", `{"dependentRequired":{"cert":["key"]}}`, `{"cert":1}`, " dependentRequired: 'key' is a required property when 'cert' is given"},
		{"propertyNames", `{"propertyNames":{"pattern":"^[a-z]+$"}}`, `{"A":"s3cret"}`, "/A pattern: the name 'A' does not match the pattern ^[a-z]+$"},
		{"a property that is forbidden", `{"properties":{"a":false}}`, `{"a":1}`, "/a a: 'a' is not allowed here"},
		{"contains", `{"contains":{"const":1}}`, `[2]`, " minContains: […] has too few items of the required form"},
		{"if and then", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, " required: 'b' is a required property"},
		{"draft 4's exclusive bound", `{"$schema":"http://json-schema.org/draft-04/schema#","minimum":3,"exclusiveMinimum":true}`, `3`, " exclusiveMinimum: 3 is not greater than 3"},
		{"a property called dependencies", `{"properties":{"dependencies":{"items":{"type":"string"}}}}`, `{"dependencies":[1]}`, "/dependencies/0 type: 1 is not of type 'string'"},
		{"a number too large to compute with", `{"multipleOf":2}`, `[1,1e999999]`, "/1 type: the number is too large"},
		{"no JSON", person, `{"name":`, " json: not valid JSON: unexpected end of JSON input"},
		{"two documents", person, `{} {}`, " json: not valid JSON: more than one JSON document"},
		{"a schema that nothing fits", `false`, `1`, " : nothing is allowed here"},
		{"the library's own documents", `{"$ref":"http://json-schema.org/draft-07/schema#"}`, `{"type":5}`, `/type enum: 5 breaks the rule "enum"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := lines(compile(t, c.schema).Validate([]byte(c.instance))); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestValidateNeverShowsASecret(t *testing.T) {
	const doc = `{"type":"object","properties":{
		"password":{"type":"string","writeOnly":true,"pattern":"^[a-z]+$","minLength":30,"enum":["x"]},
		"login":{"writeOnly":true,"type":"object","properties":{"user":{"type":"integer"}}},
		"token":{"anyOf":[{"type":"integer","writeOnly":true},{"type":"null"}]},
		"headers":{"additionalProperties":{"type":"integer","writeOnly":true}},
		"list":{"items":{"type":"integer","writeOnly":true,"format":"uuid"}}}}`
	for _, draft := range []string{"", `"$schema":"http://json-schema.org/draft-04/schema#",`, `"$schema":"http://json-schema.org/draft-07/schema#",`} {
		s := compile(t, "{"+draft+doc[1:])
		const instance = `{"password":"s3cret","login":{"user":"s3cret"},"token":"s3cret","headers":{"X":"s3cret"},"list":["s3cret"]}`
		violations := s.Validate([]byte(instance))
		if len(violations) < 7 {
			t.Errorf("draft %q: only %d violations", draft, len(violations))
		}
		for _, v := range violations {
			if strings.Contains(v.Message, "s3cret") || !strings.HasPrefix(v.Message, "the value ") {
				t.Errorf("draft %q: %+v", draft, v)
			}
		}
	}
}

func TestValidateSaysTheValueForASecretOfTheWrongType(t *testing.T) {
	s := compile(t, `{"properties":{"p":{"type":"string","writeOnly":true}}}`)
	if got, want := lines(s.Validate([]byte(`{"p":5}`))), "/p type: the value is not of type 'string'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"type":"s3cret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ rule, schema, want string }{
		{
			"required inside a property", `{"properties":{"a":{"type":"string","required":true}}}`,
			`schema: /properties/a/required must be a list of names, not True; name the property where it is listed instead: "required": ["a"] beside the "properties" around it`,
		},
		{
			"required among the properties", `{"properties":{"a":{},"required":["a"]}}`,
			`schema: /properties/required is not a schema but […]; "required" belongs beside "properties", not inside`,
		},
		{"no JSON", `{`, "schema: unexpected end of JSON input"},
		{"a list", `[]`, "schema: a schema must be an object, but is []"},
		{"an unknown type", `{"type":"text"}`, "schema: /type: 'text' is not a type; types are array, boolean, integer, null, number, object, string"},
		{"a pattern that RE2 lacks", `{"pattern":"(?=a)"}`, "schema: /pattern is not a regular expression in RE2's syntax: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{"another file", `{"$ref":"file://` + secret + `"}`, `schema: jsonschema: "file://` + secret + `" is another document; a schema must be complete in itself`},
		{"another address", `{"properties":{"a":{"$ref":"other.json#/x"}}}`, `schema: "other.json" is another document; a schema must be complete in itself`},
		{"an unknown draft", `{"$schema":"https://example.org/mine"}`, `schema: "https://example.org/mine" is another document; a schema must be complete in itself`},
		{"what only the library sees", `{"minLength":-1}`, `schema: /minLength: must be >= 0 but found -1`},
		{"too many parts", `{"enum":[` + strings.Repeat("{},", 5000) + `1]}`, "schema: it has more than 5000 objects and lists"},
		{"too deep", strings.Repeat(`{"items":`, 101) + "{}" + strings.Repeat("}", 101), "schema: it is nested more than 100 deep"},
		{"an outsized number", `{"multipleOf":1e-99999999}`, "schema: /multipleOf: the number is too large"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := schema.Compile([]byte(c.schema))
			if err == nil {
				t.Fatal("it compiles")
			}
			if got := strings.Replace(err.Error(), "schema: jsonschema: ", "schema: ", 1); got != strings.Replace(c.want, "schema: jsonschema: ", "schema: ", 1) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// The schema of the engine's own documentation, as a plugin's author writes it
// by hand.
func TestCompileTakesUnknownKeywords(t *testing.T) {
	s := compile(t, `{"type":"object","properties":{"ref":{"type":"string"},"args":{"type":"object",
		"properties":{"region":{"optional":true,"type":"string"},"filters":{"type":"object"}},"required":["region","filters"]}}}`)
	got := lines(s.Validate([]byte(`{"ref":"a:B","args":{"region":1}}`)))
	want := "/args/region type: 1 is not of type 'string'\n/args required: 'filters' is a required property"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNestsArgs(t *testing.T) {
	for doc, want := range map[string]bool{
		`{"properties":{"args":{}}}`: true,
		`{"properties":{"date":{}}}`: false,
		`true`:                       false,
		`{"$ref":"#/$defs/c","$defs":{"c":{"properties":{"args":{}}}}}`: true,
	} {
		if got := compile(t, doc).NestsArgs(); got != want {
			t.Errorf("NestsArgs of %s = %t", doc, got)
		}
	}
}

func TestSecrets(t *testing.T) {
	const doc = `{"properties":{"args":{
		"properties":{"p":{"writeOnly":true},"deep":{"writeOnly":true,"properties":{"x":{"writeOnly":true}}},
			"node":{"$ref":"#/$defs/node"},"pair":{"prefixItems":[{},{"writeOnly":true}],"items":{}}},
		"patternProperties":{"^secret_":{"writeOnly":true}},
		"additionalProperties":{"oneOf":[{"type":"string","writeOnly":true},{"type":"integer"}]},
		"allOf":[{"properties":{"q/r":{"writeOnly":true}}}],
		"if":{"required":["z"]},"then":{"properties":{"z":{"writeOnly":true}}}}},
		"$defs":{"node":{"properties":{"key":{"writeOnly":true},"next":{"$ref":"#/$defs/node"}}}}}`
	s := compile(t, doc)
	got := s.Secrets([]byte(`{"ref":"a:B","args":{"p":1,"deep":{"x":2},"node":{"key":1,"next":{"next":{"key":2}}},
		"pair":[1,2,3],"secret_a":1,"other":"x","q/r":1,"z":1}}`))
	want := []string{
		"/args/deep", "/args/node/key", "/args/node/next/next/key", "/args/other", "/args/p",
		"/args/pair/1", "/args/q~1r", "/args/secret_a", "/args/z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Secrets = %q\nwant %q", got, want)
	}
	if got := s.Secrets([]byte(`{`)); got != nil {
		t.Errorf("Secrets of no JSON = %q", got)
	}
	if got := compile(t, `{}`).Secrets([]byte(`{"a":1}`)); got != nil {
		t.Errorf("Secrets without any = %q", got)
	}
}

func TestReplace(t *testing.T) {
	redact := func(string, json.RawMessage) json.RawMessage { return json.RawMessage(`"***"`) }
	for _, c := range []struct {
		rule, doc string
		pointers  []string
		want      string
	}{
		{"a member", `{"b":1.50,"a":"<&>","p":"x"}`, []string{"/p"}, `{"a":"<&>","b":1.50,"p":"***"}`},
		{"an item", `{"l":[1,[2,3]]}`, []string{"/l/1/0"}, `{"l":[1,["***",3]]}`},
		{"the whole", `5`, []string{""}, `"***"`},
		{"a name with a slash", `{"a/b~":1}`, []string{"/a~1b~0"}, `{"a/b~":"***"}`},
		{"what is not there is skipped", ` {"b":1, "a":2}`, []string{"/c", "/a/x", "/b/0", "/l/7"}, ` {"b":1, "a":2}`},
		{"a member given twice leaves no trace", `{"p":"first","p":"last"}`, []string{"/p"}, `{"p":"***"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := schema.Replace([]byte(c.doc), c.pointers, redact)
			if err != nil || string(got) != c.want {
				t.Errorf("Replace = %s, %v; want %s", got, err, c.want)
			}
		})
	}
	t.Run("with sees pointer and value", func(t *testing.T) {
		got, err := schema.Replace([]byte(`{"a":{"x":"<"}}`), []string{"/a"}, func(p string, v json.RawMessage) json.RawMessage {
			return json.RawMessage(fmt.Sprintf("[%q,%s]", p, v))
		})
		if err != nil || string(got) != `{"a":["/a",{"x":"<"}]}` {
			t.Errorf("Replace = %s, %v", got, err)
		}
	})
	t.Run("bad input is an error", func(t *testing.T) {
		if _, err := schema.Replace([]byte(`{`), nil, redact); err == nil {
			t.Error("no error for a broken document")
		}
		broken := func(string, json.RawMessage) json.RawMessage { return json.RawMessage(`{`) }
		if _, err := schema.Replace([]byte(`{"a":1}`), []string{"/a"}, broken); err == nil {
			t.Error("no error for a broken value")
		}
	})
}
