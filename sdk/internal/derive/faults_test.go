package derive_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
)

// A struct with one field A of type T and the tag given.
func withTag[T any](tag string) reflect.Type {
	return reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[T](), Tag: reflect.StructTag(tag)}})
}

// What is wrong with a tag is said with the field and the remedy.
func TestFaultsInTags(t *testing.T) {
	const opt = `json:"a,omitempty" `
	for _, c := range []struct {
		args reflect.Type
		want string
	}{
		// The struct tag as such.
		{withTag[int](`json:"a" jsonschema: "minimum=1"`), `struct.A: its tag is not of the form ` + "`key:\"value\" key:\"value\"`" + ` at "jsonschema: \"minimum=1\""; in a value, a quote is written \" and a backslash \\`},
		{withTag[int](`json:"a" jsonschema:"title=x\,y"`), `struct.A: its tag is not of the form ` + "`key:\"value\" key:\"value\"`" + ` at "jsonschema:\"title=x\\,y\""; in a value, a quote is written \" and a backslash \\`},
		{withTag[int](`json`), `struct.A: its tag is not of the form ` + "`key:\"value\" key:\"value\"`" + ` at "json"`},
		{withTag[int](`json:"a" json:"b"`), `struct.A: it has the tag json twice`},
		{withTag[int](`json_schema:"minimum=1"`), `struct.A: unknown tag json_schema; did you mean jsonschema?`},
		{withTag[int](`jsonschema_desciption:"x"`), `struct.A: unknown tag jsonschema_desciption; did you mean jsonschema_description?`},
		{withTag[int](`UI:"unit=s"`), `struct.A: unknown tag UI; did you mean ui?`},
		{withTag[int](`x-ui:"unit=s"`), `struct.A: unknown tag x-ui; did you mean ui?`},
		{withTag[int](`json:"a,omitemtpy"`), `struct.A: the tag json: unknown option "omitemtpy"; did you mean omitempty?`},
		{withTag[int](`json:"a,inline"`), `struct.A: the tag json: unknown option "inline"; known are omitempty, omitzero, string`},
		{withTag[int](`json:"a'b"`), `struct.A: the tag json: encoding/json takes no such name: "a'b"`},
		{withTag[string](`json:"a,string"`), `struct.A: the tag json: the option string is for numbers and truth values`},

		// Keys of jsonschema.
		{withTag[int](`json:"a" jsonschema:"requierd"`), `struct.A: the tag jsonschema: unknown key "requierd"; did you mean required?`},
		{withTag[int](`json:"a" jsonschema:"minumum=1"`), `struct.A: the tag jsonschema: unknown key "minumum"; did you mean minimum?`},
		{withTag[int](`json:"a" jsonschema:"required=true"`), `struct.A: the tag jsonschema: required has no value; write it alone`},
		{withTag[int](`json:"a" jsonschema:"writeOnly"`), `struct.A: the tag jsonschema: writeOnly has no value; write writeOnly=…`},
		{withTag[int](`json:"a" jsonschema:"minimum="`), `struct.A: the tag jsonschema: minimum has an empty value`},
		{withTag[int](`json:"a" jsonschema:"minimum=1,minimum=2"`), `struct.A: the tag jsonschema: minimum is given twice`},
		{withTag[string](`json:"a" jsonschema:"description=Foo, bar"`), `struct.A: the tag jsonschema: " bar" is not a key: a comma has cut the value of description; write a text with commas in the tag jsonschema_description, or write a comma within a value as \\,`},
		{withTag[string](`json:"a" jsonschema:"description=Foo, required or so"`), `struct.A: the tag jsonschema: " required or so" is not a key: a comma has cut the value of description; write a text with commas in the tag jsonschema_description, or write a comma within a value as \\,`},
		{withTag[string](`json:"a" jsonschema:"description=Foo, required"`), `struct.A: the tag jsonschema: " required" is not a key: a comma has cut the value of description; write a text with commas in the tag jsonschema_description, or write a comma within a value as \\,`},
		{withTag[string](`json:"a" jsonschema:"pattern=^a{1,3}$"`), `struct.A: the tag jsonschema: "3}$" is not a key: a comma has cut the value of pattern; write a comma within a value as \\,`},
		{withTag[string](`json:"a" jsonschema:"description=x" jsonschema_description:"y"`), `struct.A: its description is given twice, in the tags jsonschema and jsonschema_description`},
		{withTag[string](`json:"a" jsonschema_description:" "`), `struct.A: the tag jsonschema_description is empty`},
		{withTag[string](opt + `jsonschema_extras:"minimum=1"`), `struct.A: the tag jsonschema_extras: unknown key "minimum": it is for keywords that begin with x-; the others go into the tag jsonschema`},
		{withTag[string](opt + `jsonschema_extras:"x-ui=1"`), `struct.A: the tag jsonschema_extras: write x-ui with the tag ui`},
		{withTag[string](opt + `jsonschema_extras:"x-a"`), `struct.A: the tag jsonschema_extras: x-a has no value`},
		{withTag[sdk.Duration](opt + `jsonschema_extras:"default=soon"`), `struct.A: the tag jsonschema_extras: default=soon: it can't be read into sdk.Duration: "soon" is not a duration like 1m30s`},

		// Values of jsonschema.
		{withTag[int](`json:"a" jsonschema:"minimum=abc"`), `struct.A: the tag jsonschema: minimum=abc: it is not a number`},
		{withTag[int](`json:"a" jsonschema:"minimum=0.5"`), `struct.A: the tag jsonschema: minimum=0.5: it is not of type integer in JSON`},
		{withTag[uint8](`json:"a" jsonschema:"maximum=256"`), `struct.A: the tag jsonschema: maximum=256: it can't be read into uint8: json: cannot unmarshal number 256 into Go value of type uint8`},
		{withTag[float64](`json:"a" jsonschema:"maximum=1e999"`), `struct.A: the tag jsonschema: maximum=1e999: it is not a number`},
		{withTag[float64](`json:"a" jsonschema:"multipleOf=0"`), `struct.A: the tag jsonschema: multipleOf=0: it is not more than 0`},
		{withTag[string](`json:"a" jsonschema:"minLength=-1"`), `struct.A: the tag jsonschema: minLength=-1: it is not a whole number of 0 or more`},
		{withTag[string](`json:"a" jsonschema:"pattern=("`), "struct.A: the tag jsonschema: pattern=(: it is not a regular expression in RE2's syntax: error parsing regexp: missing closing ): `(`"},
		{withTag[string](`json:"a" jsonschema:"format=datetime"`), `struct.A: the tag jsonschema: format=datetime: it is not a format that is checked; did you mean date-time?`},
		{withTag[string](`json:"a" jsonschema:"format=password"`), `struct.A: the tag jsonschema: format=password: a format doesn't keep a secret; write writeOnly=true`},
		{withTag[string](`json:"a" jsonschema:"writeOnly=yes"`), `struct.A: the tag jsonschema: writeOnly=yes: it is neither true nor false`},
		{withTag[string](`json:"a" jsonschema:"minimum=1"`), `struct.A: the tag jsonschema: minimum says nothing of string, only of integer or number`},
		{withTag[[]int](`json:"a" jsonschema:"pattern=a"`), `struct.A: the tag jsonschema: pattern says nothing of []int, only of string`},
		{withTag[sdk.Duration](`json:"a" jsonschema:"maximum=60"`), `struct.A: the tag jsonschema: maximum does not fit sdk.Duration, which is string or number: one of them would pass; check it in Check`},
		{withTag[any](`json:"a" jsonschema:"minimum=1"`), `struct.A: the tag jsonschema: minimum says nothing of any, whose type in JSON isn't known; give it by type=…, or set it by a method JSONSchema`},
		{withTag[int](`json:"a" jsonschema:"type=string"`), `struct.A: the tag jsonschema: type=string: the type of int is known`},
		{withTag[any](`json:"a" jsonschema:"type=strng"`), `struct.A: the tag jsonschema: type=strng: it is not a type; did you mean string?`},
		{withTag[int](`json:"a" jsonschema:"enum=1,enum=b"`), `struct.A: the tag jsonschema: enum=b: it is not of type integer in JSON`},
		{withTag[[]bool](`json:"a" jsonschema:"enum=b"`), `struct.A: the tag jsonschema: enum=b: it is not of type boolean in JSON`},
		{withTag[string](`json:"a" jsonschema:"enum=b,enum=b"`), `struct.A: the tag jsonschema: enum=b: it is listed twice`},
		{withTag[int](opt + `jsonschema:"default=1.5"`), `struct.A: the tag jsonschema: default=1.5: it is not of type integer in JSON`},
		{withTag[int](opt + `jsonschema:"default=1.0"`), `struct.A: the tag jsonschema: default=1.0: it can't be read into int: json: cannot unmarshal number 1.0 into Go value of type int`},
		{withTag[any](opt + `jsonschema:"default=x"`), `struct.A: the tag jsonschema: default=x: it is not JSON; write a text with quotes, \"x\"`},
		{withTag[*int](opt + `jsonschema:"default=1,default=2"`), `struct.A: the tag jsonschema: default=2: there is a default already`},
		{withTag[time.Time](opt + `jsonschema:"default=soon"`), `struct.A: the tag jsonschema: default=soon: it can't be read into time.Time: parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"`},

		// What the keywords say together.
		{withTag[int](`json:"a" jsonschema:"default=1"`), `struct.A: it is required, so its default says nothing; add omitempty to its json tag, or take the default away`},
		{withTag[int](opt + `jsonschema:"required,default=1"`), `struct.A: it is required, so its default says nothing; add omitempty to its json tag, or take the default away`},
		{withTag[int](opt + `jsonschema:"minimum=1,default=0"`), `struct.A: the default breaks a rule beside it: 0 is less than the minimum of 1`},
		{withTag[float64](opt + `jsonschema:"exclusiveMinimum=0,default=0"`), `struct.A: the default breaks a rule beside it: 0 is not greater than 0`},
		{withTag[string](opt + `jsonschema:"enum=a,enum=b,default=c"`), `struct.A: the default breaks a rule beside it: 'c' is not one of 'a', 'b'`},
		{withTag[string](opt + `jsonschema:"pattern=^/,example=tmp"`), `struct.A: the example breaks a rule beside it: 'tmp' does not match the pattern ^/`},
		{withTag[[]int](opt + `jsonschema:"maximum=3,default=2,default=5"`), `struct.A: the default breaks a rule beside it: /1: 5 is greater than the maximum of 3`},
		{withTag[string](opt + `jsonschema:"format=uri,default=x.example"`), `struct.A: the default "x.example" is not a valid uri: it is not absolute`},
		{withTag[string](opt + `jsonschema:"writeOnly=true,default=s3cret"`), `struct.A: it is writeOnly, but everybody may read a schema; take its default, example and enum away`},
		{withTag[string](opt + `jsonschema:"writeOnly=true,example=s3cret"`), `struct.A: it is writeOnly, but everybody may read a schema; take its default, example and enum away`},
		{withTag[string](opt + `jsonschema:"writeOnly=true,enum=s3cret"`), `struct.A: it is writeOnly, but everybody may read a schema; take its default, example and enum away`},
		{withTag[int](`json:"a" jsonschema:"minimum=5,maximum=4"`), `struct.A: no value can keep both minimum=5 and maximum=4`},
		{withTag[float64](`json:"a" jsonschema:"exclusiveMinimum=4,maximum=4"`), `struct.A: no value can keep both exclusiveMinimum=4 and maximum=4`},
		{withTag[string](`json:"a" jsonschema:"minLength=5,maxLength=4"`), `struct.A: no value can keep both minLength=5 and maxLength=4`},
		{withTag[map[string]int](`json:"a" jsonschema:"minProperties=5,maxProperties=4"`), `struct.A: no value can keep both minProperties=5 and maxProperties=4`},

		// Hints.
		{withTag[int](`json:"a" ui:""`), `struct.A: the tag ui is empty`},
		{withTag[int](`json:"a" ui:"widgt=number"`), `struct.A: the tag ui: unknown key "widgt"; did you mean widget?`},
		{withTag[int](`json:"a" ui:"group=A, B"`), `struct.A: the tag ui: " B" is not a key: a comma has cut the value of group; write a comma within a value as \\,`},
		{withTag[int](`json:"a" ui:"group"`), `struct.A: the tag ui: group has no value; write group=…`},
		{withTag[int](`json:"a" ui:"unit=s,unit=m"`), `struct.A: the tag ui: unit is given twice`},
		{withTag[int](`json:"a" ui:"order=0"`), `struct.A: the tag ui: order=0: it is not a whole number of 1 or more`},
		{withTag[string](`json:"a" ui:"widget=textaera"`), `struct.A: the tag ui: widget=textaera: there is no such widget; did you mean textarea?`},
		{withTag[int](`json:"a" ui:"widget=textarea"`), `struct.A: the widget textarea needs a text`},
		{withTag[int](`json:"a" jsonschema:"minimum=1" ui:"widget=slider"`), `struct.A: the widget slider needs a number with minimum and maximum`},
		{withTag[string](`json:"a" ui:"widget=select"`), `struct.A: the widget select needs an enum`},
		{withTag[string](`json:"a" ui:"widget=checkbox"`), `struct.A: the widget checkbox needs a truth value`},
		{withTag[string](`json:"a" ui:"widget=number"`), `struct.A: the widget number needs a number`},
		{withTag[string](`json:"a" ui:"widget=json"`), `struct.A: the widget json needs an object, a list or anything`},
		{withTag[string](`json:"a" ui:"widget=password"`), `struct.A: the widget password needs jsonschema:"writeOnly=true", without which the value is shown everywhere else`},
		{withTag[bool](`json:"a" ui:"unit=s"`), `struct.A: a unit says nothing of type boolean`},
		{withTag[sdk.Duration](`json:"a" ui:"unit=s"`), `struct.A: a duration has no unit: its text says it, and a number is in seconds`},
	} {
		doc, err := derive.Args(c.args)
		if err == nil {
			t.Errorf("%s: no error, but\n%s\nwant %s", c.args, doc, c.want)
			continue
		}
		if _, got, _ := strings.Cut(err.Error(), " }: "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.args, got, c.want)
		}
	}
}

