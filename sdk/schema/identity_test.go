package schema_test

import (
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// Each of the refused ones would fill the library's stack, or could not be
// looked up by it.
func TestCompileIdentity(t *testing.T) {
	for doc, refused := range map[string]bool{
		`{"$id":"?"}`:                           true,
		`{"$id":"?#"}`:                          true,
		`{"$id":"HTTPS://schema.invalid/"}`:     true,
		`{"$id":"https://schema.invalid/a/.."}`: true,
		`{"$schema":"http://json-schema.org/draft-04/schema#","id":"?"}`: true,
		`{"$id":"https://a.example/b","items":{"$ref":"#"}}`:             false,
		`{"$id":"a/b","$defs":{"c":{}},"items":{"$ref":"b#/$defs/c"}}`:   false,
		`{"$id":"urn:a:b","items":{"$ref":"#"}}`:                         false,
		`{"$id":"#a"}`:                                                   true, // not allowed by the draft
		`{"id":"?"}`:                                                     false,
		`{"$id":""}`:                                                     false,
	} {
		_, err := schema.Compile([]byte(doc))
		if (err != nil) != refused {
			t.Errorf("%s: %v", doc, err)
		}
	}
	_, err := schema.Compile([]byte(`{"$id":"?"}`))
	const want = `schema: /$id is not a URI in its normal form: "?"; write it like https://example.com/schema, or leave it out`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}
