package derive

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// target is what a tag speaks of: a schema, and the Go type that its values are
// read into.
type target struct {
	schema *jsonschema.Schema
	holder reflect.Type
}

// name is the name of the Go type.
func (t target) name() string {
	return strings.ReplaceAll(t.holder.String(), "interface {}", "any")
}

func (t target) setExtra(key string, value any) {
	if t.schema.Extras == nil {
		t.schema.Extras = map[string]any{}
	}
	t.schema.Extras[key] = value
}

// typesOf returns the JSON types that a schema names.
func typesOf(s *jsonschema.Schema) []string {
	if s.Type != "" {
		return []string{s.Type}
	}
	switch types := s.Extras["type"].(type) {
	case []string:
		return types
	case string:
		return []string{types}
	}
	return nil
}

// isOf says whether the values are all of one of these types.
func (t target) isOf(types ...string) bool {
	own := typesOf(t.schema)
	return len(own) > 0 && !slices.ContainsFunc(own, func(o string) bool { return !slices.Contains(types, o) })
}

// inner returns the target of a list's items or of a map's values.
func (t target) inner() (target, bool) {
	holder := t.holder
	for holder.Kind() == reflect.Pointer {
		holder = holder.Elem()
	}
	switch s := t.schema; {
	case s.Items != nil && (holder.Kind() == reflect.Slice || holder.Kind() == reflect.Array):
		s.Items = own(s.Items)
		return target{s.Items, holder.Elem()}, true
	case holder.Kind() == reflect.Map && s.AdditionalProperties != nil && s.AdditionalProperties != jsonschema.FalseSchema:
		s.AdditionalProperties = own(s.AdditionalProperties)
		return target{s.AdditionalProperties, holder.Elem()}, true
	}
	return target{}, false
}

// rule is a keyword of the tag jsonschema.
type rule struct {
	types []string // of the values that it says something of; none: of all
	put   func(t target, value string) error
}

var (
	texts   = []string{"string"}
	numbers = []string{"integer", "number"}
	lists   = []string{"array"}
	objects = []string{"object"}
)

var rules = map[string]rule{
	"title":       {nil, func(t target, v string) error { t.schema.Title = v; return nil }},
	"description": {nil, func(t target, v string) error { t.schema.Description = v; return nil }},
	"type":        {nil, target.putType},
	"default":     {nil, target.putDefault},
	"example":     {nil, target.putExample},
	"enum":        {nil, target.putEnum},
	"deprecated":  {nil, func(t target, v string) error { return putBool(&t.schema.Deprecated, v) }},
	"readOnly":    {nil, func(t target, v string) error { return putBool(&t.schema.ReadOnly, v) }},
	"writeOnly":   {nil, func(t target, v string) error { return putBool(&t.schema.WriteOnly, v) }},

	"minLength": {texts, func(t target, v string) error { return putSize(&t.schema.MinLength, v) }},
	"maxLength": {texts, func(t target, v string) error { return putSize(&t.schema.MaxLength, v) }},
	"pattern":   {texts, target.putPattern},
	"format":    {texts, target.putFormat},

	"minimum":          {numbers, func(t target, v string) error { return t.putBound(&t.schema.Minimum, v) }},
	"maximum":          {numbers, func(t target, v string) error { return t.putBound(&t.schema.Maximum, v) }},
	"exclusiveMinimum": {numbers, func(t target, v string) error { return t.putBound(&t.schema.ExclusiveMinimum, v) }},
	"exclusiveMaximum": {numbers, func(t target, v string) error { return t.putBound(&t.schema.ExclusiveMaximum, v) }},
	"multipleOf":       {numbers, target.putMultipleOf},

	"minItems":    {lists, func(t target, v string) error { return putSize(&t.schema.MinItems, v) }},
	"maxItems":    {lists, func(t target, v string) error { return putSize(&t.schema.MaxItems, v) }},
	"uniqueItems": {lists, func(t target, v string) error { return putBool(&t.schema.UniqueItems, v) }},

	"minProperties": {objects, func(t target, v string) error { return putSize(&t.schema.MinProperties, v) }},
	"maxProperties": {objects, func(t target, v string) error { return putSize(&t.schema.MaxProperties, v) }},
}

// ruleNames are the keys of the tag jsonschema.
var ruleNames = append(jsondoc.Names(rules), "required")

// put puts one entry of a tag into the schema, or into that of the items or
// values if that is what it can speak of.
func (t target) put(p pair) error {
	r := rules[p.key]
	if len(r.types) == 0 || t.isOf(r.types...) {
		return wrap(p, r.put(t, p.value))
	}
	if inner, ok := t.inner(); ok && inner.isOf(r.types...) {
		return wrap(p, r.put(inner, p.value))
	}
	switch types := typesOf(t.schema); {
	case len(types) == 0:
		return fmt.Errorf("%s says nothing of %s, whose type in JSON isn't known; give it by type=…, or set it by a method JSONSchema", p.key, t.name())
	case len(types) > 1:
		return fmt.Errorf("%s does not fit %s, which is %s: one of them would pass; check it in Check",
			p.key, t.name(), strings.Join(types, " or "))
	default:
		return fmt.Errorf("%s says nothing of %s, only of %s", p.key, t.name(), strings.Join(r.types, " or "))
	}
}

func wrap(p pair, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s=%s: %w", p.key, p.value, err)
}

func putBool(into *bool, value string) error {
	switch value {
	case "true", "false":
		*into = value == "true"
		return nil
	default:
		return errors.New("it is neither true nor false")
	}
}

func putSize(into **uint64, value string) error {
	size, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return errors.New("it is not a whole number of 0 or more")
	}
	*into = &size
	return nil
}

func (t target) putPattern(value string) error {
	if _, err := regexp.Compile(value); err != nil {
		return fmt.Errorf("it is not a regular expression in RE2's syntax: %w", err)
	}
	t.schema.Pattern = value
	return nil
}

// typeNames are the types that the tag can give a value that may be anything.
var typeNames = []string{"array", "boolean", "integer", "number", "object", "string"}

func (t target) putType(value string) error {
	if len(typesOf(t.schema)) > 0 {
		return fmt.Errorf("the type of %s is known", t.name())
	}
	if !slices.Contains(typeNames, value) {
		return fmt.Errorf("it is not a type%s", suggest(value, typeNames))
	}
	t.schema.Type = value
	return nil
}