type (
	left      struct{ Name string }
	right     struct{ Name string }
	ambiguous struct {
		left
		right
	}
	pointed struct{ *left }
	tagged  struct {
		left `jsonschema:"required"`
	}
	deep struct {
		Outer struct {
			Inner []struct {
				N int `json:"n" jsonschema:"minimun=1"`
			}
		}
	}
	slow struct{ Wait time.Duration }
	web  struct{ Where *url.URL }
	keys struct{ M map[bool]string }
	fish struct {
		A int `ui:"order=2"`
		B int `ui:"order=2"`
	}
	aliased struct{ A aliasing }
	alone   struct{ sdk.Duration }
)

type aliasing struct{}

func (aliasing) JSONSchemaAlias() any { return "" }

type hinted struct{ A odd }

type odd string

func (odd) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Extras: map[string]any{"x-ui": map[string]any{"widgets": "text"}}}
}

type extended struct{ A string }

func (extended) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Properties.Value("A").Extras = map[string]any{"x-ui": map[string]any{"widget": "tex"}}
}

// "go vet" finds these two as well, and so they can't stand in a source.
var (
	hidden = reflect.StructOf([]reflect.StructField{
		{Name: "secret", PkgPath: "example.org/x", Type: reflect.TypeFor[string](), Tag: `json:"secret"`},
	})
	twice = reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
		{Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
	})
)

