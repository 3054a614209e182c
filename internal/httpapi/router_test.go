package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestCollectionsWithoutTheirSlash(t *testing.T) {
	tests := []struct {
		method, target, location string
		status                   int
	}{
		{"GET", "/api/1/plans", "/api/1/plans/", 301},
		{"HEAD", "/api/1/executors", "/api/1/executors/", 301},
		{"GET", "/api/1/executors?executed=true&state=a%2Cb", "/api/1/executors/?executed=true&state=a%2Cb", 301},
		{"POST", "/api/1/plans?x=1", "/api/1/plans/?x=1", 308},
		{"OPTIONS", "/api/1/plugins", "/api/1/plugins/", 308},
		{"GET", "/api/1/attacks", "/api/1/attacks/", 301},
		{"GET", "/api/1/planners", "/api/1/planners/", 301},
		{"GET", "/api/1/undos?state=open", "/api/1/undos/?state=open", 301},
		{"GET", "/api/1", "/api/1/", 301},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			f := newFake(t)
			a := do(t, f, sendJSON(tt.method, tt.target, minimalPlan)).is(tt.status)
			if got := a.header.Get("Location"); got != tt.location {
				t.Errorf("Location %q, want %q", got, tt.location)
			}
			path, _, _ := strings.Cut(tt.location, "?")
			if tt.method == http.MethodHead {
				if len(a.body) != 0 {
					t.Errorf("body %q", a.body)
				}
			} else {
				a.has("msg", `"moved to `+path+`; send it there"`)
			}
			if len(f.changes) != 0 {
				t.Errorf("a redirect did %v", f.changes)
			}
		})
	}
}

func TestOptionsAndWrongMethodsSayWhatIsAllowed(t *testing.T) {
	for target, want := range map[string]string{
		"/":                                 "GET, HEAD, OPTIONS",
		"/healthz":                          "GET, HEAD, OPTIONS",
		"/api/1/plans/":                     "GET, HEAD, OPTIONS, POST",
		"/api/1/plans/" + nobody:            "DELETE, GET, HEAD, OPTIONS",
		"/api/1/plans/" + nobody + "/halt":  "OPTIONS, POST",
		"/api/1/executors/" + nobody:        "DELETE, GET, HEAD, OPTIONS, PUT",
		"/api/1/executors/" + nobody + "/x": "",
		"/api/1/plugins/rescan":             "OPTIONS, POST",
		"/api/1/halt":                       "DELETE, GET, HEAD, OPTIONS, PUT",
		"/api/1/halt/":                      "DELETE, GET, HEAD, OPTIONS, PUT",
		"/api/1/status":                     "GET, HEAD, OPTIONS",
		"/api/1/undos/":                     "GET, HEAD, OPTIONS",
		undoTarget:                          "GET, HEAD, OPTIONS",
		undoTarget + "/retry":               "OPTIONS, POST",
		undoTarget + "/abandon":             "OPTIONS, POST",
		"/metrics":                          "", // unless it is configured
	} {
		status := http.StatusNoContent
		if want == "" {
			status = http.StatusNotFound
		}
		a := do(t, newFake(t), call{method: http.MethodOptions, target: target}).is(status)
		if got := a.header.Get("Allow"); got != want {
			t.Errorf("%s allows %q, want %q", target, got, want)
		}
	}
	for _, allowed := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
		a := do(t, newFake(t), call{method: http.MethodPatch, target: "/api/1/plans/"}).is(http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); !containsToken(got, allowed) {
			t.Errorf("Allow %q lacks %s", got, allowed)
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	for _, target := range []string{
		"/", "/healthz", "/readyz", "/api/1/attacks/", "/api/1/plugins/", "/api/1/plans/", "/api/1/executors/?executed=true",
		"/api/1/plans/" + string(planA), "/api/1/executors/" + string(execA), "/api/1/executors/" + string(execA) + "/log",
		"/api/1/executors/" + string(execA) + "/log?follow=true", "/api/1/halt", "/api/1/status", "/api/1/undos/", undoTarget,
	} {
		a := do(t, undoing(newFake(t)), call{method: http.MethodHead, target: target}).is(http.StatusOK)
		if len(a.body) != 0 || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: content type %q, body %q", target, a.header.Get("Content-Type"), a.body)
		}
	}
	do(t, newFake(t), call{method: http.MethodHead, target: "/api/1/plans/" + nobody}).is(http.StatusNotFound)
}
