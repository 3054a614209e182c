package jsondoc_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// FuzzDecode checks that exactly the texts are read that are one JSON document,
// and that every pointer built on the way down leads to what it was built for.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"a":{"~1/":[1,{"":null}]},"":0}`, `[1e999,-0,""]`, `{"a":1}{}`, `{"a":1,"a":2}`, ` "\ud800" `, `nul`, ``, "\ufeff{}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := jsondoc.Decode(text)
		if json.Valid(text) != (err == nil) {
			t.Fatalf("Decode(%q): %v, but valid: %t", text, err, json.Valid(text))
		}
		if err == nil {
			expectReachable(t, doc, "", doc)
		}
	})
}

func expectReachable(t *testing.T, doc any, pointer string, value any) {
	t.Helper()
	if got, ok := jsondoc.At(doc, pointer); !ok || !reflect.DeepEqual(got, value) {
		t.Fatalf("At(%q) = %v, %t; want %v", pointer, got, ok, value)
	}
	switch parent := value.(type) {
	case map[string]any:
		for _, name := range jsondoc.Names(parent) {
			expectReachable(t, doc, jsondoc.Child(pointer, name), parent[name])
		}
	case []any:
		for i, item := range parent {
			expectReachable(t, doc, jsondoc.Item(pointer, i), item)
		}
	}
}

// FuzzPointer checks that any text can be asked for, and that the tokens of a
// pointer make the pointer again.
func FuzzPointer(f *testing.F) {
	for _, pointer := range []string{"", "/", "/a/0/~0~1", "a", "/01", "/-1", "/+1", "//", "/99999999999999999999", "/~2"} {
		f.Add(pointer)
	}
	doc, err := jsondoc.Decode([]byte(`{"a":[{"~/":1},2],"":{"":3}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pointer string) {
		value, ok := jsondoc.At(doc, pointer)
		if ok && value == nil {
			t.Fatalf("At(%q) finds nothing", pointer)
		}
		again := ""
		for _, token := range jsondoc.Tokens(pointer) {
			again = jsondoc.Child(again, token)
		}
		wellFormed := pointer == "" || strings.HasPrefix(pointer, "/") &&
			strings.Count(pointer, "~") == strings.Count(pointer, "~0")+strings.Count(pointer, "~1")
		if wellFormed && again != pointer {
			t.Fatalf("%q is read as %q", pointer, again)
		}
	})
}
