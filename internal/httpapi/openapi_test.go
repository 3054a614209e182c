package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

// serverWithEveryRoute is a server that has all that a route depends on.
func serverWithEveryRoute(t *testing.T) *Server {
	t.Helper()
	return NewServer(Config{
		Keys: &access.Keyring{}, Audit: struct{ audit.Store }{}, Metrics: http.NotFoundHandler(),
		Backup: func(context.Context) (Backup, error) { return Backup{}, nil },
	}, newFake(t), hclog.NewNullLogger())
}

func TestEveryOperationIsDescribedAndNoOther(t *testing.T) {
	described, err := openapi.Described()
	if err != nil {
		t.Fatal(err)
	}
	var served []string
	for _, row := range serverWithEveryRoute(t).routes() {
		if !slices.Contains(described, row.operation) {
			t.Errorf("%s %s: the operation %q is not described in openapi/spec", row.method, row.path, row.operation)
		}
		served = append(served, row.operation)
	}
	for _, name := range described {
		if !slices.Contains(served, name) {
			t.Errorf("openapi/spec describes the operation %q, which no route has", name)
		}
	}
}

func TestEachRouteStandsInTheDescriptionWithItsRole(t *testing.T) {
	s := serverWithEveryRoute(t)
	doc, err := openapi.New(s.described())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range s.routes() {
		op := operationOf(doc, row)
		if op == nil {
			t.Errorf("%s %s: %s is not in the document", row.method, row.path, row.operation)
			continue
		}
		if got := op.Text("x-required-role"); got != string(row.need) {
			t.Errorf("%s needs the role %s, but it says %q", row.operation, row.need, got)
		}
		if refused := op.Object("responses").Has("401"); refused != (row.need != access.Nobody) {
			t.Errorf("%s needs the role %s; that it says of a 401 is %t", row.operation, row.need, refused)
		}
		if open := isOpen(op); open != (row.need == access.Nobody) {
			t.Errorf("%s needs the role %s; that it can be called without a key, it says, is %t", row.operation, row.need, open)
		}
		if typed := op.Object("responses").Has("415"); typed != row.isWrite() {
			t.Errorf("%s: that it says of a 415 is %t", row.operation, typed)
		}
		if keyed := takesKey(doc, op); keyed != row.isWrite() {
			t.Errorf("%s: that it takes an Idempotency-Key, it says, is %t", row.operation, keyed)
		}
	}
}

// takesKey says whether an operation says, once, that it takes an Idempotency-Key.
func takesKey(doc *openapi.Document, op *openapi.Object) bool {
	found := 0
	for _, p := range op.List("parameters") {
		if resolved(doc, p).Text("name") == "Idempotency-Key" {
			found++
		}
	}
	return found == 1
}

// isOpen says whether an operation says that it can be called without a key: it
// asks for nothing, or for one thing or nothing.
func isOpen(op *openapi.Object) bool {
	if !op.Has("security") {
		return false // as all others
	}
	for _, choice := range op.List("security") {
		if asked, _ := choice.(*openapi.Object); len(asked.Names()) > 0 {
			continue
		}
		return true
	}
	return len(op.List("security")) == 0
}

// operationOf finds a route's operation: at its path, or among those that say they
// are also there.
func operationOf(doc *openapi.Document, row route) *openapi.Object {
	paths, method, path := doc.Root().Object("paths"), strings.ToLower(row.method), templated(row.path)
	for _, at := range paths.Names() {
		op := paths.Object(at, method)
		if op.Text("operationId") == row.operation && (at == path || slices.Contains(op.List("x-also-at"), any(path))) {
			return op
		}
	}
	return nil
}

