package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// Offer is an attack or a planner that can be used now.
type Offer struct {
	Attack             bool // else it is a planner
	Ref                string
	Aliases            []string
	Title, Description string
	// Schema is the JSON Schema of its config; of the args alone if ArgsOnly.
	Schema   []byte
	ArgsOnly bool
	// Examples are configs, or args alone.
	Examples [][]byte
}

// names are the ref and its aliases.
func (o Offer) names() []string { return append([]string{o.Ref}, o.Aliases...) }

// kind is how what it is begins in the names of components.
func (o Offer) kind() string {
	if o.Attack {
		return "attack"
	}
	return "planner"
}

// With returns the document with what the offers take as their configs. Which
// schema is meant the ref tells, or an alias of it. A schema that can't be told in
// an OpenAPI document is left out, and the description says so.
func (d *Document) With(offers []Offer) *Document {
	root, _ := clone(d.root).(*Object)
	schemas := root.Object("components", "schemas")
	var planner *Object // an example of one
	plans, free := NewObject(), namesBeside(schemas)
	for _, o := range slices.SortedFunc(slices.Values(offers), plannersFirst) {
		examples := configsOf(o)
		name := free.free(o.kind() + "." + wordOf(o.Ref))
		component, parts := describe(o, name, free, examples)
		schemas.Set(name, component)
		schemas.merge(parts)
		addAlternative(schemas.Object(map[bool]string{true: "AttackConfig", false: "PlannerConfig"}[o.Attack]), o, name)
		switch {
		case len(examples) == 0:
		case !o.Attack && planner == nil:
			planner = examples[0]
		case o.Attack && planner != nil:
			plans.Set(o.Ref, NewObject("summary", o.Title, "value", NewObject(
				"name", planName(o), "attack", examples[0], "planner", planner,
			)))
		}
	}
	setPlanExamples(root, plans, len(offers) > 0)
	return &Document{root}
}

func plannersFirst(a, b Offer) int {
	switch {
	case a.Attack == b.Attack:
		return strings.Compare(a.Ref, b.Ref)
	case b.Attack:
		return -1
	default:
		return 1
	}
}

func planName(o Offer) string {
	if o.Title != "" {
		return o.Title
	}
	return o.Ref
}

// setPlanExamples puts plans with what is installed in place of the one that is
// written, whose attack may not be.
func setPlanExamples(root, plans *Object, installed bool) {
	media := root.Object("paths", "/api/1/plans/", "post", "requestBody", "content", "application/json")
	switch {
	case media == nil || !installed:
	case len(plans.Names()) == 0:
		media.remove("examples")
	default:
		media.Set("examples", plans)
	}
}

// addAlternative adds an offer to those a config can be of. It keeps the
// discriminator behind the list.
func addAlternative(config *Object, o Offer, name string) {
	config.Set("oneOf", append(config.List("oneOf"), NewObject("$ref", componentRef(name))))
	by := config.inner("discriminator")
	by.Set("propertyName", "ref")
	for _, ref := range o.names() {
		by.inner("mapping").Set(ref, componentRef(name))
	}
}

// configsOf reads the examples as whole configs. What is no object is left out.
func configsOf(o Offer) []*Object {
	var configs []*Object
	for _, doc := range o.Examples {
		v, err := Parse(doc)
		example, ok := v.(*Object)
		if err != nil || !ok {
			continue
		}
		if o.ArgsOnly && !example.Has("ref") {
			example = NewObject("ref", o.Ref, "args", example)
		}
		configs = append(configs, example)
	}
	return configs
}

// describe makes the component of an offer, and those of the parts it refers to.
func describe(o Offer, name string, free *names, examples []*Object) (component, parts *Object) {
	component, parts, err := translate(o, name, free)
	if err == nil {
		err = try(o, name, component, parts, examples)
	}
	if err != nil {
		component, parts = NewObject("type", "object", "additionalProperties", true), NewObject()
		o.Description += fmt.Sprintf("\n\nWhat it takes is not shown here: %s. Its own document in the catalogue has its schema.", err)
	}
	complete(component, o)
	if len(examples) > 0 && err == nil {
		list := make([]any, len(examples))
		for i := range examples {
			list[i] = examples[i]
		}
		component.Set("examples", list)
	}
	return component, parts
}

// translate makes the component out of the schema.
func translate(o Offer, name string, free *names) (component, parts *Object, err error) {
	whole, err := Parse(o.Schema)
	if err != nil {
		return nil, nil, err
	}
	t, err := newTranslator(whole, name, free)
	if err != nil {
		return nil, nil, err
	}
	translated, err := t.schema(whole)
	if err != nil {
		return nil, nil, err
	}
	if o.ArgsOnly {
		component = NewObject("type", "object", "properties", NewObject("args", translated))
		if !acceptsNothing(o.Schema) {
			component.Set("required", []any{"args"})
		}
		return component, t.made, nil
	}
	component, ok := translated.(*Object)
	if !ok { // true or false
		component = NewObject("allOf", []any{translated})
	}
	return component, t.made, nil
}

// acceptsNothing says whether no args at all are valid, which count as {}.
func acceptsNothing(args []byte) bool {
	s, err := schema.Compile(args)
	return err == nil && len(s.Validate([]byte("{}"))) == 0
}

// offerKeyword is where a component says whose config it is.
const offerKeyword = "x-offer"

// complete adds to a component what is known of every config, and says whose it is.
func complete(component *Object, o Offer) {
	refs := make([]any, 0, 1+len(o.Aliases))
	for _, ref := range o.names() {
		refs = append(refs, ref)
	}
	of := NewObject("kind", o.kind(), "ref", o.Ref)
	if len(o.Aliases) > 0 {
		of.Set("aliases", refs[1:])
	}
	component.Set(offerKeyword, of)
	ref := NewObject("type", "string", "enum", refs)
	if component.Object("properties") == nil {
		component.Set("properties", NewObject())
	}
	component.Object("properties").put("ref", ref)
	if !slices.Contains(component.List("required"), any("ref")) {
		component.Set("required", append([]any{"ref"}, component.List("required")...))
	}
	if !component.Has("type") {
		component.put("type", "object")
	}
	if text := strings.TrimSpace(o.Description); text != "" {
		component.put("description", text)
	}
	if o.Title != "" {
		component.put("title", o.Title)
	}
	standApart(component)
}

// try returns why a component can't be what the offer takes: it is no schema, or
// it refuses an example, or one by another name.
func try(o Offer, name string, component, parts *Object, examples []*Object) error {
	if len(examples)*len(o.names()) > mostSteps {
		return fmt.Errorf("%w: it has too many examples and names", errTooComplex)
	}
	candidate, _ := clone(component).(*Object)
	complete(candidate, o)
	schemas := NewObject(name, candidate)
	schemas.merge(parts)
	doc, err := NewObject("$ref", componentRef(name), "components", NewObject("schemas", schemas)).MarshalJSON()
	if err != nil {
		return err
	}
	compiled, err := schema.Compile(doc)
	if err != nil {
		return fmt.Errorf("%w: %w", errTooComplex, err)
	}
	for _, example := range examples {
		for _, ref := range o.names() {
			config, _ := clone(example).(*Object)
			config.Set("ref", ref)
			text, err := config.MarshalJSON()
			if err != nil {
				return err
			}
			if wrong := compiled.Validate(text); len(wrong) > 0 {
				return fmt.Errorf("%w: as %s, an example of its own would not be valid", errTooComplex, ref)
			}
		}
	}
	return nil
}
