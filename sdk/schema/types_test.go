package schema_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

type level int

// UnmarshalText reads a name.
func (l *level) UnmarshalText(text []byte) error { *l = level(len(text)); return nil }

// byPointer has its methods on the pointer, where most authors put them.
type byPointer struct{ B string }

func (*byPointer) JSONSchemaExtend(s *jsonschema.Schema) { s.Properties.Value("B").Enum = []any{"b"} }

// What the schema of a type takes the type reads, and what it refuses is what
// the type can't hold.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		rule           string
		derive         func() ([]byte, error)
		into           any
		want           string // of the property A, without its x-ui
		takes, refuses []string
	}{
		{"an integer", one[int], new(one1[int]), `{"type":"integer"}`, []string{`1`, `-1`}, []string{`1.5`, `"1"`}},
		{"a small integer", one[int8], new(one1[int8]), `{"type":"integer","maximum":127,"minimum":-128}`, []string{`127`, `-128`}, []string{`128`, `-129`}},
		{"a number without a sign", one[uint], new(one1[uint]), `{"type":"integer","minimum":0}`, []string{`0`}, []string{`-1`}},
		{"32 bits", one[uint32], new(one1[uint32]), `{"type":"integer","maximum":4294967295,"minimum":0}`, []string{`4294967295`}, []string{`4294967296`}},
		{"a number", one[float64], new(one1[float64]), `{"type":"number"}`, []string{`1.5`, `1e3`}, []string{`"1"`}},
		{"a truth value", one[*bool], new(one1[*bool]), `{"type":"boolean"}`, []string{`true`}, []string{`1`}},
		{"bytes", one[[]byte], new(one1[[]byte]), `{"type":"string","contentEncoding":"base64"}`, []string{`"YQ=="`}, []string{`[1]`}},
		{"an array", one[[2]int], new(one1[[2]int]), `{"items":{"type":"integer"},"type":"array","maxItems":2,"minItems":2}`, []string{`[1,2]`}, []string{`[1]`, `[1,2,3]`}},
		{"a time", one[time.Time], new(one1[time.Time]), `{"type":"string","format":"date-time"}`, []string{`"2026-03-01T15:30:00+01:00"`}, []string{`"2026-03-01"`, `5`}},
		{"a duration", one[*sdk.Duration], new(one1[*sdk.Duration]), "", []string{`"1m30s"`, `90`}, []string{`"PT1M"`, `-1`}},
		{"an address", one[netip.Addr], new(one1[netip.Addr]), `{"anyOf":[{"format":"ipv4"},{"format":"ipv6"}],"type":"string"}`, []string{`"192.0.2.1"`, `"2001:db8::1"`}, []string{`"x"`, `5`}},
		{"a text of its own", one[level], new(one1[level]), `{"type":"string"}`, []string{`"high"`}, []string{`5`}},
		{"a number as written", one[json.Number], new(one1[json.Number]), `{"type":"number"}`, []string{`1.50`}, []string{`"x"`}},
		{"anything", one[any], new(one1[any]), `{}`, []string{`1`, `null`, `[]`}, nil},
		{"any JSON", one[json.RawMessage], new(one1[json.RawMessage]), `{}`, []string{`1`, `{}`}, nil},
		{"a map", one[map[string]int], new(one1[map[string]int]), `{"additionalProperties":{"type":"integer"},"type":"object"}`, []string{`{"a":1}`}, []string{`{"a":"b"}`}},
		{"a map of anything", one[map[string]any], new(one1[map[string]any]), `{"type":"object"}`, []string{`{"a":[1]}`}, []string{`[]`}},
		{"a map by numbers", one[map[int]string], new(one1[map[int]string]), `{"patternProperties":{"^-?[0-9]+$":{"type":"string"}},"additionalProperties":false,"type":"object"}`, []string{`{"-1":"a"}`}, []string{`{"a":"a"}`}},
		{"a map by positive numbers", one[map[uint]string], new(one1[map[uint]string]), `{"patternProperties":{"^[0-9]+$":{"type":"string"}},"additionalProperties":false,"type":"object"}`, []string{`{"1":"a"}`}, []string{`{"-1":"a"}`}},
		{"a map by texts of their own", one[map[level]string], new(one1[map[level]string]), `{"additionalProperties":{"type":"string"},"type":"object"}`, []string{`{"high":"a"}`}, nil},
		{"a method on the pointer", one[byPointer], new(one1[byPointer]), "", []string{`{"B":"b"}`}, []string{`{"B":"c"}`}},
		{"a list of lists", one[[][]string], new(one1[[][]string]), `{"items":{"items":{"type":"string"},"type":"array"},"type":"array"}`, []string{`[["a"],[]]`}, []string{`["a"]`}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			doc, err := c.derive()
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"properties":{"A":` + withOrder(c.want) + `},"additionalProperties":false,"type":"object","required":["A"]}`; c.want != "" && string(doc) != want {
				t.Errorf("got  %s\nwant %s", doc, want)
			}
			s := compile(t, string(doc))
			for _, text := range c.takes {
				instance := []byte(`{"A":` + text + `}`)
				if v := s.Validate(instance); v != nil {
					t.Errorf("%s: %v", text, v)
				}
				if err := json.Unmarshal(instance, c.into); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			}
			for _, text := range c.refuses {
				if s.Validate([]byte(`{"A":`+text+`}`)) == nil {
					t.Errorf("%s validates", text)
				}
			}
		})
	}
}

type one1[T any] struct{ A T }

func one[T any]() ([]byte, error) { return schema.For[one1[T]]() }

// withOrder adds the hints that an only property has.
func withOrder(property string) string {
	if property == "{}" {
		return `{"x-ui":{"order":1}}`
	}
	return strings.TrimSuffix(property, "}") + `,"x-ui":{"order":1}}`
}

type inner struct {
	Zone  string `json:"zone,omitempty"`
	Count int    `json:"count,omitempty" ui:"group=Numbers"`
	Old   string `json:"old,omitempty"`
}

// The fields of an embedded struct are those of the one around it, which can
// give them a group and hide them by its own.
func TestEmbedded(t *testing.T) {
	doc, err := schema.For[struct {
		First string `json:"first,omitempty"`
		inner `ui:"group=Targets"`
		Old   int    `json:"old,omitempty" ui:"order=1"`
		Gone  string `json:"gone,omitempty" jsonschema:"-"`
		N     int    `json:"n,omitempty,string"`
	}]()
	const want = `{"properties":{"first":{"type":"string","x-ui":{"order":2}},` +
		`"zone":{"type":"string","x-ui":{"order":3,"group":"Targets"}},` +
		`"count":{"type":"integer","x-ui":{"order":4,"group":"Numbers"}},` +
		`"old":{"type":"integer","x-ui":{"order":1}},` +
		`"n":{"type":"string","x-ui":{"order":5}}},"additionalProperties":false,"type":"object"}`
	if err != nil || string(doc) != want {
		t.Errorf("got  %s, %v\nwant %s", doc, err, want)
	}
}

// A type that gives its schema itself is not changed by the tags of one field.
func TestTagsDoNotLeak(t *testing.T) {
	doc, err := schema.For[struct {
		A shared   `json:"a" jsonschema:"description=first" ui:"unit=s"`
		B shared   `json:"b"`
		C []shared `json:"c" jsonschema:"maxLength=5"`
	}]()
	const want = `{"properties":{"a":{"type":"string","description":"first","x-ui":{"order":1,"unit":"s"}},` +
		`"b":{"type":"string","x-ui":{"order":2}},` +
		`"c":{"items":{"type":"string","maxLength":5},"type":"array","x-ui":{"order":3}}},` +
		`"additionalProperties":false,"type":"object","required":["a","b","c"]}`
	if err != nil || string(doc) != want {
		t.Errorf("got  %s, %v\nwant %s", doc, err, want)
	}
}

type shared string

var theOnly = &jsonschema.Schema{Type: "string"}

func (shared) JSONSchema() *jsonschema.Schema { return theOnly }

// Secrets of every type are marked, so that they are found.
func TestSecretsOfEveryType(t *testing.T) {
	doc, err := schema.For[struct {
		Text    string            `json:"text" jsonschema:"writeOnly=true"`
		Number  int               `json:"number" jsonschema:"writeOnly=true"`
		Map     map[string]string `json:"map" jsonschema:"writeOnly=true"`
		List    []string          `json:"list" jsonschema:"writeOnly=true"`
		Any     any               `json:"any" jsonschema:"writeOnly=true"`
		Wait    sdk.Duration      `json:"wait" jsonschema:"writeOnly=true"`
		Structs []struct {
			Key string `json:"key" jsonschema:"writeOnly=true"`
		} `json:"structs"`
		Shown string `json:"shown" jsonschema:"writeOnly=false"`
	}]()
	if err != nil {
		t.Fatal(err)
	}
	got := compile(t, string(doc)).Secrets([]byte(`{"text":"a","number":1,"map":{},"list":[],"any":1,"wait":1,"structs":[{"key":"a"}],"shown":"a"}`))
	if want := []string{"/any", "/list", "/map", "/number", "/structs/0/key", "/text", "/wait"}; !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A value that is no duration is told what one looks like, not the pattern.
func TestDurationsAreExplained(t *testing.T) {
	doc, err := one[sdk.Duration]()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines(compile(t, string(doc)).Validate([]byte(`{"A":"soon"}`))),
		"/A pattern: 'soon' is not a duration such as 1m30s, or a number of seconds"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
