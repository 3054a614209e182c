package derive

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// apply puts into the schema of a member what its tags say, and returns whether
// the member is required.
func (d *deriver) apply(m member, s *jsonschema.Schema) (required bool) {
	whole := target{schema: s, holder: m.Type}
	if m.quoted && !d.quote(m, &whole) {
		return false
	}
	before := len(d.faults)
	entries := split(m.tags[tagRules])
	required = !m.optional
	for i, p := range entries {
		if p.key == "required" && p.alone {
			required = true
			continue
		}
		if err := p.checkRule(entries, i); err != nil {
			d.fault(m.path, "the tag %s: %w", tagRules, err)
		}
	}
	d.describe(m, s)
	d.applyExtras(m, whole)
	d.hint(m, s)
	if len(d.faults) > before {
		return required // what follows would only repeat it
	}
	slices.SortStableFunc(entries, func(a, b pair) int { return rank(a) - rank(b) })
	for _, p := range entries {
		if p.key == "required" {
			continue
		}
		if err := whole.put(p); err != nil {
			d.fault(m.path, "the tag %s: %w", tagRules, err)
		}
	}
	if required && s.Default != nil {
		d.fault(m.path, `it is required, so its default says nothing; add omitempty to its json tag, or take the default away`)
	}
	return required
}

// rank puts the type of a value first: what else is said depends on it.
func rank(p pair) int {
	if p.key == "type" {
		return 0
	}
	return 1
}

// checkRule refuses an entry of the tag jsonschema that can't be one.
func (p pair) checkRule(all []pair, i int) error {
	var before pair
	if i > 0 {
		before = all[i-1]
	}
	if err := p.checkKey(ruleNames, before); err != nil {
		return err
	}
	repeated := slices.ContainsFunc(all[:i], func(o pair) bool { return o.key == p.key })
	switch {
	case p.key == "required":
		return errors.New("required has no value; write it alone")
	case p.alone:
		return fmt.Errorf("%s has no value; write %s=…", p.key, p.key)
	case p.value == "" && p.key != "default" && p.key != "enum" && p.key != "example":
		return fmt.Errorf("%s has an empty value", p.key)
	case repeated && !slices.Contains([]string{"default", "enum", "example"}, p.key):
		return fmt.Errorf("%s is given twice", p.key)
	}
	return nil
}

// quote makes the schema that of a text with a number or a truth value in it.
func (d *deriver) quote(m member, whole *target) bool {
	if !whole.isOf("integer", "number", "boolean") {
		d.fault(m.path, "the tag json: the option string is for numbers and truth values")
		return false
	}
	*whole.schema = jsonschema.Schema{Type: "string"}
	whole.holder = reflect.TypeFor[string]()
	return true
}

// describe reads the tag jsonschema_description, in which commas are commas.
func (d *deriver) describe(m member, s *jsonschema.Schema) {
	text, has := m.tags[tagDescription]
	if !has {
		return
	}
	if strings.TrimSpace(text) == "" {
		d.fault(m.path, "the tag %s is empty", tagDescription)
	}
	if slices.ContainsFunc(split(m.tags[tagRules]), func(p pair) bool { return p.key == "description" }) {
		d.fault(m.path, "its description is given twice, in the tags %s and %s", tagRules, tagDescription)
	}
	s.Description = text
}

// applyExtras reads the tag jsonschema_extras, for keywords beyond the draft.
func (d *deriver) applyExtras(m member, whole target) {
	for _, p := range split(m.tags[tagExtras]) {
		switch {
		case p.alone:
			d.fault(m.path, "the tag %s: %s has no value", tagExtras, p.key)
		case p.key == "default":
			if err := whole.put(p); err != nil {
				d.fault(m.path, "the tag %s: %w", tagExtras, err)
			}
		case p.key == keyHints:
			d.fault(m.path, "the tag %s: write %s with the tag %s", tagExtras, keyHints, tagHints)
		case strings.HasPrefix(p.key, "x-"):
			whole.setExtra(p.key, p.value)
		default:
			d.fault(m.path, "the tag %s: unknown key %q: it is for keywords that begin with x-; the others go into the tag %s", tagExtras, p.key, tagRules)
		}
	}
}
