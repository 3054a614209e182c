package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// Operation is what the routing table says of one thing the API can do.
type Operation struct {
	Method string // "GET"
	Path   string // "/api/1/plans/{id}"
	// Name is the operationId. Several rows of one name and method are the same
	// operation by other paths: the first path is described, the rest are named.
	Name string
	// Role is what the caller must have; "" when nobody is refused.
	Role string
}

// write says whether the operation changes something.
func (o Operation) write() bool { return o.Method != "GET" }

// Sources is what a description is made of besides what is written in spec/.
type Sources struct {
	Operations []Operation
	// Bodies are the JSON Schemas that request bodies are judged by, by name.
	Bodies map[string]string
	// Words are the lists of what a text can be, by name.
	Words map[string][]string
}

// Document is an OpenAPI document. It is not changed after it was made.
type Document struct {
	root *Object
}

// Root is the document. The caller must not change it.
func (d *Document) Root() *Object { return d.root }

// JSON is the document as JSON.
func (d *Document) JSON() ([]byte, error) { return d.root.MarshalJSON() }

// New makes the document without anything of plugins. An error is returned when
// something is described that is not there, or there and not described.
func New(s Sources) (*Document, error) {
	root, err := readWritten()
	if err != nil {
		return nil, err
	}
	b := &builder{Sources: s, root: root, examples: root.Object("examples"), problems: root.Object("problems")}
	root.remove("examples")
	root.remove("problems")
	if err := b.build(); err != nil {
		return nil, fmt.Errorf("make the description of the API: %w", err)
	}
	return &Document{root}, nil
}

// builder makes a document of what is written.
type builder struct {
	Sources
	root               *Object
	examples, problems *Object
}

func (b *builder) build() error {
	written := b.root.Object("operations")
	b.root.remove("operations")
	components := b.root.inner("components")
	components.Set("schemas", b.root.Object("schemas"))
	b.root.remove("schemas")
	components.Set("responses", b.responses())
	if err := b.addBodies(components.Object("schemas")); err != nil {
		return err
	}
	paths, err := b.paths(written)
	if err != nil {
		return err
	}
	b.root.remove("components") // it is long, and goes to the end
	b.root.Set("paths", paths)
	b.root.Set("components", components)
	return b.fill(b.root)
}

// paths joins the routing table with what is written of each operation.
func (b *builder) paths(written *Object) (*Object, error) {
	paths, described := NewObject(), map[string]*Object{}
	for _, row := range b.Operations {
		if first := described[row.Name+" "+row.Method]; first != nil {
			first.Set("x-also-at", append(first.List("x-also-at"), row.Path))
			continue
		}
		words := written.Object(row.Name)
		if words == nil {
			return nil, fmt.Errorf("the operation %q is not described", row.Name)
		}
		op, err := b.operation(row, words)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", row.Name, err)
		}
		item := paths.inner(row.Path)
		if item.Has(strings.ToLower(row.Method)) {
			return nil, fmt.Errorf("%s %s is there twice", row.Method, row.Path)
		}
		item.Set(strings.ToLower(row.Method), op)
		described[row.Name+" "+row.Method] = op
	}
	return paths, nil
}

// Described are the names of all operations that spec/ describes, whether or not
// a server has them.
func Described() ([]string, error) {
	root, err := readWritten()
	if err != nil {
		return nil, err
	}
	return slices.Clone(root.Object("operations").Names()), nil
}

// operation completes what is written of an operation.
func (b *builder) operation(row Operation, words *Object) (*Object, error) {
	op := NewObject("operationId", row.Name)
	op.merge(words)
	op.remove("x-problems")
	op.Set("x-required-role", role(row))
	if row.write() && !hasParameter(op, idempotencyKey) {
		op.Set("parameters", append(op.List("parameters"), NewObject("$ref", "#/components/parameters/IdempotencyKey")))
	}
	op.Set("description", strings.TrimSpace(op.Text("description"))+"\n\n"+roleWords(row))
	if row.Role == "" && !op.Has("security") {
		op.Set("security", []any{})
	}
	responses := op.Object("responses")
	if responses == nil {
		return nil, fmt.Errorf("it has no responses")
	}
	op.remove("responses")
	for _, status := range b.statuses(row, words) {
		name := b.problems.Text(status, "name")
		if name == "" {
			return nil, fmt.Errorf("there is no problem with the status %s", status)
		}
		responses.Set(status, NewObject("$ref", "#/components/responses/"+name))
	}
	op.Set("responses", responses)
	return op, nil
}

// idempotencyKey is the header that every write takes, whether or not it heeds it.
const idempotencyKey = "Idempotency-Key"

func hasParameter(op *Object, name string) bool {
	return slices.ContainsFunc(op.List("parameters"), func(p any) bool {
		parameter, _ := p.(*Object)
		return parameter.Text("name") == name
	})
}

// statuses are those of the problems that an operation can be answered with.
func (b *builder) statuses(row Operation, words *Object) []string {
	statuses := []string{"403", "421", "500"} // the guard's, and our own defects
	if row.Role != "" {
		statuses = append(statuses, "401", "429")
	}
	if row.write() {
		statuses = append(statuses, "415")
	}
	for _, status := range words.List("x-problems") {
		statuses = append(statuses, fmt.Sprint(status))
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

func role(row Operation) string {
	if row.Role == "" {
		return "nobody"
	}
	return row.Role
}

func roleWords(row Operation) string {
	if row.Role == "" {
		return "Needs no key."
	}
	return "Needs the role *" + row.Role + "*."
}

// responses are the problems as components.
func (b *builder) responses() *Object {
	responses := NewObject()
	for _, status := range b.problems.Names() {
		written := b.problems.Object(status)
		response := NewObject("description", written.At("description"))
		if headers := written.Object("headers"); headers != nil {
			response.Set("headers", clone(headers))
		}
		response.Set("content", NewObject("application/problem+json", NewObject(
			"schema", NewObject("$ref", "#/components/schemas/Problem"),
			"example", written.At("example"),
		)))
		responses.Set(written.Text("name"), response)
	}
	return responses
}

// addBodies puts the schemas that bodies are judged by under what is written of
// them.
func (b *builder) addBodies(schemas *Object) error {
	for _, name := range schemas.Names() {
		words := schemas.Object(name)
		sources := words.List("x-body")
		if sources == nil {
			continue
		}
		whole := NewObject()
		for _, source := range sources {
			doc, err := Parse([]byte(b.Bodies[fmt.Sprint(source)]))
			judged, ok := doc.(*Object)
			if err != nil || !ok {
				return fmt.Errorf("schema %s: there is no schema of a body %q", name, source)
			}
			whole.merge(judged)
		}
		words.remove("x-body")
		if err := checkMembers(whole, words); err != nil {
			return fmt.Errorf("schema %s: %w", name, err)
		}
		whole.merge(words)
		schemas.Set(name, whole)
	}
	return nil
}

// checkMembers wants what is written of a body's members to be the members that
// it has, all of them.
func checkMembers(judged, words *Object) error {
	has, told := judged.Object("properties"), words.Object("properties")
	for _, name := range told.Names() {
		if !has.Has(name) {
			return fmt.Errorf("it describes %q, which the body does not have", name)
		}
		if told.Object(name).Has("$ref") {
			continue // described elsewhere
		}
		if err := checkMembers(has.Object(name), told.Object(name)); err != nil {
			return fmt.Errorf("in %s: %w", name, err)
		}
	}
	for _, name := range has.Names() {
		if !told.Has(name) {
			return fmt.Errorf("it does not describe %q", name)
		}
	}
	return nil
}
