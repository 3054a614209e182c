package derive

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
)

// value reads a value that a tag gives: as it stands where a text is meant, as
// JSON otherwise. It must be one that the Go type can hold.
func (t target) value(text string) (any, error) {
	types := typesOf(t.schema)
	value, err := t.decode(text, types)
	if err != nil {
		return nil, err
	}
	doc, err := marshal(value)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(doc, reflect.New(t.holder).Interface()); err != nil {
		return nil, fmt.Errorf("it can't be read into %s: %w", t.name(), err)
	}
	return value, nil
}

func (t target) decode(text string, types []string) (any, error) {
	if len(types) == 1 && types[0] == "string" {
		return text, nil
	}
	named := make([]any, len(types))
	for i, name := range types {
		named[i] = name
	}
	node := map[string]any{}
	if len(types) > 0 {
		node["type"] = named
	}
	value, err := jsondoc.Decode([]byte(text))
	if err == nil {
		err = precheck.Instance(node, value)
	}
	switch {
	case err == nil:
		return value, nil
	case slices.Contains(types, "string"):
		return text, nil
	case len(types) == 0:
		return nil, fmt.Errorf(`it is not JSON; write a text with quotes, \"%s\"`, text)
	default:
		return nil, fmt.Errorf("it is not of type %v in JSON", types[0])
	}
}

// putDefault sets the default, which for a list can also be given item by item.
func (t target) putDefault(text string) error {
	value, err := t.value(text)
	inner, hasInner := t.inner()
	if err != nil && hasInner && t.isOf("array") {
		item, itemErr := inner.value(text)
		if itemErr != nil {
			return itemErr
		}
		items, _ := t.schema.Default.([]any)
		t.schema.Default = append(items, item)
		return nil
	}
	if err != nil {
		return err
	}
	if t.schema.Default != nil {
		return errors.New("there is a default already")
	}
	if value == nil {
		return errors.New("null is no default; leave it out")
	}
	t.schema.Default = value
	return nil
}

// putExample adds an example, of the whole or of an item of it.
func (t target) putExample(text string) error {
	value, err := t.value(text)
	if err == nil {
		t.schema.Examples = append(slices.Clip(t.schema.Examples), value)
		return nil
	}
	if inner, ok := t.inner(); ok {
		return inner.putExample(text)
	}
	return err
}

// putEnum adds an allowed value, of the items if it is a list of them.
func (t target) putEnum(text string) error {
	if inner, ok := t.inner(); ok {
		return inner.putEnum(text)
	}
	value, err := t.value(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.schema.Enum, func(known any) bool { return reflect.DeepEqual(known, value) }) {
		return errors.New("it is listed twice")
	}
	t.schema.Enum = append(slices.Clip(t.schema.Enum), value)
	return nil
}

var errNoNumber = errors.New("it is not a number")

// number reads a number that both JSON and a float64 can hold.
func number(text string) (json.Number, error) {
	value, err := jsondoc.Decode([]byte(text))
	n, ok := value.(json.Number)
	if err != nil || !ok {
		return "", errNoNumber
	}
	if f, err := n.Float64(); err != nil || math.IsInf(f, 0) {
		return "", errNoNumber
	}
	return n, nil
}

// putBound sets a bound, which the Go type must be able to hold: what it can't
// is not given anyway.
func (t target) putBound(into *json.Number, text string) error {
	n, err := number(text)
	if err != nil {
		return err
	}
	if _, err := t.value(text); err != nil {
		return err
	}
	*into = n
	return nil
}

func (t target) putMultipleOf(text string) error {
	n, err := number(text)
	if err != nil {
		return err
	}
	if f, err := n.Float64(); err != nil || f <= 0 {
		return errors.New("it is not more than 0")
	}
	t.schema.MultipleOf = n
	return nil
}

// formats are those that the host asserts. A value that a tag gives is looked
// at here where package time and its like can.
var formats = map[string]func(text string) error{
	"date-time":             func(text string) error { _, err := time.Parse(time.RFC3339, text); return err },
	"date":                  func(text string) error { _, err := time.Parse(time.DateOnly, text); return err },
	"time":                  nil,
	"duration":              nil,
	"email":                 nil,
	"hostname":              nil,
	"ipv4":                  func(text string) error { _, err := netip.ParseAddr(text); return err },
	"ipv6":                  func(text string) error { _, err := netip.ParseAddr(text); return err },
	"uri":                   isURI,
	"uri-reference":         nil,
	"uri-template":          nil,
	"iri":                   isURI,
	"iri-reference":         nil,
	"uuid":                  nil,
	"json-pointer":          nil,
	"relative-json-pointer": nil,
	"regex":                 nil,
}

func isURI(text string) error {
	u, err := url.Parse(text)
	if err == nil && !u.IsAbs() {
		err = errors.New("it is not absolute")
	}
	return err
}

func (t target) putFormat(value string) error {
	if _, known := formats[value]; known {
		t.schema.Format = value
		return nil
	}
	if value == "password" {
		return errors.New("a format doesn't keep a secret; write writeOnly=true")
	}
	return fmt.Errorf("it is not a format that is checked%s", suggest(value, jsondoc.Names(formats)))
}
