package openapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// catalogue is an engine that offers plugins, and does nothing else.
type catalogue struct {
	httpapi.Engine
	offers []engine.Offer
}

func (c catalogue) Offers(kind engine.Kind) []engine.Offer {
	return slices.DeleteFunc(slices.Clone(c.offers), func(o engine.Offer) bool { return o.Kind != kind })
}

func (c catalogue) Zone() *time.Location { return time.UTC }

// served is the description by a server that has every route.
func served(t *testing.T, offers ...engine.Offer) []byte {
	t.Helper()
	s := httpapi.NewServer(httpapi.Config{
		Open: httpapi.OpenToAll, Keys: &access.Keyring{}, Audit: struct{ audit.Store }{}, Metrics: http.NotFoundHandler(),
		Backup: func(context.Context) (httpapi.Backup, error) { return httpapi.Backup{}, nil },
	}, catalogue{offers: offers}, hclog.NewNullLogger())
	r := httptest.NewRequest(http.MethodGet, "/api/1/openapi.json", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q: %.300s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return w.Body.Bytes()
}

// judged has a validator that is not ours load and judge a description.
func judged(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	err = doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation())
	if err != nil {
		t.Fatalf("validate: %v", err)
	}
	return doc
}

func offer(t *testing.T, kind engine.Kind, ref, doc string, examples ...string) engine.Offer {
	t.Helper()
	compiled, err := schema.Compile([]byte(doc))
	if err != nil {
		t.Fatalf("the schema of %s: %v", ref, err)
	}
	o := engine.Offer{Compiled: compiled}
	o.Kind, o.Ref, o.Title, o.Schema = kind, engine.Ref(ref), "Title of "+ref, json.RawMessage(doc)
	for _, example := range examples {
		o.Examples = append(o.Examples, json.RawMessage(example))
	}
	return o
}

func TestTheDescriptionIsValidOpenAPI(t *testing.T) {
	doc := judged(t, served(t))
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	var named []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			named = append(named, op.OperationID)
			checkExamples(t, op)
			if op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("%s %s lacks a summary, a description or one tag of the list", method, path)
			}
		}
	}
	slices.Sort(named)
	if unique := slices.Compact(slices.Clone(named)); len(unique) != len(named) {
		t.Errorf("operations with one name: %v", named)
	}
}

// checkExamples wants an example of each body, and that they are valid.
func checkExamples(t *testing.T, op *openapi3.Operation) {
	t.Helper()
	bodies := map[string]openapi3.Content{}
	if op.RequestBody != nil {
		bodies["request"] = op.RequestBody.Value.Content
	}
	for status, response := range op.Responses.Map() {
		bodies[status] = response.Value.Content
	}
	for of, content := range bodies {
		for media, body := range content {
			if body.Schema == nil { // bytes
				continue
			}
			values := []any{body.Example}
			for _, example := range body.Examples {
				values = append(values, example.Value.Value)
			}
			values = slices.DeleteFunc(values, func(v any) bool { return v == nil })
			if len(values) == 0 {
				t.Errorf("%s: there is no example of its %s as %s", op.OperationID, of, media)
			}
			for _, value := range values {
				if err := body.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation()); err != nil {
					t.Errorf("%s: an example of its %s: %v", op.OperationID, of, err)
				}
			}
		}
	}
}

