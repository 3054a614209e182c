// Package derive makes JSON Schemas: of a config's args from the Go struct they
// are read into, and of the whole config from that of its args.
package derive

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// Args derives the schema of a struct type. See schema.For.
func Args(t reflect.Type) (doc []byte, err error) {
	defer func() { // the library panics on types that JSON can't hold
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("derive the schema of %s: %v", t, p)
		}
	}()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("derive the schema of %s: it is not a struct; give the schema yourself", t)
	}
	if cycle := findCycle(t, nil); cycle != nil {
		return nil, fmt.Errorf("derive the schema of %s: %s contains itself; give the schema yourself", t, cycle)
	}
	reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	s := reflector.ReflectFromType(t)
	s.Version = ""
	markSecrets(t, s)
	doc, err = json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("derive the schema of %s: %w", t, err)
	}
	return doc, nil
}

// findCycle returns a type that contains itself; the library would follow it
// until the stack is full.
func findCycle(t reflect.Type, path []reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if t.Name() == "" {
			return findCycle(t.Elem(), path)
		}
		// A named type can contain itself without any struct.
	case reflect.Struct:
	default:
		return nil
	}
	if slices.Contains(path, t) {
		return t
	}
	path = append(path, t)
	if t.Kind() != reflect.Struct {
		return findCycle(t.Elem(), path)
	}
	for field := range t.Fields() {
		if field.IsExported() || field.Anonymous {
			if cycle := findCycle(field.Type, path); cycle != nil {
				return cycle
			}
		}
	}
	return nil
}

// errNoObject is returned when the args' schema is neither an object nor true.
var errNoObject = errors.New("the schema of args must be a JSON object")
