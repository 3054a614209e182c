package awstest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is a request in AWS's query protocol: an action and its parameters, as
// a form.
type query struct {
	http    *http.Request
	body    []byte
	service *service
	action  string
	params  url.Values
	auth    authorization // zero if there is none that can be read
	signer  key           // whose signature was found right; zero before
}

// readQuery reads a request. What can't be read as a form has no action, and is
// refused for that; what is longer than 1 MiB, for its signature.
func readQuery(r *http.Request) (*query, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	q := &query{http: r, body: body, params: r.URL.Query()}
	if r.Method == http.MethodPost {
		q.params, _ = url.ParseQuery(string(body))
	}
	q.action = q.get("Action")
	q.service = serviceOf(q.get("Version"))
	q.auth, _ = parseAuthorization(r.Header.Get("Authorization"))
	return q, nil
}

// call is the request as tests see it.
func (q *query) call() Call {
	params := make(map[string]string, len(q.params))
	for name := range q.params {
		if name != "Action" && name != "Version" {
			params[name] = q.get(name)
		}
	}
	return Call{
		Action: q.action, Region: q.region(), Key: q.auth.key,
		DryRun: q.flag("DryRun"), Params: params,
	}
}

// region is that of the signature.
func (q *query) region() string { return q.auth.region }

// get returns a parameter, empty if it was not given.
func (q *query) get(name string) string { return q.params.Get(name) }

// flag reads a parameter that is true or false.
func (q *query) flag(name string) bool { return q.get(name) == "true" }

// number reads a parameter that is a number; otherwise if it was not given.
func (q *query) number(name string, otherwise int) (int, *apiError) {
	text := q.get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fail(http.StatusBadRequest, "InvalidParameterValue",
			fmt.Sprintf("Invalid value '%s' for %s: not a number", text, name))
	}
	return n, nil
}

// list returns NAME.1, NAME.2 and so on.
func (q *query) list(name string) []string {
	var values []string
	for _, i := range q.members(name) {
		values = append(values, q.get(name+"."+strconv.Itoa(i)))
	}
	return values
}

// members returns the numbers of the parameters named NAME.n or NAME.n.more, in
// their order.
func (q *query) members(name string) []int {
	found := map[int]bool{}
	for param := range q.params {
		rest, ok := strings.CutPrefix(param, name+".")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil {
			found[n] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// tags reads PREFIX.n.Key and PREFIX.n.Value.
func (q *query) tags(prefix string) map[string]string {
	tags := map[string]string{}
	for _, i := range q.members(prefix) {
		at := prefix + "." + strconv.Itoa(i)
		tags[q.get(at+".Key")] = q.get(at + ".Value")
	}
	return tags
}
