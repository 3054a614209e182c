package docs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

// deepest is how far objects within objects are shown; what is further inside is
// named by its type alone.
const deepest = 5

// shape reads a schema.
func (r reader) shape(schema *openapi.Object, depth int) shape {
	s := shape{Type: typeOf(schema), Bounds: bounds(schema), Description: prose(schema.Text("description"))}
	s.refer(schema)
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		list := schema.List(keyword)
		for _, v := range list {
			if part, ok := v.(*openapi.Object); ok {
				s.refer(part)
				s.Fields = append(s.Fields, r.fields(part, depth)...)
			}
		}
		if len(list) > 1 && len(s.Links) > 1 {
			s.Type = strings.TrimSpace(s.Type + " " + map[string]string{"allOf": "all of", "anyOf": "any of", "oneOf": "one of"}[keyword])
		}
	}
	s.Fields = append(s.Fields, r.fields(schema, depth)...)
	if items := schema.Object("items"); items != nil {
		inner := r.shape(items, depth)
		s.Type = strings.TrimSpace(s.Type + " of " + inner.Type)
		s.Links = append(s.Links, inner.Links...)
		s.Fields = append(s.Fields, inner.Fields...)
		if s.Bounds == "" {
			s.Bounds = inner.Bounds
		}
	}
	if s.Type == "" && len(s.Links) == 0 {
		s.Type = "anything"
	}
	return s
}

// refer adds a link to what a schema refers to.
func (s *shape) refer(schema *openapi.Object) {
	if name, ok := strings.CutPrefix(schema.Text("$ref"), "#/components/schemas/"); ok {
		s.Links = append(s.Links, reference{ID: schemaID(name), Name: name})
	}
}

// fields are the members that a schema names.
func (r reader) fields(schema *openapi.Object, depth int) []field {
	if depth >= deepest {
		return nil
	}
	properties := schema.Object("properties")
	var fields []field
	for _, name := range properties.Names() {
		property := properties.Object(name)
		if property == nil { // true or false
			continue
		}
		f := field{Name: name, Shape: r.shape(property, depth+1)}
		if slices.Contains(schema.List("required"), any(name)) {
			f.Note = "required"
		}
		if property.At("writeOnly") == true {
			f.Note = strings.TrimPrefix(f.Note+", secret: never shown", ", ")
		}
		fields = append(fields, f)
	}
	return fields
}

// typeOf names the types that a schema allows.
func typeOf(schema *openapi.Object) string {
	switch t := schema.At("type").(type) {
	case string:
		return t
	case []any:
		return strings.Join(texts(t), " or ")
	}
	return ""
}

// bounds tells the most useful of what else a schema asks for.
func bounds(schema *openapi.Object) string {
	var said []string
	add := func(format, keyword string) {
		if schema.Has(keyword) {
			said = append(said, fmt.Sprintf(format, show(schema.At(keyword))))
		}
	}
	if words := schema.List("enum"); words != nil {
		said = append(said, strings.Join(texts(words), " | "))
	}
	add("always %s", "const")
	add("%s", "format")
	add("at least %s", "minimum")
	add("at most %s", "maximum")
	add("more than %s", "exclusiveMinimum")
	add("less than %s", "exclusiveMaximum")
	add("at least %s characters", "minLength")
	add("at most %s characters", "maxLength")
	add("at least %s items", "minItems")
	add("at most %s items", "maxItems")
	add("default %s", "default")
	return strings.Join(said, ", ")
}
