package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// Replace returns doc with each value that a pointer names replaced by what
// with returns for it. Pointers that name nothing are skipped; when none names
// anything, doc comes back as it is. Otherwise members come out sorted by name.
// An error is returned when doc, or what with returned, is not JSON.
func Replace(doc []byte, pointers []string, with func(pointer string, value json.RawMessage) json.RawMessage) ([]byte, error) {
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return nil, fmt.Errorf("replace values: %w", err)
	}
	replaced := false
	for _, pointer := range pointers {
		old, ok := jsondoc.At(tree, pointer)
		if !ok {
			continue
		}
		text, err := encode(old)
		if err != nil {
			return nil, fmt.Errorf("replace value at %q: %w", pointer, err)
		}
		value, err := jsondoc.Decode(with(pointer, text))
		if err != nil {
			return nil, fmt.Errorf("replace value at %q: new value: %w", pointer, err)
		}
		tree = set(tree, jsondoc.Tokens(pointer), value)
		replaced = true
	}
	if !replaced {
		return doc, nil
	}
	return encode(tree)
}

// set puts a value where the tokens lead and returns the tree. The place is
// known to exist.
func set(tree any, tokens []string, value any) any {
	if len(tokens) == 0 {
		return value
	}
	switch parent := tree.(type) {
	case map[string]any:
		parent[tokens[0]] = set(parent[tokens[0]], tokens[1:], value)
	case []any:
		if i, err := strconv.Atoi(tokens[0]); err == nil {
			parent[i] = set(parent[i], tokens[1:], value)
		}
	}
	return tree
}

// encode writes JSON without escaping <, > and &.
func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