// The entry document's templates name the parameters that the description has.
func TestTemplatesNameTheParametersOfTheirLists(t *testing.T) {
	s := serverWithEveryRoute(t)
	doc, err := openapi.New(s.described())
	if err != nil {
		t.Fatal(err)
	}
	links := s.entryLinks(link{})
	for name, path := range map[string]string{
		"plans": plansPath, "executors": executorsPath, "undos": undosPath, "audit": auditPath, "events": eventsPath,
		"executor_log": executorsPath + "{id}/log",
	} {
		var described []string
		for _, p := range doc.Root().List("paths", path, "get", "parameters") {
			if parameter := resolved(doc, p); parameter.Text("in") == "query" {
				described = append(described, parameter.Text("name"))
			}
		}
		_, query, _ := strings.Cut(links[name].Href, "{?")
		named := strings.Split(strings.ReplaceAll(strings.TrimSuffix(query, "}"), "*", ""), ",")
		slices.Sort(described)
		slices.Sort(named)
		if !slices.Equal(named, described) {
			t.Errorf("%s: the template names %v, described are %v", name, named, described)
		}
	}
}

// resolved is a parameter, which may be a reference to one.
func resolved(doc *openapi.Document, parameter any) *openapi.Object {
	p, _ := parameter.(*openapi.Object)
	if name, shared := strings.CutPrefix(p.Text("$ref"), "#/components/parameters/"); shared {
		return doc.Root().Object("components", "parameters", name)
	}
	return p
}

func TestTheDescriptionKnowsTheLargestPage(t *testing.T) {
	doc, err := openapi.New(serverWithEveryRoute(t).described())
	if err != nil {
		t.Fatal(err)
	}
	if most := doc.Root().At("components", "parameters", "Limit", "schema", "maximum"); fmt.Sprint(most) != fmt.Sprint(maxPage) {
		t.Errorf("a page has at most %v, it says; it is %d", most, maxPage)
	}
}

// The document is made once for each state of the catalogue, and what plugins take
// is told to those alone who may read.
func TestTheDescriptionFollowsTheCatalogue(t *testing.T) {
	f := newFake(t)
	s := NewServer(Config{Open: OpenToAll}, f, hclog.NewNullLogger())
	offers := func() []string {
		a := answerOf(t, s, get(openAPIPath)).is(http.StatusOK)
		names, _ := a.at("components.schemas").(map[string]any)
		var found []string
		for name := range names {
			if strings.HasPrefix(name, "attack.") {
				found = append(found, name)
			}
		}
		slices.Sort(found)
		return found
	}
	offer := func(ref, doc string) engine.Offer {
		var o engine.Offer
		o.Kind, o.Ref, o.Schema = engine.KindAttack, engine.Ref(ref), json.RawMessage(doc)
		return o
	}
	if got := offers(); len(got) != 0 {
		t.Errorf("without plugins there are %v", got)
	}
	f.offers = []engine.Offer{offer("a:A", `{"type":"object"}`)}
	if got := fmt.Sprint(offers()); got != "[attack.a.A]" {
		t.Errorf("with a plugin there are %v", got)
	}
	made := s.description.full.document
	if offers(); s.description.full.document != made {
		t.Error("the document was made anew, though nothing has changed")
	}
	f.offers[0].Schema = json.RawMessage(`{"type":"object","required":["args"]}`)
	if offers(); s.description.full.document == made {
		t.Error("the document is that of another schema")
	}
	s.cfg.Open = Closed
	if got := offers(); len(got) != 0 {
		t.Errorf("nobody sees %v", got)
	}
}

func TestDocsArePlainAndBoundToTheirOwnStyle(t *testing.T) {
	s := serverWithEveryRoute(t)
	a := answerOf(t, s, get(docsPath)).is(http.StatusOK)
	policy := a.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("the type is %q", got)
	}
	if strings.Contains(string(a.body), "**") {
		t.Error("the page shows a mark instead of what it marks")
	}
	for _, row := range s.routes() {
		if !strings.Contains(string(a.body), `id="`+row.operation+`"`) {
			t.Errorf("the page has no anchor for %s", row.operation)
		}
	}
}

// answerOf has a server answer a request.
func answerOf(t *testing.T, s *Server, c call) answer {
	t.Helper()
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
	r.Host = "localhost"
	maps.Copy(r.Header, c.header)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return answer{t, w.Code, w.Header(), w.Body.Bytes()}
}
