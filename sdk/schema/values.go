package schema

import (
	"fmt"
	"net/url"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// CheckValues returns an error for the first default or example in a schema that
// breaks the schema's own rules, with a JSON pointer to it. Compile doesn't look
// at them: to a validator they mean nothing, to whoever fills in a form they do.
func CheckValues(doc []byte) error {
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if _, err := Compile(doc); err != nil {
		return err
	}
	return eachValue("", tree, func(part, at string, value any) error { return checkValue(doc, tree, part, at, value) })
}

// checkValue checks a value against the part of the schema that has it.
func checkValue(doc []byte, tree any, part, at string, value any) error {
	s, err := compileAt(doc, tree, part)
	if err != nil {
		return fmt.Errorf("%s can't be checked: %w", at, err)
	}
	text, err := encode(value)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	violations := s.Validate(text)
	if len(violations) == 0 {
		return nil
	}
	place := violations[0].Pointer
	if place != "" {
		place = " at " + place
	}
	return fmt.Errorf("schema: the value at %s breaks a rule beside it%s: %s", at, place, violations[0].Message)
}

// eachValue visits the defaults and examples of a schema and of its parts. at is
// a pointer into the schema.
func eachValue(at string, schema any, visit func(part, at string, value any) error) error {
	node, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	if value, has := node["default"]; has {
		if err := visit(at, at+"/default", value); err != nil {
			return err
		}
	}
	examples, _ := node["examples"].([]any)
	for i, value := range examples {
		if err := visit(at, jsondoc.Item(at+"/examples", i), value); err != nil {
			return err
		}
	}
	for _, keyword := range jsondoc.Names(node) {
		if err := eachValueIn(jsondoc.Child(at, keyword), keyword, node[keyword], visit); err != nil {
			return err
		}
	}
	return nil
}

// eachValueIn is eachValue for what a keyword holds.
func eachValueIn(at, keyword string, held any, visit func(part, at string, value any) error) error {
	switch keyword {
	case "properties", "patternProperties", "dependentSchemas", "$defs", "definitions":
		members, _ := held.(map[string]any)
		for _, name := range jsondoc.Names(members) {
			if err := eachValue(jsondoc.Child(at, name), members[name], visit); err != nil {
				return err
			}
		}
	case "items", "prefixItems", "allOf", "anyOf", "oneOf":
		list, isList := held.([]any)
		for i, part := range list {
			if err := eachValue(jsondoc.Item(at, i), part, visit); err != nil {
				return err
			}
		}
		if !isList {
			return eachValue(at, held, visit)
		}
	case "additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems", "contains", "then", "else":
		return eachValue(at, held, visit)
	}
	return nil
}

// fragment writes a JSON pointer as the fragment of a URL.
func fragment(pointer string) string {
	u := url.URL{Fragment: pointer}
	return u.String()
}
