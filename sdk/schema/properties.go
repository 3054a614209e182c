package schema

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// Property is a member or an item that a schema speaks of.
type Property struct {
	// Pointer is where its values are: a JSON pointer into an instance in which
	// * stands for an item and for a name that the schema leaves open.
	Pointer string
	// Name is the member's name, "" where the pointer ends in *.
	Name        string
	Description string
	// Types are the types that its values may have, sorted; none where the schema
	// doesn't say. Those of alternatives are put together.
	Types []string
	// WriteOnly is set where the schema marks the property itself.
	WriteOnly bool
	// Secret is set where the property or something around it is WriteOnly: its
	// values are never shown.
	Secret bool
}

// mostProperties bounds what Properties walks through: references can make a
// short schema speak of more places than there are atoms.
const mostProperties = 10_000

// errTooMany is returned by Properties for a schema of too many parts.
var errTooMany = fmt.Errorf("the schema has more than %d parts, its references followed", mostProperties)

// Properties lists what a schema speaks of, sorted by pointer: the members of
// objects, and the items and freely named members below "*". It follows
// alternatives, conditions and references within the document, these not into
// themselves. What several parts of the schema say of the same place is put
// together; the first description in the order of the keywords' names is the one.
//
// An error is returned when doc is not one JSON document, or one that speaks of
// more than 10,000 parts. Whether it is a schema, Compile says.
func Properties(doc []byte) ([]Property, error) {
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	s := survey{found: map[string]*Property{}}
	if err := s.visit(tree, place{root: tree}); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	all := make([]Property, 0, len(s.found))
	for _, pointer := range slices.Sorted(maps.Keys(s.found)) {
		all = append(all, *s.found[pointer])
	}
	return all, nil
}

// survey collects properties.
type survey struct {
	found map[string]*Property
	steps int
}

// place is where a part of a schema applies.
type place struct {
	root     any       // what references are resolved in
	property *Property // what the part says something of, nil for the whole
	pointer  string
	secret   bool
	refs     []string // the references followed on the way
}

// visit notes what a part of a schema says of its place, and of all below it.
func (s *survey) visit(part any, at place) error {
	node, ok := part.(map[string]any)
	if !ok { // true and false say nothing
		return nil
	}
	if s.steps++; s.steps > mostProperties {
		return errTooMany
	}
	if _, named := node["$id"].(string); named {
		at.root = node
	}
	secret, _ := node["writeOnly"].(bool)
	at.secret = at.secret || secret
	if p := at.property; p != nil {
		p.note(node, secret, at.secret)
	}
	for _, keyword := range jsondoc.Names(node) {
		if err := s.visitKeyword(keyword, node[keyword], at); err != nil {
			return err
		}
	}
	return nil
}

// note adds what a node says of the property.
func (p *Property) note(node map[string]any, writeOnly, secret bool) {
	if text, _ := node["description"].(string); p.Description == "" {
		p.Description = text
	}
	p.Types = slices.Compact(slices.Sorted(slices.Values(append(p.Types, wording.Types(node)...))))
	p.WriteOnly = p.WriteOnly || writeOnly
	p.Secret = p.Secret || secret
}

func (s *survey) visitKeyword(keyword string, value any, at place) error {
	switch keyword {
	case "$ref":
		return s.follow(value, at)
	case "if", "then", "else":
		return s.visit(value, at)
	case "allOf", "anyOf", "oneOf":
		return s.visitEach(value, at)
	case "dependentSchemas":
		return s.visitMembers(value, func(string) place { return at })
	case "properties":
		return s.visitMembers(value, func(name string) place { return s.below(at, name, name) })
	case "patternProperties":
		return s.visitMembers(value, func(string) place { return s.below(at, "*", "") })
	case "items", "prefixItems":
		if list, ok := value.([]any); ok { // a schema an item
			return s.visitEach(list, s.below(at, "*", ""))
		}
		return s.visitBelow(value, at)
	case "additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems", "contains":
		return s.visitBelow(value, at)
	}
	return nil
}

// visitBelow visits what applies to items or to freely named members.
func (s *survey) visitBelow(part any, at place) error {
	if _, ok := part.(map[string]any); !ok {
		return nil
	}
	return s.visit(part, s.below(at, "*", ""))
}

func (s *survey) visitEach(parts any, at place) error {
	list, _ := parts.([]any)
	for _, part := range list {
		if err := s.visit(part, at); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) visitMembers(members any, where func(name string) place) error {
	object, _ := members.(map[string]any)
	for _, name := range jsondoc.Names(object) {
		if allowed, ok := object[name].(bool); ok && !allowed {
			continue // it can't be given
		}
		if err := s.visit(object[name], where(name)); err != nil {
			return err
		}
	}
	return nil
}

// below returns the place of a member or an item of what is at another.
func (s *survey) below(at place, token, name string) place {
	at.pointer = jsondoc.Child(at.pointer, token)
	if s.found[at.pointer] == nil {
		s.found[at.pointer] = &Property{Pointer: at.pointer, Name: name}
	}
	at.property = s.found[at.pointer]
	at.property.Secret = at.property.Secret || at.secret
	return at
}

// follow visits what a reference leads to, unless it leads into itself or out
// of the document.
func (s *survey) follow(value any, at place) error {
	ref, _ := value.(string)
	if slices.Contains(at.refs, ref) {
		return nil
	}
	target, err := resolve(at.root, ref)
	if err != nil {
		return nil //nolint:nilerr // Compile complains of it, with more words.
	}
	at.refs = append(slices.Clone(at.refs), ref)
	return s.visit(target, at)
}

var errNoPlace = errors.New("no place in the document")

// resolve returns the part of a document that a reference by place names.
func resolve(root any, ref string) (any, error) {
	fragment, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil, errNoPlace
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, err
	}
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return nil, errNoPlace // the name of an anchor
	}
	part, ok := jsondoc.At(root, pointer)
	if !ok {
		return nil, errNoPlace
	}
	return part, nil
}
