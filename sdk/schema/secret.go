package schema

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// secretMark names the extension that remembers "writeOnly": true in schemas of
// every draft; the library itself reads it from draft 7 on.
const secretMark = "cmed-write-only"

type secretMarks struct{ any bool }

func (m *secretMarks) Compile(_ jsonschema.CompilerContext, node map[string]any) (jsonschema.ExtSchema, error) {
	if secret, ok := node["writeOnly"].(bool); !ok || !secret {
		return nil, nil
	}
	m.any = true
	return isSecret{}, nil
}

type isSecret struct{}

func (isSecret) Validate(jsonschema.ValidationContext, any) error { return nil }

// Secrets returns pointers to the values in instance that the schema marks
// writeOnly, sorted. Where the schema offers alternatives, a value is a secret
// if one of them says so. It returns nil for what is not JSON.
func (s *Schema) Secrets(instance []byte) []string {
	if !s.secrets {
		return nil
	}
	value, err := jsondoc.Decode(instance)
	if err != nil {
		return nil
	}
	return s.secretsIn(value)
}

func (s *Schema) secretsIn(value any) []string {
	if !s.secrets {
		return nil
	}
	search := secretSearch{seen: map[step]bool{}, found: map[string]bool{}}
	search.visit(s.compiled, "", value)
	all := jsondoc.Names(search.found)
	return slices.DeleteFunc(all, func(p string) bool { return search.below(p) })
}

type step struct {
	schema  *jsonschema.Schema
	pointer string
}

// secretSearch follows a value through every part of a schema that may apply
// to it.
type secretSearch struct {
	seen  map[step]bool
	found map[string]bool
}

func (s *secretSearch) visit(schema *jsonschema.Schema, at string, value any) {
	if schema == nil || s.seen[step{schema, at}] {
		return
	}
	s.seen[step{schema, at}] = true
	if _, secret := schema.Extensions[secretMark]; secret {
		s.found[at] = true
		return
	}
	for _, same := range inPlace(schema) {
		s.visit(same, at, value)
	}
	switch v := value.(type) {
	case map[string]any:
		s.visitObject(schema, at, v)
	case []any:
		s.visitList(schema, at, v)
	}
}

// inPlace returns the schemas that apply to the same value as schema.
func inPlace(schema *jsonschema.Schema) []*jsonschema.Schema {
	parts := []*jsonschema.Schema{
		schema.Ref, schema.DynamicRef, schema.RecursiveRef, schema.If, schema.Then, schema.Else,
	}
	parts = slices.Concat(parts, schema.AllOf, schema.AnyOf, schema.OneOf)
	for _, dependent := range schema.DependentSchemas {
		parts = append(parts, dependent)
	}
	for _, dependency := range schema.Dependencies {
		if dependent, ok := dependency.(*jsonschema.Schema); ok {
			parts = append(parts, dependent)
		}
	}
	return parts
}

func (s *secretSearch) visitObject(schema *jsonschema.Schema, at string, object map[string]any) {
	additional, _ := schema.AdditionalProperties.(*jsonschema.Schema)
	for name, value := range object {
		child := jsondoc.Child(at, name)
		known, listed := schema.Properties[name]
		s.visit(known, child, value)
		for pattern, matching := range schema.PatternProperties {
			if pattern.MatchString(name) {
				listed = true
				s.visit(matching, child, value)
			}
		}
		if !listed {
			s.visit(additional, child, value)
		}
		s.visit(schema.UnevaluatedProperties, child, value)
	}
}

func (s *secretSearch) visitList(schema *jsonschema.Schema, at string, list []any) {
	each, _ := schema.Items.(*jsonschema.Schema)
	first, _ := schema.Items.([]*jsonschema.Schema)
	first = slices.Concat(first, schema.PrefixItems)
	rest, _ := schema.AdditionalItems.(*jsonschema.Schema)
	for i, value := range list {
		child := jsondoc.Item(at, i)
		s.visit(each, child, value)
		s.visit(schema.Contains, child, value)
		s.visit(schema.UnevaluatedItems, child, value)
		if i < len(first) {
			s.visit(first[i], child, value)
			continue
		}
		s.visit(rest, child, value)
		s.visit(schema.Items2020, child, value)
	}
}

// below says whether a pointer names something inside another secret.
func (s *secretSearch) below(pointer string) bool {
	for i := range len(pointer) {
		if pointer[i] == '/' && s.found[pointer[:i]] {
			return true
		}
	}
	return false
}
