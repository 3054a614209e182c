package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// refused makes a call that must be answered with a problem.
func (c client) refused(t testing.TB, r request, status int, msg string) {
	t.Helper()
	checkProblem(t, c.send(t, r), status, msg)
}

// checkProblem checks a refusal. msg is the whole text, its beginning when it
// ends in "…", or "" for any.
func checkProblem(t testing.TB, a answer, status int, msg string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %.500s", a.status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q: %.500s", got, a.body)
		return
	}
	doc := a.doc(t)
	for _, name := range []string{"type", "title", "detail", "msg"} {
		if doc.text(name) == "" {
			t.Errorf("no %s in %s", name, a.body)
		}
	}
	if toJSON(t, doc["status"]) != fmt.Sprint(a.status) {
		t.Errorf("the status in the body is %v", doc["status"])
	}
	got := doc.text("msg")
	if begin, cut := strings.CutSuffix(msg, "…"); cut && !strings.HasPrefix(got, begin) || !cut && msg != "" && got != msg {
		t.Errorf("msg %q, want %q", got, msg)
	}
}
