package schema

import (
	"fmt"
	"reflect"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
)

// For derives the schema of T, a struct, as encoding/json reads it: a property
// for each field, in the order of the fields, by its json name, required unless
// the json tag says omitempty or omitzero; no other properties. The same T always
// gives the same text.
//
// The other tags of a field say more of its property:
//
//	jsonschema:"minimum=1,maximum=9,default=3"  keywords, with commas between them
//	jsonschema_description:"One, or the other"  the description, commas and all
//	ui:"group=Targets,unit=s"                   hints for a form, see below
//
// The keywords are title, description, default, example, enum, format, pattern,
// minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
// multipleOf, minItems, maxItems, uniqueItems=true, minProperties, maxProperties,
// deprecated=true, readOnly=true, writeOnly=true, type (of what may be anything)
// and, alone, required. Example, enum and (for a list) default can be given
// several times. A comma within a value is written as \\, and what a list or map
// can't keep itself, such as a pattern, its items or values must. A type with a
// method JSONSchema or JSONSchemaExtend says itself what it takes, or adds to it.
//
// The hints stand in the property's "x-ui": its order in a form, which is its
// place among the fields unless given; a group; a unit; and a widget where the one
// that fits the type isn't meant: text, textarea, code, password, number, slider,
// select, checkbox, datetime, time, duration, json. On an embedded struct a group
// is that of all its fields.
//
// An error is returned when T is not a struct, contains itself or has a field
// that JSON can't be read into, and for every fault in a tag, with the field and
// the remedy: an unknown key or widget, a value of the wrong kind, a default that
// breaks a rule beside it or that a required property has, a pattern that is none,
// a description that a comma has cut, a name that is there twice.
//
// All this is shown with examples in docs/authors/schema.md.
func For[T any]() ([]byte, error) {
	t := reflect.TypeFor[T]()
	doc, err := derive.Args(t)
	if err != nil {
		return nil, err
	}
	if err := CheckValues(doc); err != nil { // also of what JSONSchema and JSONSchemaExtend made of it
		return nil, fmt.Errorf("derive the schema of %s: %w", t, err)
	}
	return doc, nil
}

// OfConfig wraps the schema of args in that of a whole config, {ref, args}. The
// member args is required unless every config without it would be valid.
func OfConfig(args []byte) ([]byte, error) { return derive.Config(args) }
