package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

func TestCheckJSON(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"an object", `{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}`, ""},
		{"a value like a name", `{"a":"b","b":"a","c":["a","a"]}`, ""},
		{"large numbers within reason", `[1e308,-1E-308,9007199254740993,0.1e+5]`, ""},
		{"scalars", `"x"`, ""},
		{"a member twice", `{"a":1,"b":{},"a":2}`, `the member "a" appears twice in one object`},
		{"a member twice, once escaped", `{"a":1,"\u0061":2}`, `the member "a" appears twice in one object`},
		{"a member twice in a list", `[[{"b":[],"b":1}]]`, `the member "b" appears twice in one object`},
		{"a member twice behind a list", `{"a":[1,{"x":1}],"c":[],"a":null}`, `the member "a" appears twice in one object`},
		{"an exponent out of range", `[1e401]`, "the number 1e401 is out of range"},
		{"an exponent beyond int", `[1e99999999999999999999]`, "the number 1e99999999999999999999 is out of range"},
		{"nothing", " ", "the body is empty"},
		{"half", `{"a"`, "unexpected end of JSON input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := checkJSON([]byte(tt.body)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzPlanBody posts anything: it is refused with a 400, or it is one whole
// plan.
func FuzzPlanBody(f *testing.F) {
	f.Add([]byte(minimalPlan))
	for _, b := range append(badBodies, badPlans...) {
		if len(b.call.body) < 1000 {
			f.Add([]byte(b.call.body))
		}
	}
	fake := newFake(f)
	handler := NewServer(Config{Open: OpenToAll}, fake, hclog.NewNullLogger()).Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		fake.changes = nil
		r := httptest.NewRequest(http.MethodPost, "/api/1/plans/", strings.NewReader(string(body)))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var doc struct{ Msg string }
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Msg == "" {
			t.Fatalf("answered %q: %v", w.Body, err)
		}
		switch {
		case w.Code == http.StatusBadRequest && len(fake.changes) == 0:
		case w.Code == http.StatusOK && json.Valid(fake.spec.Attack.Doc) && json.Valid(fake.spec.Planner.Doc):
			if s := fake.spec; s.Timeout < 0 || s.Timeout > maxSpan || s.MisfireGrace < 0 || s.MisfireGrace > maxSpan ||
				s.Seed != nil && (*s.Seed < 0 || *s.Seed >= 1<<53) {
				t.Errorf("accepted %+v", s)
			}
		default:
			t.Errorf("status %d after %v: %s", w.Code, fake.changes, w.Body)
		}
	})
}

// FuzzTriggerBody moves an executor to anywhere: a 400, or a move.
func FuzzTriggerBody(f *testing.F) {
	for _, b := range badTriggers {
		f.Add([]byte(b.call.body))
	}
	f.Add([]byte(`{"type":"date","args":{"date":"2026-12-01T10:00"}}`))
	fake := newFake(f)
	handler := NewServer(Config{Open: OpenToAll}, fake, hclog.NewNullLogger()).Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		fake.changes = nil
		r := httptest.NewRequest(http.MethodPut, "/api/1/executors/"+string(execA), strings.NewReader(string(body)))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if moved := len(fake.changes) == 1; moved != (w.Code == http.StatusOK) || !moved && w.Code != http.StatusBadRequest {
			t.Errorf("status %d after %v: %s", w.Code, fake.changes, w.Body)
		}
	})
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"tiemout": "timeout", "NAME": "name", "atack": "attack", "time_zone": "timezone", "misfiregrace": "misfire_grace",
		"zebra": "", "x": "", "": "", strings.Repeat("timeout", 10): "",
	} {
		if got := nearest.Name(name, planMembers); got != want {
			t.Errorf("%q is near %q, want %q", name, got, want)
		}
	}
}
