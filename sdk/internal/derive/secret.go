package derive

import (
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// markSecrets sets writeOnly wherever a field's tag says so. The library reads
// that tag on texts only, and a secret in a map or a number would be shown.
func markSecrets(t reflect.Type, s *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s == nil {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for field := range t.Fields() {
			markField(field, s)
		}
	case reflect.Slice, reflect.Array:
		markSecrets(t.Elem(), s.Items)
	case reflect.Map:
		markSecrets(t.Elem(), s.AdditionalProperties)
	}
}

func markField(field reflect.StructField, parent *jsonschema.Schema) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" && field.Anonymous || slices.Contains(strings.Split(options, ","), "inline") {
		markSecrets(field.Type, parent)
		return
	}
	if name == "" {
		name = field.Name
	}
	if parent.Properties == nil {
		return
	}
	property, ok := parent.Properties.Get(name)
	if !ok || property == nil {
		return
	}
	if slices.Contains(strings.Split(field.Tag.Get("jsonschema"), ","), "writeOnly=true") {
		property.WriteOnly = true
	}
	markSecrets(field.Type, property)
}
