package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func compiled(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Compile(argsSchema)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaTakes(t *testing.T) {
	s := compiled(t)
	for _, args := range []string{
		`{"endpoint": "http://localhost:4500", "method": "GET"}`,
		`{"endpoint": "http://localhost:4500", "method": "GET", "payload": {"test": "1"}, "headers": {"X-CUSTOM-HEADER": "test"}}`,
		`{"endpoint": "HTTPS://shop.example", "method": "post"}`,
		`{"endpoint": "https://[::1]:65535/a?b=c#d", "method": "PATCH"}`,
		`{"endpoint": "http://bücher.example/%C3%A9?q=user@host", "method": "OPTIONS"}`,
		`{"endpoint": "http://a_b-c.d?x", "method": "HEAD"}`,
		`{"endpoint": "http://a", "method": "POST", "payload": {"a": ["x", 1, true, null], "b": null, "c": 1.5}}`,
		`{"endpoint": "http://a", "method": "POST", "payload": "a=1"}`,
		`{"endpoint": "http://a", "method": "POST", "payload": {}, "body": "form"}`,
		`{"endpoint": "http://a", "method": "POST", "payload": {"deep": {"er": []}}, "body": "json"}`,
		`{"endpoint": "http://a", "method": "POST", "payload": null, "body": "json"}`,
		`{"endpoint": "http://a", "method": "POST", "payload": "<a/>", "body": "raw"}`,
		`{"endpoint": "http://a", "method": "POST", "body": "none"}`,
		`{"endpoint": "http://a", "method": "GET", "timeout": "1m30.5s"}`,
		`{"endpoint": "http://a", "method": "GET", "timeout": 0.5}`,
		`{"endpoint": "http://a", "method": "GET", "expect_status": 200}`,
		`{"endpoint": "http://a", "method": "GET", "expect_status": [200, 404]}`,
		`{"endpoint": "http://a", "method": "GET", "headers": {"x!#$%&'*+.^_|~-": "tab\tand é", "Host": ""}}`,
		`{"endpoint": "http://a", "method": "GET", "follow_redirects": false}`,
		`{"endpoint": "http://a", "method": "GET", "tls": {"insecure_skip_verify": true, "server_name": "a.b"}}`,
	} {
		if violations := s.Validate([]byte(args)); violations != nil {
			t.Errorf("%s: %v", args, violations)
		}
		var decoded Args
		if err := json.Unmarshal([]byte(args), &decoded); err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if _, err := decoded.request(t.Context(), "0190"); err != nil {
			t.Errorf("%s: valid, but can't be sent: %v", args, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct{ rule, pointer, members string }{
		{"no endpoint", "", `"method": "GET"`},
		{"no method", "", `"endpoint": "http://a"`},
		{"an endpoint without scheme", "/endpoint", `"endpoint": "localhost:4500", "method": "GET"`},
		{"a relative endpoint", "/endpoint", `"endpoint": "/x", "method": "GET"`},
		{"another scheme", "/endpoint", `"endpoint": "ftp://a", "method": "GET"`},
		{"no host", "/endpoint", `"endpoint": "http://", "method": "GET"`},
		{"a port alone", "/endpoint", `"endpoint": "http://:80", "method": "GET"`},
		{"credentials in the endpoint", "/endpoint", `"endpoint": "http://me:secret@a", "method": "GET"`},
		{"a port that is none", "/endpoint", `"endpoint": "http://a:65536", "method": "GET"`},
		{"port 0", "/endpoint", `"endpoint": "http://a:0", "method": "GET"`},
		{"a space in the endpoint", "/endpoint", `"endpoint": "http://a/b c", "method": "GET"`},
		{"a line break in the endpoint", "/endpoint", `"endpoint": "http://a/\n", "method": "GET"`},
		{"a broken escape", "/endpoint", `"endpoint": "http://a/%zz", "method": "GET"`},
		{"an endpoint that is no text", "/endpoint", `"endpoint": 1, "method": "GET"`},
		{"an unknown method", "/method", `"endpoint": "http://a", "method": "GTE"`},
		{"a form with an object in it", "/payload/a", `"endpoint": "http://a", "method": "GET", "payload": {"a": {}}`},
		{"a form with a list of lists", "/payload/a/0", `"endpoint": "http://a", "method": "GET", "payload": {"a": [[]]}`},
		{"a form that is a list", "/payload", `"endpoint": "http://a", "method": "GET", "payload": [1]`},
		{"a form that is null", "/payload", `"endpoint": "http://a", "method": "GET", "payload": null`},
		{"a form that is text", "/payload", `"endpoint": "http://a", "method": "GET", "payload": "a=1", "body": "form"`},
		{"a raw payload that is no text", "/payload", `"endpoint": "http://a", "method": "GET", "payload": {}, "body": "raw"`},
		{"a form of nothing", "", `"endpoint": "http://a", "method": "GET", "body": "form"`},
		{"JSON of nothing", "", `"endpoint": "http://a", "method": "GET", "body": "json"`},
		{"a payload that is not sent", "/payload", `"endpoint": "http://a", "method": "GET", "payload": {}, "body": "none"`},
		{"an unknown body", "/body", `"endpoint": "http://a", "method": "GET", "payload": {}, "body": "xml"`},
		{"a header that is no text", "/headers/A", `"endpoint": "http://a", "method": "GET", "headers": {"A": 1}`},
		{"a header with a line break", "/headers/A", `"endpoint": "http://a", "method": "GET", "headers": {"A": "x\r\nB: y"}`},
		{"a header name that is none", "/headers/A B", `"endpoint": "http://a", "method": "GET", "headers": {"A B": "x"}`},
		{"a header of the connection", "/headers/Content-Length", `"endpoint": "http://a", "method": "GET", "headers": {"Content-Length": "1"}`},
		{"no time at all", "/timeout", `"endpoint": "http://a", "method": "GET", "timeout": 0`},
		{"no time at all as text", "/timeout", `"endpoint": "http://a", "method": "GET", "timeout": "0m0.0s"`},
		{"negative time", "/timeout", `"endpoint": "http://a", "method": "GET", "timeout": "-1s"`},
		{"time without a unit", "/timeout", `"endpoint": "http://a", "method": "GET", "timeout": "30"`},
		{"a status that is none", "/expect_status", `"endpoint": "http://a", "method": "GET", "expect_status": 99`},
		{"a status that is text", "/expect_status", `"endpoint": "http://a", "method": "GET", "expect_status": "200"`},
		{"no status", "/expect_status", `"endpoint": "http://a", "method": "GET", "expect_status": []`},
		{"an unknown TLS option", "/tls/insecure", `"endpoint": "http://a", "method": "GET", "tls": {"insecure": true}`},
		{"an authority that is no PEM", "/tls/ca_pem", `"endpoint": "http://a", "method": "GET", "tls": {"ca_pem": "/etc/ca.pem"}`},
		{"an unknown member", "/retries", `"endpoint": "http://a", "method": "GET", "retries": 3`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			violations := s.Validate([]byte("{" + c.members + "}"))
			if !slices.ContainsFunc(violations, func(v schema.Violation) bool { return v.Pointer == c.pointer }) {
				t.Errorf("%v, want one at %q", violations, c.pointer)
			}
		})
	}
}

func TestHeaderValuesAreSecrets(t *testing.T) {
	args := `{"endpoint": "http://a", "method": "GET", "headers": {"Authorization": "Bearer x", "X/Y": "z"}, "payload": {"a": "b"}}`
	got := compiled(t).Secrets([]byte(args))
	if want := []string{"/headers/Authorization", "/headers/X~1Y"}; !slices.Equal(got, want) {
		t.Errorf("secrets %v, want %v", got, want)
	}
}

func TestSchemaDescribesArgs(t *testing.T) {
	type object struct {
		Description string
		Properties  map[string]json.RawMessage
	}
	var check func(document []byte, of reflect.Type)
	check = func(document []byte, of reflect.Type) {
		var node object
		if err := json.Unmarshal(document, &node); err != nil {
			t.Fatal(err)
		}
		fields := map[string]reflect.Type{}
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields[name] = field.Type
		}
		if got, want := slices.Sorted(maps.Keys(node.Properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the struct %v", of, got, want)
		}
		for name, property := range node.Properties {
			var described object
			if err := json.Unmarshal(property, &described); err != nil || described.Description == "" {
				t.Errorf("%s has no description: %v", name, err)
			}
			if described.Properties != nil {
				check(property, fields[name])
			}
		}
	}
	check(argsSchema, reflect.TypeFor[Args]())
}

func TestExamplesAreValid(t *testing.T) {
	s := compiled(t)
	for _, args := range []Args{example, jsonExample} {
		document, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		if violations := s.Validate(document); violations != nil {
			t.Errorf("%s: %v", document, violations)
		}
	}
}

func TestExamplePlansAreValid(t *testing.T) {
	files, err := filepath.Glob("../../../examples/plans/*api-request*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example plans: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var plan struct {
			Attack struct{ Args json.RawMessage }
		}
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if violations := compiled(t).Validate(plan.Attack.Args); violations != nil {
			t.Errorf("%s: %v", file, violations)
		}
	}
}

// FuzzEndpoint looks for endpoints that are valid, but can't be called.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{"http://localhost:4500", "https://[::1]/x?y#z", "http://é/%41", "http://a:1:2", "http://[:]"} {
		f.Add(seed)
	}
	s := compiled(f)
	f.Fuzz(func(t *testing.T, endpoint string) {
		document, err := json.Marshal(Args{Endpoint: endpoint, Method: "GET"})
		if err != nil || s.Validate(document) != nil {
			return
		}
		var args Args
		if err := json.Unmarshal(document, &args); err != nil {
			t.Fatal(err)
		}
		request, err := args.request(t.Context(), "0190")
		if err != nil {
			t.Fatalf("%q: %v", endpoint, err)
		}
		if request.URL.Hostname() == "" || request.URL.User != nil || !slices.Contains([]string{"http", "https"}, request.URL.Scheme) {
			t.Errorf("%q is read as %+v", endpoint, *request.URL)
		}
	})
}

// A URL with a password is refused with what the endpoint may be, not with itself.
func TestARefusedPasswordIsNotRepeated(t *testing.T) {
	violations := compiled(t).Validate([]byte(`{"endpoint": "http://ann:s3cret@shop.example/", "method": "GET"}`))
	if len(violations) != 1 || strings.Contains(violations[0].Message, "s3cret") ||
		!strings.Contains(violations[0].Hint, "it may not hold a user name or password") {
		t.Errorf("it says %+v", violations)
	}
}
