package schema_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

type base struct {
	Zone string `json:"zone,omitempty"`
}

type nested struct {
	Key string `json:"key" jsonschema:"writeOnly=true"`
	N   int    `json:"n,omitzero" jsonschema:"minimum=1,maximum=9,default=3"`
}

type args struct {
	base
	Path    string            `json:"path" jsonschema:"title=Path,description=File to create,pattern=^/,example=/tmp/x"`
	Mode    string            `json:"mode,omitempty" jsonschema:"enum=a,enum=b" jsonschema_description:"One, or the other"`
	Nested  *nested           `json:"nested,omitempty"`
	List    []nested          `json:"list,omitempty"`
	Headers map[string]string `json:"headers,omitempty" jsonschema:"writeOnly=true"`
	At      time.Time         `json:"at,omitzero"`
	Any     json.RawMessage   `json:"any,omitempty"`
	Skipped string            `json:"-"`
}

func TestFor(t *testing.T) {
	const inner = `{"properties":{"key":{"type":"string","writeOnly":true,"x-ui":{"order":1}},` +
		`"n":{"type":"integer","maximum":9,"minimum":1,"default":3,"x-ui":{"order":2}}},` +
		`"additionalProperties":false,"type":"object","required":["key"]`
	const want = `{"properties":{"zone":{"type":"string","x-ui":{"order":1}},` +
		`"path":{"type":"string","pattern":"^/","title":"Path","description":"File to create","examples":["/tmp/x"],"x-ui":{"order":2}},` +
		`"mode":{"type":"string","enum":["a","b"],"description":"One, or the other","x-ui":{"order":3}},` +
		`"nested":` + inner + `,"x-ui":{"order":4}},"list":{"items":` + inner + `},"type":"array","x-ui":{"order":5}},` +
		`"headers":{"additionalProperties":{"type":"string"},"type":"object","writeOnly":true,"x-ui":{"order":6}},` +
		`"at":{"type":"string","format":"date-time","x-ui":{"order":7}},"any":{"x-ui":{"order":8}}},` +
		`"additionalProperties":false,"type":"object","required":["path"]}`
	for range 3 {
		got, err := schema.For[args]()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Fatalf("For =\n%s\nwant\n%s", got, want)
		}
	}
}

type tree struct {
	Children []tree `json:"children"`
}

type forest []forest

type self *self

// Loop is exported, so that it could be set if it ended.
type Loop struct{ *Loop }

type broken string

func (broken) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: "("}
}

func TestForRefuses(t *testing.T) {
	for want, derive := range map[string]func() ([]byte, error){
		"int: it is not a struct":               schema.For[int],
		"tree contains itself":                  schema.For[tree],
		"self contains itself":                  schema.For[struct{ S self }],
		"Loop contains itself":                  schema.For[Loop],
		"unsupported type io.Reader":            schema.For[struct{ R io.Reader }],
		"/properties/A/pattern":                 schema.For[struct{ A broken }],
		"forest contains itself":                schema.For[struct{ F forest }],
		"unsupported type func()":               schema.For[struct{ F func() }],
		"map[string]string: it is not a struct": schema.For[map[string]string],
	} {
		if _, err := derive(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestOfConfig(t *testing.T) {
	for _, c := range []struct{ rule, args, want string }{
		{
			"args are required when one of them is", `{"type":"object","required":["a"]}`,
			`{"type":"object","properties":{"ref":{"type":"string"},"args":{"type":"object","required":["a"]}},"required":["ref","args"],"additionalProperties":false}`,
		},
		{
			"args are not required when none is", `{"type":"object","required":[]}`,
			`{"type":"object","properties":{"ref":{"type":"string"},"args":{"type":"object","required":[]}},"required":["ref"],"additionalProperties":false}`,
		},
		{
			"args are required when they might be", `{"minProperties":1}`,
			`{"type":"object","properties":{"ref":{"type":"string"},"args":{"minProperties":1}},"required":["ref","args"],"additionalProperties":false}`,
		},
		{
			"references move along", `{"$defs":{"p":{"pattern":"<"}},"properties":{"a":{"$ref":"#/$defs/p"},"b":{"$ref":"#"},"$ref":{"type":"string"}}}`,
			`{"type":"object","properties":{"ref":{"type":"string"},"args":{"$defs":{"p":{"pattern":"<"}},"properties":` +
				`{"$ref":{"type":"string"},"a":{"$ref":"#/properties/args/$defs/p"},"b":{"$ref":"#/properties/args"}}}},"required":["ref"],"additionalProperties":false}`,
		},
		{
			"the draft moves up", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object"}`,
			`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"ref":{"type":"string"},"args":{"type":"object"}},"required":["ref"],"additionalProperties":false}`,
		},
		{"anything goes", `true`, `{"type":"object","properties":{"ref":{"type":"string"},"args":true},"required":["ref"],"additionalProperties":false}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := schema.OfConfig([]byte(c.args))
			if err != nil || string(got) != c.want {
				t.Fatalf("OfConfig =\n%s, %v\nwant\n%s", got, err, c.want)
			}
			s := compile(t, string(got))
			if !s.NestsArgs() {
				t.Error("the result does not nest args")
			}
		})
	}
	for _, bad := range []string{``, `[]`, `5`, `{`} {
		if doc, err := schema.OfConfig([]byte(bad)); err == nil {
			t.Errorf("OfConfig(%s) = %s", bad, doc)
		}
	}
}

func TestOfConfigKeepsNamedParts(t *testing.T) {
	doc, err := schema.OfConfig([]byte(`{"$id":"https://example.org/args","$defs":{"p":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/p"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := compile(t, string(doc))
	if got, want := lines(s.Validate([]byte(`{"ref":"a:B","args":{"a":5}}`))), "/args/a type: 5 is not of type 'string'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
