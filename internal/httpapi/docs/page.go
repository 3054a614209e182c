package docs

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page's files
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

//go:embed style.css
var style string

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// ContentSecurityPolicy is what the page needs, and all it may have.
var ContentSecurityPolicy = fmt.Sprintf(
	"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", styleHash(),
)

func styleHash() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Render renders a document.
func Render(d *openapi.Document) ([]byte, error) {
	var buf bytes.Buffer
	if err := page.Execute(&buf, newBook(d.Root())); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return buf.Bytes(), nil
}

// book is what the page shows.
type book struct {
	Title, Summary string
	Description    template.HTML
	Style          template.CSS
	JSON           string // where the document is
	Groups         []group
	Offers         []shelf
	Schemas        []entry
}

// group is the operations of one tag.
type group struct {
	ID, Name    string
	Description template.HTML
	Operations  []operation
}

// shelf is the attacks, or the planners.
type shelf struct {
	ID, Name, Words string
	Schemas         []entry
}

// entry is a schema with a name of its own.
type entry struct {
	ID, Name string
	Ref      string // of an attack or planner
	Aliases  []string
	Shape    shape
	Examples []example
}

type operation struct {
	ID, Summary, Method, Path, Class, Role string
	AlsoAt                                 []string
	Description                            template.HTML
	Parameters                             []field
	Body                                   *body
	Answers                                []answer
	Problems                               []problem
	ProblemID                              string
}

type body struct {
	Words    string
	Contents []content
}

type answer struct {
	Status      string
	Description template.HTML
	Headers     []field
	Contents    []content
}

type problem struct{ Status, Name, Words string }

// content is a body in one media type.
type content struct {
	Type     string
	Shape    *shape
	Examples []example
}

type example struct{ Name, Text string }

// field is a member of an object, a parameter or a header.
type field struct {
	Name  string
	Note  string // required, in the query, …
	Shape shape
}

// shape is what a value can be.
type shape struct {
	Type        string
	Links       []reference // to schemas with names
	Bounds      string
	Description template.HTML
	Fields      []field
}

type reference struct{ ID, Name string }
