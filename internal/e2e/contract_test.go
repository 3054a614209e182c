package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// keepsToDescription says whether everything that tests and daemons have said to
// each other is as the daemons describe their API, and prints what is not. All of it
// is judged, each exchange once: some 5,000 of them in half a minute.
func keepsToDescription() bool {
	exchanged.mu.Lock()
	defer exchanged.mu.Unlock()
	readAsText("text/event-stream", "text/html", "application/x-ndjson", "application/openmetrics-text")
	j := judge{contracts: map[*description]*contract{}, found: map[string]int{}}
	for _, e := range exchanged.exchanges {
		j.judge(e)
	}
	for _, text := range slices.Sorted(maps.Keys(j.found)) {
		fmt.Fprintf(os.Stderr, "the description of the API is contradicted, %d times: %s\n", j.found[text], text)
	}
	for text, n := range exchanged.left {
		fmt.Fprintf(os.Stderr, "not held to the description of the API, %d times, for there was no room to keep it: %s\n", n, text)
	}
	fmt.Fprintf(os.Stderr, "%d different exchanges against %d descriptions of the API: %d contradictions\n",
		len(exchanged.exchanges), len(exchanged.descriptions), len(j.found))
	return len(j.found)+len(exchanged.left) == 0
}

// judge holds exchanges to their descriptions.
type judge struct {
	contracts map[*description]*contract
	found     map[string]int // how often, by what is wrong
}

func (j *judge) complain(operation string, e exchange, err error) {
	text := strings.Join(strings.Fields(err.Error()), " ")
	j.found[fmt.Sprintf("%s: %s (%.600s)", operation, text[:min(len(text), 600)], e)]++
}

func (j *judge) judge(e exchange) {
	c := j.contracts[e.description]
	if c == nil {
		var err error
		if c, err = newContract(e.description.text); err != nil {
			j.complain("the description itself", e, err)
			c = &contract{}
		}
		j.contracts[e.description] = c
	}
	if c.router == nil {
		return
	}
	operation, route, err := c.route(e)
	if err != nil {
		j.complain("no operation", e, err)
		return
	}
	if route == nil {
		return
	}
	if err := c.members.check(route.operation, e); err != nil {
		j.complain(operation, e, err)
		return
	}
	if err := route.check(e); err != nil {
		j.complain(operation, e, err)
	}
}

// contract is a description that exchanges can be held to.
type contract struct {
	router  routers.Router
	also    map[string]string // further paths, by the one that is described
	members *members
}

func newContract(text []byte) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	c := &contract{also: map[string]string{}}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			others, _ := op.Extensions["x-also-at"].([]any)
			for _, other := range others {
				c.also[fmt.Sprint(other)] = path
			}
		}
	}
	if c.members, err = newMembers(text); err != nil {
		return nil, err
	}
	c.router, err = gorillamux.NewRouter(doc)
	return c, err
}

// routed is an exchange's place in the description.
type routed struct {
	operation *routers.Route
	params    map[string]string
	request   *http.Request
}

// route finds the operation of an exchange. There is none for what the router
// itself answers, which is checked here: the introduction tells of it.
func (c *contract) route(e exchange) (string, *routed, error) {
	path := e.path
	if described, ok := c.also[path]; ok {
		path = described
	}
	at := &url.URL{RawQuery: e.query, RawPath: path}
	var err error
	if at.Path, err = url.PathUnescape(path); err != nil {
		return "", nil, err
	}
	request := &http.Request{
		Method: e.method, URL: at, Header: e.sent.Clone(), Body: io.NopCloser(bytes.NewReader(e.body)), ContentLength: int64(len(e.body)),
	}
	if e.method == http.MethodHead {
		request.Method = http.MethodGet
	}
	if kind := request.Header.Get("Content-Type"); strings.Contains(kind, "+json") {
		request.Header.Set("Content-Type", "application/json") // as the introduction says
	}
	route, params, err := c.router.FindRoute(request)
	if err == nil {
		return route.Operation.OperationID, &routed{route, params, request}, nil
	}
	return "", nil, checkUnrouted(e, err)
}

// checkUnrouted judges an answer to a request that no operation is for.
func checkUnrouted(e exchange, why error) error {
	problem := strings.HasPrefix(e.got.Get("Content-Type"), "application/problem+json")
	switch {
	case e.status == http.StatusForbidden || e.status == http.StatusMisdirectedRequest:
		if problem {
			return nil
		}
	case e.method == http.MethodOptions && e.status == http.StatusNoContent:
		return nil
	case e.status == http.StatusMovedPermanently || e.status == http.StatusPermanentRedirect:
		if to, _, _ := strings.Cut(e.got.Get("Location"), "?"); to == e.path+"/" {
			return nil
		}
	case errors.Is(why, routers.ErrMethodNotAllowed) && e.status == http.StatusMethodNotAllowed && e.got.Get("Allow") != "",
		errors.Is(why, routers.ErrPathNotFound) && e.status == http.StatusNotFound:
		if problem {
			return nil
		}
	}
	return fmt.Errorf("%w, but it is answered with %d, %s", why, e.status, e.got.Get("Content-Type"))
}

// lenient operations take any body, and say in _warnings what of it they could not
// read.
var lenient = []string{"engage_lever", "halt_plan", "halt_executor", "retry_undo", "abandon_undo"}

// check judges the answer, and the request if it was not refused.
func (r *routed) check(e exchange) error {
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
		ExcludeRequestBody: slices.Contains(lenient, r.operation.Operation.OperationID) &&
			(bytes.Contains(e.answer, []byte(`"_warnings"`)) || !strings.Contains(r.request.Header.Get("Content-Type"), "json")),
	}
	input := &openapi3filter.RequestValidationInput{Request: r.request, PathParams: r.params, Route: r.operation, Options: options}
	if e.status < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return fmt.Errorf("the request, which was not refused: %w", err)
		}
	}
	if e.method == http.MethodHead {
		if r.operation.Operation.Responses.Status(e.status) == nil {
			return fmt.Errorf("HEAD is answered with %d, which GET does not have", e.status)
		}
		return nil
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.status, Header: e.got, Body: io.NopCloser(bytes.NewReader(e.answer)), Options: options,
	})
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

// readAsText has the validator take the types for text, which it does not know.
func readAsText(types ...string) {
	for _, media := range types {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.RegisteredBodyDecoder("text/plain"))
	}
}
