package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func TestProperties(t *testing.T) {
	for _, c := range []struct{ rule, doc, want string }{
		{
			"members, items and free names",
			`{"properties":{"args":{"type":"object","properties":{"targets":{"type":"array","items":{"properties":{"password":{"type":"string","description":"P","writeOnly":true}}}}}},
			  "free":{"additionalProperties":{"type":"integer"}},"a/b":{"patternProperties":{"^x":{"description":"X"}}}}}`,
			`/args args object; /args/targets targets array; /args/targets/*; /args/targets/*/password password "P" string writeOnly secret; ` +
				`/a~1b a/b; /a~1b/* "X"; /free free; /free/* integer`,
		},
		{
			"what is inside a secret is one",
			`{"properties":{"a":{"writeOnly":true,"properties":{"b":{"type":"string"}},"items":{}}}}`,
			`/a a writeOnly secret; /a/* secret; /a/b b string secret`,
		},
		{
			"alternatives and conditions say something of the same place",
			`{"properties":{"a":{"oneOf":[{"type":"string","writeOnly":true},{"type":"array","items":{"type":"integer"}}]}},
			  "allOf":[{"if":{"properties":{"b":{"const":1}}},"then":{"properties":{"c":{"type":"null"}}},"else":{"properties":{"c":{"type":"string"},"d":false}}}],
			  "dependentSchemas":{"a":{"properties":{"e":true}}}}`,
			`/a a array,string writeOnly secret; /a/* integer; /b b; /c c null,string; /e e`,
		},
		{
			"references are followed, not into themselves",
			`{"$ref":"#/$defs/node","$defs":{"node":{"properties":{"name":{"$ref":"#/$defs/na%6de"},"next":{"$ref":"#/$defs/node"},"up":{"$ref":"#"}}},"name":{"type":"string","description":"N"}}}`,
			`/name name "N" string; /next next; /up up`,
		},
		{
			"a part with a name of its own is what its references are in",
			`{"properties":{"a":{"$id":"https://x.example/","properties":{"b":{"$ref":"#/$defs/c"}},"$defs":{"c":{"type":"string"}}}}}`,
			`/a a; /a/b b string`,
		},
		{
			"nothing is known of what is elsewhere or nowhere",
			`{"properties":{"a":{"$ref":"https://x.example/"},"b":{"$ref":"#name"},"c":{"$ref":"#/nowhere"},"d":{"$ref":"#/%zz"},"e":{"$ref":5}}}`,
			`/a a; /b b; /c c; /d d; /e e`,
		},
		{"values are not schemas", `{"properties":{"a":{"const":{"properties":{"b":{}}},"default":{"properties":{"c":{}}}}}}`, `/a a`},
		{"what is no schema says nothing", `{"properties":5,"items":5,"allOf":{},"$ref":"#"}`, ``},
		{"true", `true`, ``},
		{"lists item by item", `{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}`, `/* integer,string`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			all, err := schema.Properties([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := say(all), strings.Join(strings.Fields(c.want), " "); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// say prints properties in one line.
func say(all []schema.Property) string {
	said := make([]string, len(all))
	for i, p := range all {
		said[i] = p.Pointer + " " + p.Name
		if p.Description != "" {
			said[i] += fmt.Sprintf(" %q", p.Description)
		}
		said[i] += " " + strings.Join(p.Types, ",")
		if p.WriteOnly {
			said[i] += " writeOnly"
		}
		if p.Secret {
			said[i] += " secret"
		}
		said[i] = strings.Join(strings.Fields(said[i]), " ")
	}
	return strings.ReplaceAll(strings.Join(said, "; "), " ;", ";")
}

// References that lead to many others, each of which does the same, end too.
func TestPropertiesAreBounded(t *testing.T) {
	var defs strings.Builder
	for i := range 40 {
		fmt.Fprintf(&defs, `"d%d":{"properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	doc := `{"$ref":"#/$defs/d0","$defs":{` + defs.String() + `"d40":{}}}`
	_, err := schema.Properties([]byte(doc))
	if want := "schema: the schema has more than 10000 parts, its references followed"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := schema.Properties([]byte(`{`)); err == nil {
		t.Error("half a document has properties")
	}
}

// FuzzProperties checks that what is secret in an instance is known as such
// before there is one.
func FuzzProperties(f *testing.F) {
	for _, c := range [][2]string{
		{`{"properties":{"a":{"items":{"writeOnly":true}}}}`, `{"a":[1]}`},
		{`{"$ref":"#/$defs/n","$defs":{"n":{"properties":{"k":{"writeOnly":true},"n":{"$ref":"#/$defs/n"}}}}}`, `{"k":1,"n":{"k":1}}`},
		{`{"additionalProperties":{"anyOf":[{"type":"string","writeOnly":true},{}]}}`, `{"a":"b"}`},
		{`{"writeOnly":true,"properties":{"a":{}}}`, `{"a":1}`},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, doc, instance string) {
		all, err := schema.Properties([]byte(doc))
		if err != nil {
			return
		}
		again, err := schema.Properties([]byte(doc))
		if err != nil || say(all) != say(again) {
			t.Fatalf("%s: %s, then %s, %v", doc, say(all), say(again), err)
		}
		s, err := schema.Compile([]byte(doc))
		if err != nil {
			return
		}
		for _, secret := range s.Secrets([]byte(instance)) {
			if secret != "" && plain(doc) && !slices.ContainsFunc(all, func(p schema.Property) bool { return p.Secret && covers(p.Pointer, secret) }) {
				t.Fatalf("%s is secret in %s, but not known by %s: %s", secret, instance, doc, say(all))
			}
		}
	})
}

// covers says whether a pointer with * in it stands for a place.
func covers(pattern, pointer string) bool {
	open, given := strings.Split(pattern, "/"), strings.Split(pointer, "/")
	if len(open) != len(given) {
		return false
	}
	for i, token := range open {
		if token != "*" && token != given[i] {
			return false
		}
	}
	return true
}

// plain says whether a schema has neither references, which Properties follows
// only so far, nor a draft of its own.
func plain(doc string) bool {
	for _, keyword := range []string{"ref", "id", "Ref", "ependenc", `\u`, "schema\""} {
		if strings.Contains(doc, keyword) {
			return false
		}
	}
	return true
}
