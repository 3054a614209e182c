package derive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/invopop/jsonschema"
)

// keyHints is the keyword under which a property's hints for a form stand.
const keyHints = "x-ui"

// hints are what a form needs to know of a property beyond the rules.
type hints struct {
	Order  int    `json:"order,omitempty"`
	Group  string `json:"group,omitempty"`
	Widget string `json:"widget,omitempty"`
	Unit   string `json:"unit,omitempty"`
}

var hintNames = []string{"group", "order", "unit", "widget"}

// hint reads the tag ui.
func (d *deriver) hint(m member, s *jsonschema.Schema) {
	h, err := hintsOf(s)
	if err != nil {
		d.fault(m.path, "the %s of %s: %w", keyHints, m.Type, err)
		return
	}
	entries := split(m.tags[tagHints])
	if _, has := m.tags[tagHints]; has && len(entries) == 0 {
		d.fault(m.path, "the tag %s is empty", tagHints)
	}
	seen := map[string]bool{}
	var before pair
	for _, p := range entries {
		err := p.checkKey(hintNames, before)
		switch {
		case err != nil:
		case p.alone || p.value == "":
			err = fmt.Errorf("%s has no value; write %s=…", p.key, p.key)
		case seen[p.key]:
			err = fmt.Errorf("%s is given twice", p.key)
		default:
			err = h.set(p)
		}
		if err != nil {
			d.fault(m.path, "the tag %s: %w", tagHints, err)
		}
		seen[p.key] = true
		before = p
	}
	if h.Group == "" {
		h.Group = m.group
	}
	if h != (hints{}) {
		target{schema: s}.setExtra(keyHints, h)
	}
}

func (h *hints) set(p pair) error {
	switch p.key {
	case "group":
		h.Group = p.value
	case "unit":
		h.Unit = p.value
	case "widget":
		if !slices.Contains(widgetNames, p.value) {
			return fmt.Errorf("widget=%s: there is no such widget%s", p.value, suggest(p.value, widgetNames))
		}
		h.Widget = p.value
	case "order":
		order, err := strconv.Atoi(p.value)
		if err != nil || order < 1 {
			return fmt.Errorf("order=%s: it is not a whole number of 1 or more", p.value)
		}
		h.Order = order
	}
	return nil
}

// hintsOf returns the hints that a schema has already: those that a type gives
// all its values.
func hintsOf(s *jsonschema.Schema) (hints, error) {
	var h hints
	switch given := s.Extras[keyHints].(type) {
	case nil:
		return h, nil
	case hints:
		return given, nil
	default:
		return readHints(given)
	}
}

// readHints reads hints that somebody wrote.
func readHints(given any) (h hints, err error) {
	doc, err := json.Marshal(given)
	if err != nil {
		return h, err
	}
	strict := json.NewDecoder(bytes.NewReader(doc))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&h); err != nil {
		return h, fmt.Errorf("it is not {order, group, widget, unit}: %w", err)
	}
	if h.Order < 0 {
		return h, errors.New("its order is less than 1")
	}
	return h, nil
}

// CheckHints says what is wrong with the hints of a schema that was not derived.
func CheckHints(given any) error {
	h, err := readHints(given)
	if err != nil {
		return err
	}
	if _, known := widgets[h.Widget]; h.Widget != "" && !known {
		return fmt.Errorf("there is no widget %q%s", h.Widget, suggest(h.Widget, widgetNames))
	}
	return nil
}

// widgets are the elements that a form can show, with what each demands of the
// property: "" if it fits.
var widgets = map[string]func(s *jsonschema.Schema) string{
	"text":     needsText,
	"textarea": needsText,
	"code":     needsText,
	"datetime": needsText,
	"time":     needsText,
	"duration": needsText,
	"password": func(s *jsonschema.Schema) string {
		if !s.WriteOnly {
			return `jsonschema:"writeOnly=true", without which the value is shown everywhere else`
		}
		return needsText(s)
	},
	"number": func(s *jsonschema.Schema) string { return needsType(s, "a number", "integer", "number") },
	"slider": func(s *jsonschema.Schema) string {
		if s.Minimum == "" || s.Maximum == "" {
			return "a number with minimum and maximum"
		}
		return needsType(s, "a number", "integer", "number")
	},
	"checkbox": func(s *jsonschema.Schema) string { return needsType(s, "a truth value", "boolean") },
	"select": func(s *jsonschema.Schema) string {
		if len(s.Enum) > 0 || s.Items != nil && len(s.Items.Enum) > 0 {
			return ""
		}
		return "an enum"
	},
	"json": func(s *jsonschema.Schema) string {
		if len(typesOf(s)) == 0 {
			return ""
		}
		return needsType(s, "an object, a list or anything", "object", "array")
	},
}

var widgetNames = []string{
	"checkbox", "code", "datetime", "duration", "json", "number", "password", "select", "slider", "text", "textarea", "time",
}

// needsText is what an element for texts demands. A type that isn't known may
// be a text.
func needsText(s *jsonschema.Schema) string {
	if len(typesOf(s)) == 0 {
		return ""
	}
	return needsType(s, "a text", "string")
}

func needsType(s *jsonschema.Schema, words string, types ...string) string {
	for _, t := range typesOf(s) {
		if slices.Contains(types, t) {
			return ""
		}
	}
	return words
}

// check says what is wrong with the hints of a property.
func (h hints) check(s *jsonschema.Schema) error {
	if h.Widget != "" {
		demands, known := widgets[h.Widget]
		if !known {
			return fmt.Errorf("there is no widget %q%s", h.Widget, suggest(h.Widget, widgetNames))
		}
		if need := demands(s); need != "" {
			return fmt.Errorf("the widget %s needs %s", h.Widget, need)
		}
	}
	if h.Unit == "" {
		return nil
	}
	if h.Widget == "duration" {
		return errors.New("a duration has no unit: its text says it, and a number is in seconds")
	}
	inner := s
	for inner.Items != nil {
		inner = inner.Items
	}
	if types := typesOf(inner); len(types) == 1 && (types[0] == "boolean" || types[0] == "object") {
		return fmt.Errorf("a unit says nothing of type %s", types[0])
	}
	return nil
}
