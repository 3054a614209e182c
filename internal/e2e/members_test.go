package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// members looks for what answers have and the description does not tell of. The
// description itself leaves room for more, so that it can grow; here it gets none.
type members struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer
}

const descriptionAddress = "https://cmed.invalid/openapi.json"

func newMembers(text []byte) (*members, error) {
	m := &members{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	m.compiler.Draft = jsonschema.Draft2020
	m.compiler.AssertFormat = true
	if err := json.Unmarshal(text, &m.doc); err != nil {
		return nil, err
	}
	closeSchemas(m.doc)
	closed, err := json.Marshal(m.doc)
	if err != nil {
		return nil, err
	}
	return m, m.compiler.AddResource(descriptionAddress, bytes.NewReader(closed))
}

// closeSchemas refuses members that are not told of, wherever a schema says what a
// value has: in answers, in members and in items. What is put together by allOf is
// closed as a whole.
func closeSchemas(v any) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			closeSchemas(each)
		}
	case map[string]any:
		for name, each := range v {
			switch name {
			case "example", "examples", "default", "enum", "const":
				continue
			case "properties":
				members, _ := each.(map[string]any)
				for _, member := range members {
					closeSchema(member)
				}
			case "items", "schema", "additionalProperties", "x-lines":
				closeSchema(each)
			case "x-events":
				events, _ := each.(map[string]any)
				for _, event := range events {
					closeSchema(event)
				}
			}
			closeSchemas(each)
		}
	}
}

func closeSchema(v any) {
	schema, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, keyword := range []string{"properties", "allOf", "anyOf", "$ref"} {
		if _, tells := schema[keyword]; tells {
			schema["unevaluatedProperties"] = false
			return
		}
	}
}

// check judges the JSON of an answer: a document, or the data of its events and
// its lines.
func (m *members) check(route *routers.Route, e exchange) error {
	media, _, err := mime.ParseMediaType(e.got.Get("Content-Type"))
	if err != nil || e.method == http.MethodHead {
		return nil
	}
	at := fmt.Sprintf("/paths/%s/%s/responses/%d/content/%s", escape(route.Path), strings.ToLower(route.Method), e.status, escape(media))
	switch {
	case media == "text/event-stream":
		return m.checkEvents(at+"/x-events", e.answer)
	case media == "application/x-ndjson":
		for line := range bytes.Lines(e.answer) {
			if err := m.judge(at+"/x-lines", line); err != nil {
				return err
			}
		}
		return nil
	case media == "application/problem+json":
		return m.judge("/components/schemas/Problem", e.answer)
	case strings.HasSuffix(media, "json"):
		return m.judge(at+"/schema", e.answer)
	}
	return nil
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// at finds what a pointer names.
func (m *members) at(pointer string) any {
	var v any = m.doc
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, _ := v.(map[string]any)
		v = object[strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")]
	}
	return v
}

func (m *members) judge(pointer string, text []byte) error {
	schema := m.compiled[pointer]
	if schema == nil {
		if m.at(pointer) == nil {
			return fmt.Errorf("the description has nothing at %s", pointer)
		}
		var err error
		if schema, err = m.compiler.Compile(descriptionAddress + "#" + strings.NewReplacer("{", "%7B", "}", "%7D", "*", "%2A").Replace(pointer)); err != nil {
			return err
		}
		m.compiled[pointer] = schema
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return err
	}
	err := schema.Validate(doc)
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return fmt.Errorf("%s in %.300s", invalid.GoString(), text) // all that is wrong
	}
	return err
}

// checkEvents judges the data of whole server-sent events.
func (m *members) checkEvents(at string, text []byte) error {
	kinds, _ := m.at(at).(map[string]any)
	var name string
	var data []byte
	for lines := bufio.NewReader(bytes.NewReader(text)); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil // the end, or half an event
		}
		switch field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); field {
		case "event":
			name = value
		case "data":
			data = []byte(value)
		case "retry":
			if _, err := strconv.Atoi(value); err != nil {
				return err
			}
		case "":
			if data == nil {
				continue
			}
			kind := "*"
			if kinds[name] != nil {
				kind = name
			}
			if err := m.judge(at+"/"+kind, data); err != nil {
				return fmt.Errorf("event %s: %w", name, err)
			}
			name, data = "", nil
		}
	}
}
