package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// TestAPlanThatCouldNotBeLookedAtIsNotOver, though those before it are.
func TestAPlanThatCouldNotBeLookedAtIsNotOver(t *testing.T) {
	var lost atomic.Bool
	lost.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, state := r.URL.Query().Get("plan_id"), "succeeded"
		if id == "b" {
			if lost.Load() {
				panic(http.ErrAbortHandler)
			}
			state = "failed"
		}
		fmt.Fprintf(w, `{"executors":[{"id":"e%s","plan_id":%q,"state":%q,"executed":true,"undo":"none"}]}`, id, id, state)
	}))
	defer server.Close()
	c, err := client.New(client.Options{Server: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	w := newWaiting(c, []client.Plan{{ID: "a"}, {ID: "b"}})
	if err := w.lookAtAll(t.Context()); !isUnreachable(err) {
		t.Fatalf("looked: %v", err)
	}
	if w.allOver() {
		t.Error("it is over, with a plan that was not seen")
	}
	if v := w.verdict(); v.code != exitUnfinished || v.words != "what became of the executors was not seen" {
		t.Errorf("%+v", v)
	}
	lost.Store(false)
	if err := w.lookAtAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict(); !w.allOver() || v.code != exitRunFailed {
		t.Errorf("%+v", v)
	}
}
