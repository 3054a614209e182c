package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

// newBook reads a document, which is one of package openapi's.
func newBook(root *openapi.Object) book {
	r := reader{root}
	b := book{
		Title: root.Text("info", "title"), Summary: root.Text("info", "summary"),
		Description: prose(root.Text("info", "description")),
		Style:       template.CSS(style), //nolint:gosec // a file of our own
		JSON:        "/api/1/openapi.json",
		Groups:      r.groups(),
	}
	shelves := map[string]*shelf{
		"attack":  {ID: "attacks", Name: "Attacks", Words: "What is installed, and what it takes as the attack of a plan."},
		"planner": {ID: "planners", Name: "Planners", Words: "What is installed, and what it takes as the planner of a plan."},
	}
	schemas := root.Object("components", "schemas")
	for _, name := range schemas.Names() {
		e := r.entry(name, schemas.Object(name))
		if kind := schemas.Text(name, "x-offer", "kind"); kind != "" {
			shelves[kind].Schemas = append(shelves[kind].Schemas, e)
			continue
		}
		b.Schemas = append(b.Schemas, e)
	}
	for _, kind := range []string{"attack", "planner"} {
		if len(shelves[kind].Schemas) > 0 {
			b.Offers = append(b.Offers, *shelves[kind])
		}
	}
	return b
}

// reader reads parts of a document.
type reader struct{ root *openapi.Object }

// resolve follows a reference to a component.
func (r reader) resolve(o *openapi.Object) *openapi.Object {
	if path, ok := strings.CutPrefix(o.Text("$ref"), "#/"); ok {
		if found := r.root.Object(strings.Split(path, "/")...); found != nil {
			return found
		}
	}
	return o
}

// groups are the operations by their tags.
func (r reader) groups() []group {
	var groups []group
	at := map[string]int{}
	for _, v := range r.root.List("tags") {
		tag, _ := v.(*openapi.Object)
		name := tag.Text("name")
		at[name] = len(groups)
		groups = append(groups, group{ID: "tag-" + strings.ToLower(name), Name: name, Description: prose(tag.Text("description"))})
	}
	paths := r.root.Object("paths")
	for _, path := range paths.Names() {
		for _, method := range paths.Object(path).Names() {
			op := paths.Object(path, method)
			tags := op.List("tags")
			if len(tags) == 0 {
				continue
			}
			if i, known := at[fmt.Sprint(tags[0])]; known {
				groups[i].Operations = append(groups[i].Operations, r.operation(path, method, op))
			}
		}
	}
	return groups
}

func (r reader) operation(path, method string, op *openapi.Object) operation {
	o := operation{
		ID: op.Text("operationId"), Summary: op.Text("summary"), Method: strings.ToUpper(method), Path: path, Class: method,
		Role: op.Text("x-required-role"), AlsoAt: texts(op.List("x-also-at")), Description: prose(op.Text("description")),
		ProblemID: schemaID("Problem"),
	}
	for _, v := range op.List("parameters") {
		given, _ := v.(*openapi.Object)
		o.Parameters = append(o.Parameters, r.parameter(r.resolve(given)))
	}
	if given := op.Object("requestBody"); given != nil {
		o.Body = &body{Words: "optional", Contents: r.contents(given.Object("content"))}
		if given.At("required") == true {
			o.Body.Words = "required"
		}
	}
	responses := op.Object("responses")
	for _, status := range responses.Names() {
		given := responses.Object(status)
		if ref := given.Text("$ref"); ref != "" {
			o.Problems = append(o.Problems, problem{
				Status: status, Name: ref[strings.LastIndexByte(ref, '/')+1:], Words: r.resolve(given).Text("description"),
			})
			continue
		}
		o.Answers = append(o.Answers, answer{
			Status: status, Description: prose(given.Text("description")), Headers: r.headers(given.Object("headers")),
			Contents: r.contents(given.Object("content")),
		})
	}
	return o
}

func (r reader) parameter(given *openapi.Object) field {
	f := field{Name: given.Text("name"), Note: "in the " + given.Text("in"), Shape: r.shape(given.Object("schema"), 0)}
	if given.At("required") == true {
		f.Note += ", required"
	}
	f.Shape.Description = prose(given.Text("description"))
	return f
}

func (r reader) headers(given *openapi.Object) []field {
	var fields []field
	for _, name := range given.Names() {
		header := r.resolve(given.Object(name))
		f := field{Name: name, Note: "header", Shape: r.shape(header.Object("schema"), 0)}
		f.Shape.Description = prose(header.Text("description"))
		fields = append(fields, f)
	}
	return fields
}

func (r reader) contents(given *openapi.Object) []content {
	var contents []content
	for _, media := range given.Names() {
		of := given.Object(media)
		c := content{Type: media, Examples: examples(of)}
		if schema := of.Object("schema"); schema != nil {
			s := r.shape(schema, 0)
			c.Shape = &s
		}
		contents = append(contents, c)
	}
	return contents
}

// examples are those of a media type, as they are or by name.
func examples(of *openapi.Object) []example {
	if of.Has("example") {
		return []example{{Name: "Example", Text: show(of.At("example"))}}
	}
	var list []example
	for _, name := range of.Object("examples").Names() {
		list = append(list, example{Name: "Example: " + name, Text: show(of.At("examples", name, "value"))})
	}
	return list
}

// entry reads a schema that has a name.
func (r reader) entry(name string, schema *openapi.Object) entry {
	e := entry{
		ID: schemaID(name), Name: name, Ref: schema.Text("x-offer", "ref"), Aliases: texts(schema.List("x-offer", "aliases")),
		Shape: r.shape(schema, 0),
	}
	if e.Ref == "" {
		return e
	}
	if title := schema.Text("title"); title != "" {
		e.Name = title
	}
	for _, v := range schema.List("examples") {
		e.Examples = append(e.Examples, example{Name: "Example", Text: show(v)})
	}
	return e
}

// schemaID is the anchor of a schema.
func schemaID(name string) string { return "schema-" + name }

// show is a value as it is printed; a text stands for itself.
func show(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, buf.Bytes(), "", "  "); err != nil {
		return buf.String()
	}
	return strings.TrimSpace(indented.String())
}

func texts(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}