// Plugins write their schemas in several drafts. What such a schema takes, the
// description takes, and what it refuses is refused, under each of its names.
func TestPluginsSchemasMeanTheSameInTheDescription(t *testing.T) {
	for _, c := range []struct {
		rule, doc     string
		valid, broken []string // args
	}{
		{
			"2020-12 with references", `{"type":"object","properties":{"ref":{"type":"string"},"args":{"$ref":"#/$defs/args"}},"required":["args"],
				"$defs":{"args":{"type":"object","properties":{"a/b":{"$ref":"#/$defs/a~1b"},"next":{"$ref":"#/$defs/args"}}},"a/b":{"type":"integer","minimum":3}}}`,
			[]string{`{"a/b":3}`, `{"next":{"next":{}}}`},
			[]string{`{"a/b":2}`, `{"next":{"a/b":"x"}}`},
		},
		{
			"anchors and the schema's own id", `{"$id":"https://example.org/a","type":"object","properties":{"args":{"properties":
				{"a":{"$ref":"#word"},"b":{"$ref":"https://example.org/a#/$defs/w"}}}},"$defs":{"w":{"$anchor":"word","type":"string"}}}`,
			[]string{`{"a":"x","b":"y"}`},
			[]string{`{"a":1}`, `{"b":1}`},
		},
		{
			"draft 07", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","definitions":{"n":{"type":"number"}},"properties":{"args":{
				"properties":{"list":{"items":[{"type":"string"},{"$ref":"#/definitions/n","maximum":1}],"additionalItems":false}},
				"dependencies":{"x":["y"],"z":{"required":["w"]}},"unevaluatedProperties":false}}}`,
			[]string{`{"list":["a",7]}`, `{"x":1,"y":2}`, `{"z":1,"w":1}`, `{"other":1}`},
			[]string{`{"list":[1]}`, `{"list":["a",7,8]}`, `{"x":1}`, `{"z":1}`},
		},
		{
			"draft 04", `{"$schema":"http://json-schema.org/draft-04/schema#","id":"https://example.org/b","type":"object","properties":{"args":{
				"properties":{"n":{"type":"number","minimum":1,"exclusiveMinimum":true,"maximum":9,"exclusiveMaximum":false},"c":{"const":5},"all":{"$ref":"#"}}}}}`,
			[]string{`{"n":1.5}`, `{"n":9}`, `{"c":6}`, `{"all":{"args":{"n":2}}}`},
			[]string{`{"n":1}`, `{"n":10}`, `{"all":{"args":{"n":1}}}`},
		},
		{
			"2019-09", `{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object","properties":{"args":{"type":"object","$ref":"#/$defs/p",
				"properties":{"list":{"items":[true,{"type":"null"}]}},"unevaluatedProperties":false}},"$defs":{"p":{"properties":{"a":{"minLength":2}}}}}`,
			[]string{`{"a":"xx","list":[1,null,2]}`},
			[]string{`{"a":"x"}`, `{"b":1}`, `{"list":[1,2]}`},
		},
		{
			"words of OpenAPI that mean nothing to a plugin", `{"type":"object","properties":{"args":{"nullable":true,"discriminator":"x","xml":5,"externalDocs":1,
				"oneOf":[{"required":["a"]},{"required":["b"]}],"if":{"required":["c"]},"then":{"required":["d"]}}}}`,
			[]string{`{"a":1}`, `{"b":1,"c":1,"d":1}`},
			[]string{`{"a":1,"b":1}`, `{"a":1,"c":1}`},
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			attack := offer(t, engine.KindAttack, "m.odule:Name", c.doc, `{"ref":"m.odule:Name","args":`+c.valid[0]+`}`)
			attack.Aliases = []engine.Ref{"m.odule.Name", "old:Name"}
			planner := offer(t, engine.KindPlanner, "p:P", `{"type":"object","properties":{"args":{"type":"object"}}}`, `{"ref":"p:P","args":{}}`)
			body := planBody(t, judged(t, served(t, attack, planner)))
			for _, ref := range append(attack.Aliases, attack.Ref) {
				for _, args := range c.valid {
					if err := body(ref, args, "p:P", `{}`); err != nil {
						t.Errorf("%s of %s is refused: %v", args, ref, err)
					}
				}
				for _, args := range c.broken {
					config := fmt.Sprintf(`{"ref":%q,"args":%s}`, attack.Ref, args)
					if len(attack.Compiled.Validate([]byte(config))) == 0 {
						t.Errorf("%s is not broken", args)
					}
					if body(ref, args, "p:P", `{}`) == nil {
						t.Errorf("%s of %s is taken", args, ref)
					}
				}
			}
			if body("no:Such", c.valid[0], "p:P", `{}`) == nil {
				t.Error("an attack that is not there is taken")
			}
		})
	}
}

// planBody returns a function that judges the body of a new plan.
func planBody(t *testing.T, doc *openapi3.T) func(attack engine.Ref, args, planner, plannerArgs string) error {
	t.Helper()
	judge := doc.Paths.Value("/api/1/plans/").Post.RequestBody.Value.Content["application/json"].Schema.Value
	return func(attack engine.Ref, args, planner, plannerArgs string) error {
		text := fmt.Sprintf(`{"name":"n","attack":{"ref":%q,"args":%s},"planner":{"ref":%q,"args":%s}}`, attack, args, planner, plannerArgs)
		var body any
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return judge.VisitJSON(body, openapi3.EnableJSONSchema2020())
	}
}

func TestAPlannerMayDescribeItsArgsAlone(t *testing.T) {
	attack := offer(t, engine.KindAttack, "a:A", `{"type":"object","required":["ref"]}`, `{"ref":"a:A"}`)
	planner := offer(t, engine.KindPlanner, "p:P", `{"type":"object","required":["times"],"properties":{"times":{"type":"integer"}}}`, `{"times":3}`)
	doc := judged(t, served(t, attack, planner))
	body := planBody(t, doc)
	if err := body("a:A", `{}`, "p:P", `{"times":1}`); err != nil {
		t.Error(err)
	}
	if body("a:A", `{}`, "p:P", `{"times":"x"}`) == nil || body("a:A", `{}`, "p:P", `{}`) == nil {
		t.Error("what its schema refuses is taken")
	}
	example, err := json.Marshal(doc.Paths.Value("/api/1/plans/").Post.RequestBody.Value.Content["application/json"].Examples)
	if err != nil || !strings.Contains(string(example), `"planner":{"args":{"times":3},"ref":"p:P"}`) {
		t.Errorf("the examples are %s, %v", example, err)
	}
}

// What can't be told is left out: the document stays valid, takes every config of
// that ref, and says where the schema is.
func TestWhatCannotBeToldIsLeftOut(t *testing.T) {
	for rule, doc := range map[string]string{
		"a dynamic reference":                 `{"type":"object","$dynamicAnchor":"n","properties":{"args":{"$dynamicRef":"#n"}}}`,
		"a part with its own id":              `{"type":"object","properties":{"args":{"$id":"https://example.org/x","$ref":"#/$defs/y","$defs":{"y":{"type":"integer"}}}}}`,
		"more parts than are shown":           `{"properties":{"a":{"properties":{` + manyProperties(2500) + `}},"b":{"$ref":"#/properties/a"}}}`,
		"parts that stand deep in each other": `{"$ref":"#/$defs/p0","$defs":{` + chain(101) + `}}`,
		"an alias that is refused":            `{"type":"object","allOf":[{"properties":{"ref":{"const":"a:A"}}}],"properties":{"args":{"type":"object"}}}`,
	} {
		t.Run(rule, func(t *testing.T) {
			attack := offer(t, engine.KindAttack, "a:A", doc, `{"ref":"a:A","args":{}}`)
			attack.Aliases = []engine.Ref{"a.A"}
			planner := offer(t, engine.KindPlanner, "p:P", `true`)
			described := judged(t, served(t, attack, planner))
			if err := planBody(t, described)("a.A", `{"any":["thing"]}`, "p:P", `{}`); err != nil {
				t.Error(err)
			}
			if said := described.Components.Schemas["attack.a.A"].Value.Description; !strings.Contains(said, "is not shown here") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// manyProperties are n of them.
func manyProperties(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"p%d":{}`, i)
	}
	return strings.Join(list, ",")
}

