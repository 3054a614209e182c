package openapi

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// mostSteps bounds what translating a schema costs, and compiling what comes of it,
// which grows with the square: parts that are referred to are translated once more,
// those within them too.
const mostSteps = 5_000

// errTooComplex is returned for what has no simple counterpart.
var errTooComplex = errors.New("it uses more of JSON Schema than can be shown in one document")

// translator turns a schema of a plugin into one that can stand in an OpenAPI
// document. Parts that are referred to become components of their own.
type translator struct {
	whole any
	id    string // of the whole, without fragment
	draft int
	name  string            // of the component it becomes
	names *names            // of components that are free
	parts map[string]string // pointers into the whole -> names of components
	made  *Object           // the components of parts, by name
	steps int
}

func newTranslator(whole any, name string, free *names) (*translator, error) {
	t := &translator{whole: whole, draft: draft2020, name: name, names: free, parts: map[string]string{}, made: NewObject()}
	root, _ := whole.(*Object)
	if dialect := root.Text("$schema"); dialect != "" {
		_, address, _ := strings.Cut(strings.TrimSuffix(dialect, "#"), "://")
		draft, known := drafts[address]
		if !known {
			return nil, fmt.Errorf("%w: the dialect %s", errTooComplex, dialect)
		}
		t.draft = draft
	}
	t.id, _, _ = strings.Cut(root.Text(t.idKeyword()), "#")
	return t, nil
}

func (t *translator) idKeyword() string {
	if t.draft == draft04 {
		return "id"
	}
	return "$id"
}

// schema translates a schema or a part of one.
func (t *translator) schema(v any) (any, error) {
	node, ok := v.(*Object)
	if !ok {
		return v, nil // true or false
	}
	if err := t.checkNode(node); err != nil {
		return nil, err
	}
	out := NewObject()
	if node.Has("$ref") {
		ref, err := t.reference(node.Text("$ref"))
		if err != nil {
			return nil, err
		}
		out.Set("$ref", ref)
		if t.draft <= draft07 { // what stands beside means nothing there
			return out, nil
		}
	}
	for _, name := range node.Names() {
		if err := t.keyword(out, node, name); err != nil {
			return nil, err
		}
	}
	if t.draft == draft04 {
		exclusive(out, node, "exclusiveMinimum", "minimum")
		exclusive(out, node, "exclusiveMaximum", "maximum")
	}
	standApart(out)
	return out, nil
}

// standApart moves a $ref with something beside it into allOf, where it means the
// same to tools that overlook what is beside one.
func standApart(out *Object) {
	if !out.Has("$ref") || len(out.Names()) == 1 {
		return
	}
	ref := NewObject("$ref", out.At("$ref"))
	out.remove("$ref")
	out.Set("allOf", append([]any{ref}, out.List("allOf")...))
}

// checkNode refuses what can't be told in one document without knowing where a
// validator came from.
func (t *translator) checkNode(node *Object) error {
	if t.steps++; t.steps > mostSteps {
		return fmt.Errorf("%w: it has more than %d parts", errTooComplex, mostSteps)
	}
	for _, name := range []string{"$dynamicRef", "$recursiveRef"} {
		if node.Has(name) && t.draft >= draft2019 {
			return fmt.Errorf("%w: %s", errTooComplex, name)
		}
	}
	if id := node.Text(t.idKeyword()); any(node) != t.whole && id != "" && !strings.HasPrefix(id, "#") {
		return fmt.Errorf("%w: a part has an id of its own", errTooComplex)
	}
	return nil
}

// keyword translates one member of a schema.
func (t *translator) keyword(out, node *Object, name string) error {
	value := node.At(name)
	switch {
	case name == "items":
		return t.items(out, node)
	case name == "dependencies":
		return t.dependencies(out, node.Object(name))
	case name == offerKeyword: // it is ours, and says of whole configs whose they are
		return nil
	case strings.HasPrefix(name, "x-"):
		out.Set(name, clone(value))
		return nil
	}
	known, ok := keywords[name]
	if !ok || t.draft < known.since {
		return nil
	}
	translated, err := t.held(known.holds, value)
	if err != nil {
		return err
	}
	out.Set(name, translated)
	return nil
}

