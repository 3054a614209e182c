package schema_test

import (
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func TestCheckValues(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"type":"integer","default":5,"examples":[1,2]}`, ""},
		{`{"default":5,"type":"string"}`, "schema: the value at /default breaks a rule beside it: 5 is not of type 'string'"},
		{`{"properties":{"a b/%":{"multipleOf":2,"examples":[2,3]}}}`, "schema: the value at /properties/a b~1%/examples/1 breaks a rule beside it: 3 is not a multiple of 2"},
		{`{"items":{"format":"uri","default":"x"}}`, "schema: the value at /items/default breaks a rule beside it: 'x' is not a valid uri, for example https://example.org/x"},
		{`{"oneOf":[{"type":"object","additionalProperties":{"maximum":1},"default":{"a":2}}]}`, "schema: the value at /oneOf/0/default breaks a rule beside it at /a: 2 is greater than the maximum of 1"},
		{`{"$defs":{"a":{"$ref":"#/$defs/b","default":1},"b":{"type":"string"}}}`, "schema: the value at /$defs/a/default breaks a rule beside it: 1 is not of type 'string'"},
		{`{"$id":"https://x.example/y","allOf":[{"$ref":"#/$defs/b","default":1}],"$defs":{"b":{"type":"string"}}}`, "schema: the value at /allOf/0/default breaks a rule beside it: 1 is not of type 'string'"},
		{`{"properties":{"a":{"type":"string","default":"s3cret","maxLength":1,"writeOnly":true}}}`, "schema: the value at /properties/a/default breaks a rule beside it: the value is too long; its length may be at most 1"},
		{`{"properties":{"default":{"type":"string"},"examples":{"type":"string"}},"const":{"default":1},"then":true}`, ""},
		{`{"if":{"type":"string","default":1},"not":{"type":"string","default":1}}`, ""},
		{`{"type":5}`, "schema: /type must be the name of a type or a list of them, not 5"},
		{`{`, "schema: unexpected end of JSON input"},
	} {
		err := schema.CheckValues([]byte(c.doc))
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.doc, err, c.want)
		}
	}
}

func TestCheckHints(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"properties":{"a":{"x-ui":{"order":1,"group":"G","widget":"json","unit":"s"}},"x-ui":{"type":"string"}}}`, ""},
		{`{"properties":{"a":{"x-ui":{"widget":"jsn"}}}}`, `schema: the x-ui at /properties/a: there is no widget "jsn"; did you mean json?`},
		{`{"items":{"x-ui":{"order":-1}}}`, "schema: the x-ui at /items: its order is less than 1"},
		{`{"$defs":{"a":{"x-ui":{"oder":1}}}}`, `schema: the x-ui at /$defs/a: it is not {order, group, widget, unit}: json: unknown field "oder"`},
		{`{"default":{"x-ui":5},"enum":[{"x-ui":5}]}`, ""},
		{`{`, "schema: unexpected end of JSON input"},
	} {
		err := schema.CheckHints([]byte(c.doc))
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.doc, err, c.want)
		}
	}
}