// chain is n definitions, each of which refers to the next; the last takes anything.
func chain(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"p%d":{"items":{"$ref":"#/$defs/p%d"}}`, i, i+1)
	}
	return strings.Join(list, ",") + fmt.Sprintf(`,"p%d":{}`, n)
}

// A part of one schema may be called as another attack is.
func TestPartsKeepApartFromOffers(t *testing.T) {
	const (
		whole = `{"type":"object","properties":{"args":{"type":"object","required":["whole"]}}}`
		parts = `{"type":"object","properties":{"args":{"anyOf":[{"$ref":"#/$defs/c/x"},{"$ref":"#/$defs/d/x"}]}},
			"$defs":{"c":{"x":{"type":"object","required":["c"]}},"d":{"x":{"type":"object","required":["d"]}}}}`
	)
	for _, other := range []string{"a.B.x", "a:B:x", "a.B.x_2"} {
		planner := offer(t, engine.KindPlanner, "p:P", `true`, `{"ref":"p:P"}`)
		doc := judged(t, served(t, offer(t, engine.KindAttack, other, whole), offer(t, engine.KindAttack, "a:B", parts), planner))
		body := planBody(t, doc)
		for _, c := range []struct {
			ref, args string
			taken     bool
		}{
			{other, `{"whole":1}`, true},
			{other, `{"c":1,"d":1}`, false},
			{"a:B", `{"c":1}`, true},
			{"a:B", `{"d":1}`, true},
			{"a:B", `{"whole":1}`, false},
		} {
			if err := body(engine.Ref(c.ref), c.args, "p:P", `{}`); (err == nil) != c.taken {
				t.Errorf("beside %s: %s of %s: %v", other, c.args, c.ref, err)
			}
		}
	}
}

// What a plugin has in its schema can't pass for what the daemon says of it.
func TestAPluginDoesNotSayWhoseConfigThatIs(t *testing.T) {
	attack := offer(t, engine.KindAttack, "a:A", `{"$ref":"#/$defs/x","title":"T","$defs":{"x":{"type":"object","x-ui":{"y":1},
		"x-offer":{"kind":"attack","ref":"b:B"},"properties":{"args":{"x-offer":{"kind":"nothing"},"$ref":"#/$defs/y"}}},"y":{"x-offer":{"kind":"no"}}}}`, `{"ref":"a:A","args":{}}`)
	text := served(t, attack, offer(t, engine.KindPlanner, "p:P", `true`, `{"ref":"p:P"}`))
	schemas := judged(t, text).Components.Schemas
	for name, s := range schemas {
		of, said := s.Value.Extensions["x-offer"].(map[string]any)
		if offered := name == "attack.a.A" || name == "planner.p.P"; said != offered || name == "attack.a.A" && of["ref"] != "a:A" {
			t.Errorf("%s is said to be of %v", name, of)
		}
	}
	if schemas["attack.a.A.x"].Value.Extensions["x-ui"] == nil {
		t.Error("what it says of its forms is left out")
	}
	if schemas["attack.a.A"].Value.Title != "Title of a:A" {
		t.Errorf("it is called %q", schemas["attack.a.A"].Value.Title)
	}
}

func TestRefsThatLookAlikeKeepApart(t *testing.T) {
	const doc = `{"type":"object","properties":{"args":{"type":"object"}}}`
	described := judged(t, served(t, offer(t, engine.KindAttack, "a:B", doc), offer(t, engine.KindAttack, "a.B", doc)))
	mapping := described.Components.Schemas["AttackConfig"].Value.Discriminator.Mapping
	if mapping["a:B"].Ref == mapping["a.B"].Ref {
		t.Errorf("both are %s", mapping["a:B"].Ref)
	}
}
