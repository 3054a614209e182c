package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// haltTargets are where an executor and a plan are halted, with what the engine
// is then told to do.
var haltTargets = map[string]string{
	"/api/1/executors/" + string(execA) + "/halt": "halt " + string(execA),
	"/api/1/plans/" + string(planA) + "/halt":     "halt " + string(planA),
}

const requested = "halted on request"

// TestNothingKeepsAnAttackFromBeingHalted sends what somebody may send at night.
func TestNothingKeepsAnAttackFromBeingHalted(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		reason                  string
		warning                 string // a part of the only one
		unread                  bool
	}{
		{name: "no body", reason: requested},
		{name: "no body with a type", contentType: "application/json", reason: requested},
		{name: "a blank body", contentType: "application/json", body: " \n", reason: requested},
		{name: "nothing in it", contentType: "application/json", body: `{}`, reason: requested},
		{name: "a blank reason", contentType: "application/json", body: `{"reason":" "}`, reason: requested},
		{name: "a reason", contentType: "application/json", body: `{"reason":" it burns "}`, reason: "it burns"},
		{name: "what curl takes for a form", contentType: "application/x-www-form-urlencoded", body: `{"reason":"it burns"}`, reason: "it burns"},
		{name: "no content type", body: `{"reason":"it burns"}`, reason: "it burns"},
		{name: "a broken content type", contentType: ";;", body: `{"reason":"it burns"}`, reason: "it burns"},
		{
			name: "an unknown member", contentType: "application/json", body: `{"reason":"it burns","by":"ops"}`,
			reason: "it burns", warning: `unknown member "by" is ignored`,
		},
		{name: "a form", contentType: "application/x-www-form-urlencoded", body: "a=b", reason: requested, warning: "invalid character", unread: true},
		{name: "half a body", contentType: "application/json", body: `{"reason":"it bu`, reason: requested, warning: "unexpected end", unread: true},
		{name: "a list", contentType: "application/json", body: `[]`, reason: requested, warning: "not of type 'object'", unread: true},
		{name: "a number for a reason", contentType: "application/json", body: `{"reason":5}`, reason: requested, warning: "5 is not of type 'string'", unread: true},
		{name: "a reason without end", body: `{"reason":"` + strings.Repeat("r", 1025) + `"}`, reason: requested, warning: "/reason: ", unread: true},
		{name: "bytes that are not UTF-8", body: "{\"reason\":\"\xff\"}", reason: requested, warning: "not UTF-8", unread: true},
		{name: "a body too large", body: strings.Repeat("x", maxBody+1), reason: requested, warning: "larger than", unread: true},
	}
	for target, change := range haltTargets {
		for _, tt := range tests {
			t.Run(change+"/"+tt.name, func(t *testing.T) {
				f := newFake(t)
				c := call{method: http.MethodPost, target: target, body: tt.body}
				if tt.contentType != "" {
					c = c.with("Content-Type", tt.contentType)
				}
				a := do(t, f, c)
				if a.status != http.StatusOK && a.status != http.StatusAccepted {
					t.Fatalf("status %d: %s", a.status, a.body)
				}
				if f.reason != tt.reason || !slices.Equal(f.changes, []string{change}) {
					t.Errorf("%v: %q", f.changes, f.reason)
				}
				checkHaltWarning(t, a, tt.warning, tt.unread)
			})
		}
	}
}

// checkHaltWarning looks for the only warning, or for none. What is left of an
// unread body is not read.
func checkHaltWarning(t *testing.T, a answer, part string, unread bool) {
	t.Helper()
	warnings, _ := a.doc()["_warnings"].([]any)
	text := fmt.Sprint(warnings...)
	if (part == "") != (len(warnings) == 0) || len(warnings) > 1 || !strings.Contains(text, part) {
		t.Errorf("warnings %q, want %q", warnings, part)
	}
	const start, end = "the reason could not be read out of the body: ", "; the halt is carried out all the same"
	if whole := strings.HasPrefix(text, start) && strings.HasSuffix(text, end); whole != unread {
		t.Errorf("warnings %q", warnings)
	}
	if got := a.header.Get("Connection") == "close"; got != unread {
		t.Errorf("Connection: close is %v", got)
	}
}

func TestAHaltDoesNotWaitForAClientThatHangs(t *testing.T) {
	for target, change := range haltTargets {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			_, addr := serveLoopback(t, Config{BodyTimeout: time.Minute}, f)
			began := time.Now()
			res := raw(t, addr, "POST "+target+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
			if took := time.Since(began); res.StatusCode >= 300 || took > 5*haltBodyWait {
				t.Errorf("%s after %v", res.Status, took)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || !strings.Contains(string(body), "the body took too long to arrive") {
				t.Errorf("%v: %s", err, body)
			}
			if f.reason != requested || !slices.Equal(f.changes, []string{change}) {
				t.Errorf("%v: %q", f.changes, f.reason)
			}
		})
	}
}

func TestAHaltOfNothingIsNotFoundWhateverItsBody(t *testing.T) {
	for _, target := range []string{"/api/1/executors/" + nobody + "/halt", "/api/1/executors/7/halt", "/api/1/plans/7/halt"} {
		f := newFake(t)
		do(t, f, call{method: http.MethodPost, target: target, body: "{"}).is(http.StatusNotFound)
		if len(f.changes) != 0 {
			t.Errorf("%s: did %v", target, f.changes)
		}
	}
}

// A slash behind the lever's path is no reason not to stop.
func TestTheLeverWithASlashBehind(t *testing.T) {
	f := newFake(t)
	f.halted.Durable = true
	const target = "/api/1/halt/"
	do(t, f, call{method: http.MethodPut, target: target, body: `{"reason":"it burns"}`}).is(http.StatusOK).
		has("engaged", "true").has("reason", `"it burns"`).has("_links.self.href", `"/api/1/halt"`)
	do(t, f, get(target)).is(http.StatusOK).has("engaged", "true")
	do(t, f, call{method: http.MethodDelete, target: target + "?by=ops"}).is(http.StatusOK).
		has("engaged", "false").has("released_by", `"ops"`)
	if !slices.Equal(f.changes, []string{"engage", "release"}) {
		t.Errorf("did %v", f.changes)
	}
}
