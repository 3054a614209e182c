package schema

import (
	"fmt"
	"net/url"
	"strings"
)

// checkIdentity refuses a schema whose $id is not in its normal form, such as
// "?" or "https://a.example/b/../c". The library resolves references against it,
// which normalises it, and does not know the schema by what comes out. When that
// happens to be address, it looks the schema up there, again and again, until
// the stack is full, and takes the process with it.
func checkIdentity(tree any) error {
	node, _ := tree.(map[string]any)
	keyword := "$id"
	if draft, _ := node["$schema"].(string); strings.Contains(draft, "json-schema.org/draft-04/") {
		keyword = "id"
	}
	text, _ := node[keyword].(string)
	id, _, _ := strings.Cut(text, "#")
	if id == "" || strings.HasPrefix(id, "urn:") { // these are not resolved
		return nil
	}
	normal, err := isNormal(id)
	if err != nil {
		return fmt.Errorf("/%s is not a URI: %w", keyword, err)
	}
	if !normal {
		return fmt.Errorf("/%s is not a URI in its normal form: %.80q; write it like https://example.com/schema, or leave it out", keyword, id)
	}
	return nil
}

// isNormal says whether an id, made absolute, stays as it is when the empty
// reference is resolved against it.
func isNormal(id string) (bool, error) {
	base, err := url.Parse(address)
	if err != nil {
		return false, err
	}
	parsed, err := url.Parse(id)
	if err != nil {
		return false, err
	}
	if !parsed.IsAbs() {
		id = base.ResolveReference(parsed).String()
		if parsed, err = url.Parse(id); err != nil {
			return false, err
		}
	}
	return parsed.ResolveReference(&url.URL{}).String() == id, nil
}