func TestFaultsInStructs(t *testing.T) {
	for want, args := range map[string]reflect.Type{
		`struct.secret: it has the tag json, but it is not exported, so nothing is read into it; begin its name with a capital`: hidden,
		`struct.B: struct.A has the same name in JSON, "x"; give one of them another`:                                           twice,
		`ambiguous.right.Name: ambiguous.left.Name has the same name in JSON, "Name"; give one of them another`:                 reflect.TypeFor[ambiguous](),
		`pointed.left: encoding/json can't set an embedded pointer to an unexported struct; embed the struct itself`:            reflect.TypeFor[pointed](),
		`tagged.left: the tag jsonschema: an embedded struct is no property; it can only have a group`:                          reflect.TypeFor[tagged](),
		`deep.Outer.Inner[].N: the tag jsonschema: unknown key "minimun"; did you mean minimum?`:                                reflect.TypeFor[deep](),
		`slow.Wait: a time.Duration is read as a number of nanoseconds; use sdk.Duration`:                                       reflect.TypeFor[slow](),
		`web.Where: a url.URL can't be read from a text; use a string with jsonschema:"format=uri"`:                             reflect.TypeFor[web](),
		`keys.M: unsupported type map[bool]string: the names of JSON's members can't be read into bool`:                         reflect.TypeFor[keys](),
		`fish.B: its order 2 is that of "A" too`:                                                                                reflect.TypeFor[fish](),
		`aliased.A: the method JSONSchemaAlias of derive_test.aliasing is not called; use JSONSchema or JSONSchemaExtend`:       reflect.TypeFor[aliased](),
		`alone: it is read from a JSON string; args are an object`:                                                              reflect.TypeFor[alone](),
		`hinted.A: the x-ui of derive_test.odd: it is not {order, group, widget, unit}: json: unknown field "widgets"`:          reflect.TypeFor[hinted](),
		`extended.A: there is no widget "tex"; did you mean text?`:                                                              reflect.TypeFor[extended](),
	} {
		doc, err := derive.Args(args)
		if err == nil {
			t.Errorf("%s: no error, but\n%s\nwant %s", args, doc, want)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), "derive the schema of "+args.String()+": "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Every fault is named at once.
func TestAllFaultsAreNamed(t *testing.T) {
	_, err := derive.Args(reflect.TypeFor[struct {
		A int    `json:"a" jsonschema:"minimun=1,maximun=2" ui:"widgt=x"`
		B string `json:"b" jsonschema:"minimum=1"`
		C func()
	}]())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"minimun"`, `"maximun"`, `"widgt"`, "struct.B: ", "struct.C: unsupported type func()"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
}
