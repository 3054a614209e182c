package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// next is the next event that is not only an id.
func (s *stream) next(t testing.TB) event {
	t.Helper()
	for {
		if e := s.event(t); e.data != "" {
			return e
		}
	}
}

// until returns the names of the events up to one, and that.
func (s *stream) until(t testing.TB, name string) (names []string, last event) {
	t.Helper()
	for last.name != name {
		last = s.next(t)
		names = append(names, last.name)
	}
	return names, last
}

// What happens is told as it happens: plans, executors, undos, the lever and
// plugins. A client that was away gets what it has missed; after a restart it is
// told to read anew.
func TestEvents(t *testing.T) {
	t.Parallel()
	d := start(t)
	s := d.follow(t, "/api/1/events/", nil)
	opened := s.event(t)
	harmed := filepath.Join(d.dir, "harmed")
	id := d.attack(t, "e2e:Sleep", args{"for": "50ms"}, time.Now().Add(time.Second))
	names, last := s.until(t, "executor.succeeded")
	if want := []string{"plan.created", "executor.starting", "executor.running", "executor.succeeded"}; !slices.Equal(names, want) {
		t.Errorf("told %q, want %q", names, want)
	}
	var told struct {
		Type     string
		Executor executor
	}
	if err := json.Unmarshal([]byte(last.data), &told); err != nil || told.Type != last.name {
		t.Errorf("%+v: %v", last, err)
	}
	if e := d.executor(t, id); told.Executor.ID != id || told.Executor.State != e.State || *told.Executor.Finished != *e.Finished {
		t.Errorf("told %+v, it is %+v", told.Executor, e)
	}

	d.put(t, "/api/1/halt", map[string]any{"reason": "a drill"}, http.StatusOK)
	if _, e := s.until(t, "lever.engaged"); !strings.Contains(e.data, `"reason":"a drill"`) {
		t.Errorf("%+v", e)
	}
	s.until(t, "lever.stopped")
	s.cancel() // away for a while
	d.delete(t, "/api/1/halt", http.StatusOK)
	drop(t, built.testPlugin, d.attacks, "dropped")
	d.offers(t, "dropped:Count", true)
	back := d.follow(t, "/api/1/events/", map[string]string{"Last-Event-ID": last.id})
	names, last = back.until(t, "plugin.ready")
	if want := []string{"lever.engaged", "lever.stopped", "lever.released", "plugin.ready"}; !slices.Equal(names, want) {
		t.Errorf("missed were %q, want %q", names, want)
	}
	if !strings.Contains(last.data, `"path":"dropped"`) {
		t.Errorf("%+v", last)
	}

	d.attack(t, "e2e:Harm", args{"file": harmed, "fail": true}, time.Now())
	back.until(t, "undo.undone") // a change can be read before it is told
	past := d.follow(t, "/api/1/events/?follow=false&type=undo", nil)
	names, _ = past.until(t, "undo.undone")
	if want := []string{"undo.open", "undo.open", "undo.undoing", "undo.undone"}; !slices.Equal(names, want) {
		t.Errorf("of undos were told %q, want %q", names, want)
	}
	past.end(t)

	d.stop(t)
	for more := true; more; { // the streams have ended with it
		_, more = <-back.lines
	}
	d.restart(t)
	again := d.follow(t, "/api/1/events/", map[string]string{"Last-Event-ID": last.id})
	if e := again.next(t); e.name != "reset" || strings.Split(e.id, "-")[0] == strings.Split(opened.id, "-")[0] {
		t.Errorf("after the restart comes %+v", e)
	}
}
