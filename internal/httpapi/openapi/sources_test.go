package openapi_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

// What is written and what the program knows must fit, or there is no document.
func TestWhatIsWrittenMustFitWhatThereIs(t *testing.T) {
	for _, c := range []struct {
		rule, want string
		change     func(*openapi.Sources)
	}{
		{"an operation without a description", `the operation "fly" is not described`, func(s *openapi.Sources) {
			s.Operations = []openapi.Operation{{Method: "GET", Path: "/fly", Name: "fly"}}
		}},
		{"two operations in one place", `GET /x is there twice`, func(s *openapi.Sources) {
			s.Operations = []openapi.Operation{{Method: "GET", Path: "/x", Name: "health"}, {Method: "GET", Path: "/x", Name: "status"}}
		}},
		{"a member that is described and not taken", `schema HaltBody: it describes "reason", which the body does not have`, func(s *openapi.Sources) {
			s.Bodies["halt"] = `{"properties":{}}`
		}},
		{"a member that is taken and not described", `schema HaltBody: it does not describe "how"`, func(s *openapi.Sources) {
			s.Bodies["halt"] = `{"properties":{"reason":{},"how":{}}}`
		}},
		{"a member further inside", `in args: it does not describe "time"`, func(s *openapi.Sources) {
			s.Bodies["date"] = `{"properties":{"args":{"properties":{"date":{},"time":{}}}}}`
		}},
		{"a body of no schema", `there is no schema of a body "key"`, func(s *openapi.Sources) { delete(s.Bodies, "key") }},
		{"words that nobody knows", `there are no words "roles"`, func(s *openapi.Sources) { delete(s.Words, "roles") }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := openapi.Sources{Bodies: maps.Clone(emptyBodies), Words: maps.Clone(emptyWords)}
			c.change(&s)
			if _, err := openapi.New(s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestOneOperationAtSeveralPaths(t *testing.T) {
	doc, err := openapi.New(openapi.Sources{Bodies: emptyBodies, Words: emptyWords, Operations: []openapi.Operation{
		{Method: "GET", Path: "/", Name: "entry"}, {Method: "GET", Path: "/api/1/", Name: "entry"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	paths := doc.Root().Object("paths")
	if len(paths.Names()) != 1 || paths.Object("/", "get").List("x-also-at")[0] != "/api/1/" {
		t.Errorf("the paths are %v", paths.Names())
	}
}