// held translates what a keyword holds.
func (t *translator) held(holds keyword, value any) (any, error) {
	switch holds {
	case single:
		return t.schema(value)
	case several:
		list, _ := value.([]any)
		return t.schemas(list)
	case named:
		members, _ := value.(*Object)
		out := NewObject()
		for _, name := range members.Names() {
			member, err := t.schema(members.At(name))
			if err != nil {
				return nil, err
			}
			out.Set(name, member)
		}
		return out, nil
	default:
		return clone(value), nil
	}
}

func (t *translator) schemas(list []any) ([]any, error) {
	out := make([]any, len(list))
	for i := range list {
		var err error
		if out[i], err = t.schema(list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// items translates items, which in older drafts may be a list with
// additionalItems beside it.
func (t *translator) items(out, node *Object) error {
	list, isList := node.At("items").([]any)
	if !isList || t.draft == draft2020 {
		all, err := t.schema(node.At("items"))
		out.Set("items", all)
		return err
	}
	first, err := t.schemas(list)
	if err != nil {
		return err
	}
	if len(first) > 0 { // there it may not be empty
		out.Set("prefixItems", first)
	}
	if node.Has("additionalItems") {
		rest, err := t.schema(node.At("additionalItems"))
		if err != nil {
			return err
		}
		out.Set("items", rest)
	}
	return nil
}

// dependencies became two keywords, one for lists of names and one for schemas.
func (t *translator) dependencies(out, all *Object) error {
	for _, name := range all.Names() {
		if list, ok := all.At(name).([]any); ok {
			out.inner("dependentRequired").Set(name, clone(list))
			continue
		}
		part, err := t.schema(all.At(name))
		if err != nil {
			return err
		}
		out.inner("dependentSchemas").Set(name, part)
	}
	return nil
}

// exclusive translates a bound of draft 04, where a boolean says of another bound
// that it is exclusive.
func exclusive(out, node *Object, boolean, bound string) {
	if yes, _ := node.At(boolean).(bool); yes && node.Has(bound) {
		out.remove(bound)
		out.Set(boolean, node.At(bound))
	}
}

// reference makes a component of what a $ref leads to and returns its place.
func (t *translator) reference(ref string) (string, error) {
	address, fragment, _ := strings.Cut(ref, "#")
	if address != "" && address != t.id {
		return "", fmt.Errorf("%w: it refers to %.80q", errTooComplex, ref)
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil {
		return "", fmt.Errorf("%w: it refers to %.80q", errTooComplex, ref)
	}
	target, found := t.target(pointer)
	if !found {
		return "", fmt.Errorf("%w: it refers to %.80q", errTooComplex, ref)
	}
	name, known := t.parts[pointer]
	if !known {
		name = t.partName(pointer)
		t.parts[pointer] = name
		t.made.Set(name, NewObject()) // taken, also by itself
		part, err := t.schema(target)
		if err != nil {
			return "", err
		}
		t.made.Set(name, part)
	}
	return componentRef(name), nil
}

// target finds what a fragment names: a pointer, or the name of an anchor.
func (t *translator) target(fragment string) (any, bool) {
	if fragment == "" || strings.HasPrefix(fragment, "/") {
		return pointed(t.whole, fragment)
	}
	return t.anchored(t.whole, fragment)
}

// anchored looks for an anchor in v, and below.
func (t *translator) anchored(v any, anchor string) (any, bool) {
	t.steps++
	switch v := v.(type) {
	case *Object:
		if v.Text("$anchor") == anchor || v.Text("$dynamicAnchor") == anchor || v.Text(t.idKeyword()) == "#"+anchor {
			return v, true
		}
		for _, name := range v.Names() {
			if found, ok := t.anchored(v.At(name), anchor); ok {
				return found, true
			}
		}
	case []any:
		for i := range v {
			if found, ok := t.anchored(v[i], anchor); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// partName is a free name for the component of a part.
func (t *translator) partName(pointer string) string {
	last := pointer[strings.LastIndexByte(pointer, '/')+1:]
	if last == "" {
		last = "whole"
	}
	return t.names.free(t.name + "." + wordOf(last))
}
