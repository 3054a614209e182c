// Package precheck finds mistakes in a schema and in examples without the
// schema library, whose start-up costs every process that links it about 2.5 ms
// and a megabyte. A plugin checks its own offer with it; the host, which has the
// library, has the last word.
//
// It is sound, not complete: what it refuses the library refuses too, while
// keywords that it does not know pass.
package precheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// Schema returns an error for a decoded schema that has one of the mistakes
// that hand-written schemas have: a keyword whose value is of the wrong kind, a
// pattern that does not compile, a type that does not exist. The error names
// the place as a JSON pointer and says how to mend it.
func Schema(doc any) error { return checkSchema("", doc) }

func checkSchema(at string, doc any) error {
	node, ok := doc.(map[string]any)
	if !ok {
		if _, ok := doc.(bool); ok {
			return nil
		}
		return misplaced(at, doc)
	}
	for _, keyword := range jsondoc.Names(node) {
		if err := checkKeyword(jsondoc.Child(at, keyword), keyword, node[keyword]); err != nil {
			return err
		}
	}
	return nil
}

// misplaced explains a value where a schema belongs. The usual reason is a
// "required" that slipped into "properties".
func misplaced(at string, doc any) error {
	if strings.HasSuffix(at, "/properties/required") {
		return fmt.Errorf(`%s is not a schema but %s; "required" belongs beside "properties", not inside`, at, wording.Show(doc))
	}
	if at == "" {
		at = "a schema"
	}
	return fmt.Errorf("%s must be an object, but is %s", at, wording.Show(doc))
}

func checkKeyword(at, keyword string, value any) error {
	switch keyword {
	case "required":
		return checkRequired(at, value)
	case "type":
		return checkTypes(at, value)
	case "pattern":
		return checkPattern(at, value)
	case "enum":
		if _, ok := value.([]any); !ok {
			return fmt.Errorf("%s must be a list of the allowed values, not %s", at, wording.Show(value))
		}
	case "properties", "$defs", "patternProperties":
		return checkMembers(at, keyword, value)
	case "additionalProperties", "not", "propertyNames", "contains":
		return checkSchema(at, value)
	case "items":
		if list, ok := value.([]any); ok { // up to draft 2019-09
			return checkList(at, list)
		}
		return checkSchema(at, value)
	case "allOf", "anyOf", "oneOf":
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s must be a list of schemas, not %s", at, wording.Show(value))
		}
		return checkList(at, list)
	}
	return nil
}

func checkRequired(at string, value any) error {
	names, ok := value.([]any)
	if !ok {
		if _, isBool := value.(bool); isBool {
			return fmt.Errorf("%s must be a list of names, not %s; name the property where it is listed instead: "+
				`"required": [%q] beside the "properties" around it`, at, wording.Show(value), ownerOf(at))
		}
		return fmt.Errorf("%s must be a list of names, not %s", at, wording.Show(value))
	}
	for _, name := range names {
		if _, ok := name.(string); !ok {
			return fmt.Errorf("%s must be a list of names, and %s is none", at, wording.Show(name))
		}
	}
	return nil
}

// ownerOf returns the name of the property whose keyword is at the pointer.
func ownerOf(at string) string {
	tokens := jsondoc.Tokens(at)
	if len(tokens) < 2 {
		return "name"
	}
	return tokens[len(tokens)-2]
}

var typeNames = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func checkTypes(at string, value any) error {
	types := wording.Types(map[string]any{"type": value})
	if list, ok := value.([]any); len(types) == 0 || ok && len(list) != len(types) {
		return fmt.Errorf("%s must be the name of a type or a list of them, not %s", at, wording.Show(value))
	}
	for _, t := range types {
		if !slices.Contains(typeNames, t) {
			return fmt.Errorf("%s: %s is not a type; types are %s", at, wording.Quote(t), strings.Join(typeNames, ", "))
		}
	}
	return nil
}

func checkPattern(at string, value any) error {
	pattern, ok := value.(string)
	if !ok {
		return fmt.Errorf("%s must be a regular expression, not %s", at, wording.Show(value))
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return fmt.Errorf("%s is not a regular expression in RE2's syntax: %w", at, err)
	}
	return nil
}

func checkMembers(at, keyword string, value any) error {
	members, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be an object with a schema under each name, not %s", at, wording.Show(value))
	}
	for _, name := range jsondoc.Names(members) {
		if keyword == "patternProperties" {
			if err := checkPattern(jsondoc.Child(at, name), name); err != nil {
				return err
			}
		}
		if err := checkSchema(jsondoc.Child(at, name), members[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkList(at string, schemas []any) error {
	for i, one := range schemas {
		if err := checkSchema(jsondoc.Item(at, i), one); err != nil {
			return err
		}
	}
	return nil
}
