package precheck

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// Instance returns an error for a decoded value that breaks one of the common
// rules of a decoded schema that passed Schema. The error names the place as a
// JSON pointer.
func Instance(schema, value any) error { return instance("", schema, value) }

func instance(at string, schema, value any) error {
	node, ok := schema.(map[string]any)
	if !ok {
		if allowed, ok := schema.(bool); ok && !allowed {
			return fail(at, "nothing is allowed here")
		}
		return nil
	}
	if _, refers := node["$ref"]; refers {
		return nil // left to the library
	}
	if err := checkValue(at, node, value); err != nil {
		return err
	}
	switch v := value.(type) {
	case map[string]any:
		return checkObject(at, node, v)
	case []any:
		return checkItems(at, node["items"], v)
	}
	return nil
}

func fail(at, message string) error {
	if at == "" {
		return fmt.Errorf("%s", message)
	}
	return fmt.Errorf("%s: %s", at, message)
}

// checkValue checks the rules that look at a value as a whole.
func checkValue(at string, node map[string]any, value any) error {
	if types := wording.Types(node); len(types) > 0 && !isOneOf(types, value) {
		return fail(at, wording.Keyword("type", node, wording.Show(value)))
	}
	if allowed, ok := node["enum"].([]any); ok && !isScalarOf(allowed, value) {
		return fail(at, wording.Keyword("enum", node, wording.Show(value)))
	}
	for _, b := range bounds {
		limit, ok := float(node[b.keyword])
		if size, applies := b.size(value); ok && applies && !b.keeps(size, limit) {
			return fail(at, wording.Keyword(b.keyword, node, wording.Show(value)))
		}
	}
	for _, keyword := range []string{"exclusiveMinimum", "exclusiveMaximum"} {
		if !keepsStrictly(keyword, node[keyword], value) {
			return fail(at, wording.Keyword(keyword, node, wording.Show(value)))
		}
	}
	text, isText := value.(string)
	if pattern, ok := node["pattern"].(string); ok && isText {
		if re, err := regexp.Compile(pattern); err == nil && !re.MatchString(text) {
			return fail(at, wording.Keyword("pattern", node, wording.Show(value)))
		}
	}
	return nil
}

func checkObject(at string, node, object map[string]any) error {
	required, _ := node["required"].([]any)
	for _, r := range required {
		if name, ok := r.(string); ok {
			if _, given := object[name]; !given {
				return fail(at, wording.Required(name))
			}
		}
	}
	properties, _ := node["properties"].(map[string]any)
	_, patterns := node["patternProperties"]
	for _, name := range jsondoc.Names(object) {
		child := jsondoc.Child(at, name)
		if schema, known := properties[name]; known {
			if err := instance(child, schema, object[name]); err != nil {
				return err
			}
			continue
		}
		rest, given := node["additionalProperties"]
		if !given || patterns {
			continue
		}
		if allowed, ok := rest.(bool); ok && !allowed {
			return fail(child, wording.Unknown(name, jsondoc.Names(properties)))
		}
		if err := instance(child, rest, object[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkItems(at string, schema any, list []any) error {
	if _, one := schema.(map[string]any); !one {
		return nil
	}
	for i, item := range list {
		if err := instance(jsondoc.Item(at, i), schema, item); err != nil {
			return err
		}
	}
	return nil
}

func isOneOf(types []string, value any) bool {
	return slices.ContainsFunc(types, func(t string) bool {
		switch v := value.(type) {
		case nil:
			return t == "null"
		case bool:
			return t == "boolean"
		case string:
			return t == "string"
		case json.Number:
			f, ok := float(v)
			return t == "number" || t == "integer" && (!ok || f == math.Trunc(f))
		case []any:
			return t == "array"
		default:
			return t == "object"
		}
	})
}

// isScalarOf says whether a text or truth value is listed. Of other values it
// makes no statement: equal numbers can be written in several ways.
func isScalarOf(allowed []any, value any) bool {
	switch value.(type) {
	case string, bool, nil:
		return slices.ContainsFunc(allowed, func(a any) bool { return reflect.DeepEqual(a, value) })
	default:
		return true
	}
}

// bound is a keyword that limits the size of a value.
type bound struct {
	keyword string
	// size returns what is limited, and whether the keyword says anything of
	// such a value.
	size  func(value any) (float64, bool)
	keeps func(size, limit float64) bool
}

var bounds = []bound{
	{"minLength", runes, atLeast},
	{"maxLength", runes, atMost},
	{"minItems", items, atLeast},
	{"maxItems", items, atMost},
	{"minimum", float, atLeast},
	{"maximum", float, atMost},
}

// keepsStrictly says whether a number keeps a bound that it may not reach. Two
// numbers that a float64 can't tell apart are equal only if they are written
// alike.
func keepsStrictly(keyword string, bound, value any) bool {
	size, ok := float(value)
	limit, given := float(bound) // up to draft 4 it is a bool
	if !ok || !given {
		return true
	}
	if size == limit {
		return bound != value
	}
	return (size > limit) == (keyword == "exclusiveMinimum")
}

func atLeast(size, limit float64) bool { return size >= limit }

func atMost(size, limit float64) bool { return size <= limit }

func runes(value any) (float64, bool) {
	text, ok := value.(string)
	return float64(utf8.RuneCountInString(text)), ok
}

func items(value any) (float64, bool) {
	list, ok := value.([]any)
	return float64(len(list)), ok
}

func float(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := number.Float64()
	return f, err == nil
}
