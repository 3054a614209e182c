package derive

import (
	"errors"
	"reflect"

	"github.com/invopop/jsonschema"
)

// Member derives the schema of a struct with one field, A, of that type and tag.
// Package reflect never forgets a struct type that it has made, and grows slow by
// a hundred thousand of them.
func Member(t reflect.Type, tag string) ([]byte, error) {
	tags, err := splitTag(tag)
	if err != nil {
		return nil, err
	}
	d := deriver{fields: map[*jsonschema.Schema]string{}}
	m := member{StructField: reflect.StructField{Name: "A", Type: t}, path: "struct.A", tags: tags}
	if !d.nameOf(&m) {
		return nil, errors.Join(d.faults...)
	}
	whole := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties()}
	property := d.schemaOf(t, m.path)
	d.apply(m, property)
	whole.Properties.Set(m.name, property)
	if len(d.faults) == 0 {
		d.review(whole, "")
	}
	if len(d.faults) > 0 {
		return nil, errors.Join(d.faults...)
	}
	return marshal(whole)
}

// What the tags know, for the test that all of it is documented.
var (
	RuleNames   = ruleNames
	HintNames   = hintNames
	WidgetNames = widgetNames
	Formats     = formats
)
