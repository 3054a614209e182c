package schema

import (
	"reflect"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
)

// For derives the schema of T, a struct, from its fields and their tags: a
// property for each field by its json name, required unless the tag says
// omitempty or omitzero, no other properties. The jsonschema tag adds title,
// description, enum, default, example, format, minimum, maximum, minLength,
// pattern, writeOnly=true, and so on. The same T always gives the same text.
//
// An error is returned when T is not a struct, contains itself, or has a field
// that JSON can't hold.
func For[T any]() ([]byte, error) { return derive.Args(reflect.TypeFor[T]()) }

// OfConfig wraps the schema of args in that of a whole config, {ref, args}. The
// member args is required unless every config without it would be valid.
func OfConfig(args []byte) ([]byte, error) { return derive.Config(args) }
