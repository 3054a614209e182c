package derive_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

var fuzzed = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[*float64](),
	reflect.TypeFor[bool](), reflect.TypeFor[[]string](), reflect.TypeFor[[]int](), reflect.TypeFor[map[string]int](),
	reflect.TypeFor[any](), reflect.TypeFor[sdk.Duration](), reflect.TypeFor[time.Time](), reflect.TypeFor[struct{ B string }](),
}

// FuzzTags checks that whatever an author writes into tags is either refused or
// gives a schema that compiles, the same each time, whose default the field can
// hold.
func FuzzTags(f *testing.F) {
	for i, c := range [][2]string{
		{`title=A,description=b\,c,minLength=1,maxLength=9,pattern=^a,format=uri,example=a,enum=b`, `group=A,order=2,widget=text,unit=s`},
		{`minimum=1,maximum=9,exclusiveMinimum=0,exclusiveMaximum=10,multipleOf=2,default=4`, `widget=slider`},
		{`enum=1,enum=2,default=1,deprecated=true,readOnly=false`, `widget=select`},
		{`default=1.5,example=-1e3`, `unit=%`},
		{`default=true,required`, `widget=checkbox`},
		{`default=a,default=b,minItems=1,maxItems=3,uniqueItems=true,pattern=^.$`, `widget=json`},
		{`default=[1\,2],example=3`, ``},
		{`default={"a":1},minProperties=1,maximum=5`, ``},
		{`type=object,default={}`, `widget=json`},
		{`default=15m,writeOnly=true`, `widget=duration`},
		{`default=2026-03-01T15:30:00Z`, `widget=datetime`},
		{`description=Foo, bar`, ``},
	} {
		f.Add(uint8(i), c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, kind uint8, rules, hints string) {
		tag := `json:"a,omitempty" jsonschema:` + strconv.Quote(rules)
		if hints != "" {
			tag += ` ui:` + strconv.Quote(hints)
		}
		field := fuzzed[int(kind)%len(fuzzed)]
		doc, err := derive.Member(field, tag)
		if err != nil {
			return
		}
		again, err := derive.Member(field, tag)
		if err != nil || !bytes.Equal(doc, again) {
			t.Fatalf("%s\n%s\nthen\n%s, %v", tag, doc, again, err)
		}
		if _, err := schema.Compile(doc); err != nil && !strings.Contains(err.Error(), "too large") {
			t.Fatalf("%s gives %s: %v", tag, doc, err)
		}
		var derived struct {
			Properties struct {
				A struct{ Default json.RawMessage }
			}
		}
		if err := json.Unmarshal(doc, &derived); err != nil {
			t.Fatal(err)
		}
		if value := derived.Properties.A.Default; value != nil {
			if err := json.Unmarshal(value, reflect.New(field).Interface()); err != nil {
				t.Fatalf("%s gives the default %s: %v", tag, value, err)
			}
		}
	})
}

// FuzzStructTag checks that a struct tag is read as package reflect reads it, or
// refused.
func FuzzStructTag(f *testing.F) {
	for _, tag := range []string{
		`json:"a" jsonschema:"title=x"`, `json:"a"jsonschema:"title=x"`, `json:"a" jsonschema: "title=x"`, "json:`a`", `json:"\x61"`, ` json:"a" `, `a b:"c"`,
	} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		doc, err := derive.Member(reflect.TypeFor[string](), tag)
		if err != nil {
			return
		}
		var got struct {
			Properties map[string]struct{ Title string }
		}
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatal(err)
		}
		title, named := strings.CutPrefix(reflect.StructTag(tag).Get("jsonschema"), "title=")
		if !named || strings.ContainsAny(title, `,\`) || !isPlain(title) {
			return
		}
		for name, property := range got.Properties {
			if property.Title != title {
				t.Fatalf("%s: the title of %s is %q", tag, name, property.Title)
			}
		}
	})
}

// isPlain says whether JSON holds a text as it is.
func isPlain(text string) bool { return strings.ToValidUTF8(text, "") == text }
