// Package derive makes JSON Schemas: of a config's args from the Go struct they
// are read into, and of the whole config from that of its args.
//
// A struct is read as encoding/json reads it, so that what the schema takes the
// struct can hold. A fault in a tag is an error: the author finds it when the
// plugin describes itself, not a user who meets a rule that was never there.
package derive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// Args derives the schema of a struct type. See schema.For.
func Args(t reflect.Type) (doc []byte, err error) {
	defer func() { // an author's JSONSchema or JSONSchemaExtend may panic
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("derive the schema of %s: %v", t, p)
		}
	}()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("derive the schema of %s: it is not a struct; give the schema yourself", t)
	}
	d := deriver{fields: map[*jsonschema.Schema]string{}}
	s := d.schemaOf(t, typeName(t))
	d.fields[s] = typeName(t)
	if types := typesOf(s); len(types) > 0 && !slices.Contains(types, "object") {
		d.fault(typeName(t), "it is read from a JSON %s; args are an object", types[0])
	}
	if len(d.faults) == 0 {
		d.review(s, "")
	}
	if len(d.faults) > 0 {
		return nil, fmt.Errorf("derive the schema of %s: %w", t, errors.Join(d.faults...))
	}
	s.Version = ""
	doc, err = json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("derive the schema of %s: %w", t, err)
	}
	return doc, nil
}

// deriver derives one schema.
type deriver struct {
	stack  []reflect.Type                // the types around the one at hand
	fields map[*jsonschema.Schema]string // the Go names of the fields that properties are of
	faults []error
}

// fault notes what is wrong with what is at a place in the Go source.
func (d *deriver) fault(at, format string, args ...any) {
	d.faults = append(d.faults, fmt.Errorf("%s: %w", at, fmt.Errorf(format, args...)))
}

// enter notes that a type is being derived, unless it is already: then it
// contains itself, and to follow it would never end.
func (d *deriver) enter(t reflect.Type, at string) bool {
	if slices.Contains(d.stack, t) {
		d.fault(at, "%s contains itself; give the schema yourself", t)
		return false
	}
	d.stack = append(d.stack, t)
	return true
}

func (d *deriver) leave() { d.stack = d.stack[:len(d.stack)-1] }

// typeName is the name by which faults call a type.
func typeName(t reflect.Type) string {
	if t.Name() == "" {
		return t.Kind().String()
	}
	return t.Name()
}

// marshal writes compact JSON without escaping <, > and &.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
