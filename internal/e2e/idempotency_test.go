package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	d := start(t)
	post := func(key string, body any) answer {
		return d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: body, header: map[string]string{"Idempotency-Key": key}})
	}
	body := sleepPlan(tomorrow())
	first := post("one", body)
	if first.status != http.StatusOK || first.header.Get("Idempotent-Replayed") != "" {
		t.Fatalf("first: %d %v %s", first.status, first.header, first.body)
	}
	again := post("one", body)
	if again.status != http.StatusOK || string(again.body) != string(first.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %v\n%s\nwant\n%s", again.status, again.header, again.body, first.body)
	}
	if a := post("one", with(body, map[string]any{"name": "other"})); a.status != http.StatusUnprocessableEntity || a.doc(t).text("msg") == "" {
		t.Errorf("another body: %d %s", a.status, a.body)
	}
	if a := post("two", body); a.status != http.StatusOK || a.doc(t).text("id") == first.doc(t).text("id") {
		t.Errorf("another key: %d %s", a.status, a.body)
	}
	d.stop(t)
	d.restart(t)
	if a := post("one", body); a.doc(t).text("id") != first.doc(t).text("id") {
		t.Errorf("after a restart: %d %s", a.status, a.body)
	}
	if n := len(d.get(t, "/api/1/plans/").list("plans")); n != 2 {
		t.Errorf("%d plans were stored, want 2", n)
	}
}

// Requests with one key at once make one plan: the others get its answer, or
// are told to come back.
func TestIdempotencyKeyUsedAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t)
	body := sleepPlan(tomorrow())
	answers := make(chan answer, 16)
	for range cap(answers) {
		go func() {
			a, err := d.try(request{
				method: http.MethodPost, path: "/api/1/plans/", body: body, header: map[string]string{"Idempotency-Key": "k"},
			})
			if err != nil {
				a.body = fmt.Append(nil, err)
			}
			answers <- a
		}()
	}
	ids := map[string]bool{}
	for range cap(answers) {
		switch a := <-answers; a.status {
		case http.StatusOK:
			ids[a.doc(t).text("id")] = true
		case http.StatusConflict:
		default:
			t.Errorf("status %d: %s", a.status, a.body)
		}
	}
	if stored := len(d.get(t, "/api/1/plans/").list("plans")); len(ids) != 1 || stored != 1 {
		t.Errorf("%d plans answered, %d stored; want 1", len(ids), stored)
	}
}
