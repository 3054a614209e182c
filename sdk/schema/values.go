package schema

import (
	"fmt"
	"net/url"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
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
	return eachPart("", tree, func(part string, node map[string]any) error {
		if value, has := node["default"]; has {
			if err := checkValue(doc, tree, part, part+"/default", value); err != nil {
				return err
			}
		}
		examples, _ := node["examples"].([]any)
		for i, value := range examples {
			if err := checkValue(doc, tree, part, jsondoc.Item(part+"/examples", i), value); err != nil {
				return err
			}
		}
		return nil
	})
}

// CheckHints returns an error for the first x-ui in a schema that says something
// a form does not know, with a JSON pointer to it. For derives no such schema;
// one that is written by hand may have it.
func CheckHints(doc []byte) error {
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return eachPart("", tree, func(part string, node map[string]any) error {
		hints, has := node["x-ui"]
		if !has {
			return nil
		}
		if err := derive.CheckHints(hints); err != nil {
			return fmt.Errorf("schema: the x-ui at %s: %w", part, err)
		}
		return nil
	})
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

// eachPart visits a schema and its parts. at is a pointer into the schema.
func eachPart(at string, schema any, visit func(at string, node map[string]any) error) error {
	node, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	if err := visit(at, node); err != nil {
		return err
	}
	for _, keyword := range jsondoc.Names(node) {
		if err := eachPartIn(jsondoc.Child(at, keyword), keyword, node[keyword], visit); err != nil {
			return err
		}
	}
	return nil
}

// eachPartIn is eachPart for what a keyword holds.
func eachPartIn(at, keyword string, held any, visit func(at string, node map[string]any) error) error {
	switch keyword {
	case "properties", "patternProperties", "dependentSchemas", "$defs", "definitions":
		members, _ := held.(map[string]any)
		for _, name := range jsondoc.Names(members) {
			if err := eachPart(jsondoc.Child(at, name), members[name], visit); err != nil {
				return err
			}
		}
	case "items", "prefixItems", "allOf", "anyOf", "oneOf":
		list, isList := held.([]any)
		for i, part := range list {
			if err := eachPart(jsondoc.Item(at, i), part, visit); err != nil {
				return err
			}
		}
		if !isList {
			return eachPart(at, held, visit)
		}
	case "additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems", "contains", "then", "else":
		return eachPart(at, held, visit)
	}
	return nil
}

// fragment writes a JSON pointer as the fragment of a URL.
func fragment(pointer string) string {
	u := url.URL{Fragment: pointer}
	return u.String()
}
