package derive

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
)

// review goes through a schema when the author's own methods have changed what
// they like: it gives every property its order, and looks for what contradicts
// itself. at is a JSON pointer into an instance.
func (d *deriver) review(s *jsonschema.Schema, at string) {
	if s == nil || s == jsonschema.TrueSchema || s == jsonschema.FalseSchema {
		return
	}
	name := d.fields[s]
	if name == "" {
		name = at
	}
	if err := checkValues(s); err != nil {
		d.fault(name, "%w", err)
	}
	if err := checkBounds(s); err != nil {
		d.fault(name, "%w", err)
	}
	d.order(s, at)
	for _, inner := range []*jsonschema.Schema{s.Items, s.AdditionalProperties} {
		d.review(inner, jsondoc.Child(at, "*"))
	}
	for _, pattern := range jsondoc.Names(s.PatternProperties) {
		d.review(s.PatternProperties[pattern], jsondoc.Child(at, "*"))
	}
	for _, alternatives := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, one := range alternatives {
			d.review(one, at)
		}
	}
}

// order numbers the properties of an object: those that say their order keep it,
// the others fill what is free, as they stand.
func (d *deriver) order(s *jsonschema.Schema, at string) {
	if s.Properties == nil {
		return
	}
	taken := map[int]string{}
	all := map[string]hints{}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		if p.Value == nil || p.Value == jsonschema.TrueSchema {
			p.Value = &jsonschema.Schema{}
		}
		if p.Value == jsonschema.FalseSchema {
			continue
		}
		h, err := d.hintsFor(p.Value, taken, p.Key)
		if err != nil {
			name := d.fields[p.Value]
			if name == "" {
				name = jsondoc.Child(at, p.Key)
			}
			d.fault(name, "%w", err)
		}
		all[p.Key] = h
	}
	next := 1
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		h, numbered := all[p.Key]
		if !numbered {
			continue
		}
		for h.Order == 0 {
			if _, used := taken[next]; !used {
				h.Order = next
			}
			next++
		}
		target{schema: p.Value}.setExtra(keyHints, h)
		d.review(p.Value, jsondoc.Child(at, p.Key))
	}
}

func (d *deriver) hintsFor(s *jsonschema.Schema, taken map[int]string, name string) (hints, error) {
	h, err := hintsOf(s)
	if err != nil {
		return h, fmt.Errorf("its %s: %w", keyHints, err)
	}
	if err := h.check(s); err != nil {
		return h, err
	}
	if h.Order == 0 {
		return h, nil
	}
	if other, used := taken[h.Order]; used {
		return h, fmt.Errorf("its order %d is that of %q too", h.Order, other)
	}
	taken[h.Order] = name
	return h, nil
}

// checkValues sees that the values which a schema itself gives keep its rules.
func checkValues(s *jsonschema.Schema) error {
	if s.WriteOnly && (s.Default != nil || len(s.Examples) > 0 || len(s.Enum) > 0) {
		return errors.New("it is writeOnly, but everybody may read a schema; take its default, example and enum away")
	}
	if s.Default == nil && len(s.Examples) == 0 && len(s.Enum) == 0 {
		return nil
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return err
	}
	node, _ := tree.(map[string]any)
	check := func(what string, value any) error {
		if err := precheck.Instance(node, value); err != nil {
			return fmt.Errorf("the %s breaks a rule beside it: %w", what, err)
		}
		return checkFormat(what, s.Format, value)
	}
	if value, has := node["default"]; has {
		if err := check("default", value); err != nil {
			return err
		}
	}
	for keyword, what := range map[string]string{"examples": "example", "enum": "enum"} {
		values, _ := node[keyword].([]any)
		for _, value := range values {
			if err := check(what, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFormat(what, format string, value any) error {
	text, isText := value.(string)
	check := formats[format]
	if !isText || check == nil {
		return nil
	}
	if err := check(text); err != nil {
		return fmt.Errorf("the %s %q is not a valid %s: %w", what, text, format, err)
	}
	return nil
}

// checkBounds sees that a value can be between the bounds.
func checkBounds(s *jsonschema.Schema) error {
	for _, b := range []struct {
		least, most *uint64
		what        string
	}{
		{s.MinLength, s.MaxLength, "Length"}, {s.MinItems, s.MaxItems, "Items"}, {s.MinProperties, s.MaxProperties, "Properties"},
	} {
		if b.least != nil && b.most != nil && *b.least > *b.most {
			return fmt.Errorf("no value can keep both min%s=%d and max%s=%d", b.what, *b.least, b.what, *b.most)
		}
	}
	for _, b := range []struct {
		least, most  json.Number
		lower, upper string
		exclusive    bool
	}{
		{s.Minimum, s.Maximum, "minimum", "maximum", false},
		{s.ExclusiveMinimum, s.Maximum, "exclusiveMinimum", "maximum", true},
		{s.Minimum, s.ExclusiveMaximum, "minimum", "exclusiveMaximum", true},
		{s.ExclusiveMinimum, s.ExclusiveMaximum, "exclusiveMinimum", "exclusiveMaximum", true},
	} {
		least, errLeast := b.least.Float64()
		most, errMost := b.most.Float64()
		if errLeast != nil || errMost != nil {
			continue // one of them isn't set
		}
		if least > most || b.exclusive && least == most {
			return fmt.Errorf("no value can keep both %s=%s and %s=%s", b.lower, b.least, b.upper, b.most)
		}
	}
	return nil
}
