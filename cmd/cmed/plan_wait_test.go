package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// waitedFor is a daemon with one plan, whose executors change from look to look.
type waitedFor struct {
	*httptest.Server
	mu    sync.Mutex
	looks []string // what the list of executors holds; the last one stays
	// events, if set, answers for the stream of events. Without it there is none.
	events func(w http.ResponseWriter, r *http.Request)
	seen   int // looks
}

func newWaitedFor(t *testing.T, looks ...string) *waitedFor {
	t.Helper()
	s := &waitedFor{looks: looks}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/1/plans/":
			fmt.Fprint(w, `{"id":"p","name":"a","executors_count":2}`)
		case "/api/1/plans/p":
			fmt.Fprint(w, `{"id":"p","_embedded":{"executors":[]}}`)
		case "/api/1/executors/":
			s.mu.Lock()
			defer s.mu.Unlock()
			s.seen++
			switch s.looks[0] {
			case "down":
				s.looks = s.looks[1:]
				panic(http.ErrAbortHandler)
			case "starting":
				s.looks = s.looks[1:]
				w.WriteHeader(http.StatusServiceUnavailable)
				fmt.Fprint(w, `{"detail":"the daemon starts"}`)
				return
			}
			if q := r.URL.Query(); q.Get("plan_id") != "p" || q.Get("executed") != "true" {
				t.Errorf("asked for %s", r.URL.RawQuery)
			}
			fmt.Fprintf(w, `{"executors":[%s],"_links":{}}`, s.looks[0])
			if len(s.looks) > 1 {
				s.looks = s.looks[1:]
			}
		case "/api/1/events/":
			if s.events != nil {
				s.events(w, r)
				return
			}
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"detail":"there is nothing"}`)
		default:
			t.Errorf("nobody expected %s %s", r.Method, r.URL)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *waitedFor) wait(t *testing.T, args ...string) outcome {
	t.Helper()
	return callWith(t, nil, "{}", append([]string{"plan", "create", "-f", "-", "--wait", "--server", s.URL}, args...)...)
}

func state(id, state, undo string) string {
	if state == "scheduled" {
		return fmt.Sprintf(`{"id":%q,"plan_id":"p","state":%q,"undo":%q}`, id, state, undo)
	}
	return fmt.Sprintf(`{"id":%q,"plan_id":"p","state":%q,"undo":%q,"started":"2026-11-21T17:00:00Z","finished":"2026-11-21T17:00:02Z"}`, id, state, undo)
}

func TestTheExitCodeTellsTheOutcome(t *testing.T) {
	for _, test := range []struct {
		name, end string
		code      int
		words     string
	}{
		{"all succeeded", state("a", "succeeded", "none") + "," + state("b", "succeeded", "undone"), 0, "2 executors: 2 succeeded"},
		{"what was to be kept is", state("a", "succeeded", "kept"), 0, "1 executor: 1 succeeded"},
		{"one failed", state("a", "succeeded", "none") + "," + state("b", "timed_out", "undone"), exitRunFailed, "2 executors: 1 succeeded, 1 timed out"},
		{"one crashed and one was missed", state("a", "missed", "none") + "," + state("b", "crashed", "none"), exitRunFailed, "2 executors: 1 crashed, 1 missed"},
		{"one is lost", state("a", "lost", "none"), exitRunFailed, "1 executor: 1 lost"},
		{"one was halted", state("a", "halted", "undone"), exitRunFailed, "1 executor: 1 halted"},
		{"one was blocked", state("a", "blocked", "none") + "," + state("b", "succeeded", "none"), exitNeverRan, "2 executors: 1 blocked, 1 succeeded"},
		{"an undo failed", state("a", "failed", "failed"), exitNotUndone, "1 executor: 1 failed; 1 NOT undone (see cmed undos)"},
		{"an undo was given up", state("a", "succeeded", "abandoned"), exitNotUndone, "1 executor: 1 succeeded; 1 NOT undone and given up (see cmed undos --all)"},
		{"the plan is gone", "", exitNeverRan, "the executors are deleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := newWaitedFor(t, test.end).wait(t)
			if got.code != test.code || !strings.HasSuffix(got.stdout, test.words+"\n") || got.stderr != "" {
				t.Errorf("exit code %d, want %d: %s%s", got.code, test.code, got.stdout, got.stderr)
			}
		})
	}
}

// Without events, or with a daemon that is away for a while, it looks again.
func TestWithoutEventsTheExecutorsAreLookedAt(t *testing.T) {
	s := newWaitedFor(t, state("a", "running", "none"), "down", "starting", state("a", "succeeded", "undoing"), state("a", "succeeded", "undone"))
	got := s.wait(t, "-o", "json")
	var doc struct {
		Outcome   string
		Plans     []struct{ ID string }
		Executors []struct{ ID, State, Undo string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || got.code != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	if doc.Outcome != "succeeded" || len(doc.Plans) != 1 || len(doc.Executors) != 1 || doc.Executors[0].Undo != "undone" {
		t.Errorf("%+v", doc)
	}
	if s.seen != 5 {
		t.Errorf("it looked %d times", s.seen)
	}
}

// With events it does not look while nothing happens, and looks when it must.
func TestWithEventsTheExecutorsAreFollowed(t *testing.T) {
	s := newWaitedFor(t, state("a", "scheduled", "none")+","+state("b", "scheduled", "none"))
	streams := 0
	s.events = func(w http.ResponseWriter, r *http.Request) {
		send := func(id int, kind, doc string) {
			fmt.Fprintf(w, "id: e-%d\nevent: executor.%s\ndata: {\"executor\":%s}\n\n", id, kind, doc)
			_ = http.NewResponseController(w).Flush()
		}
		streams++
		if got := r.URL.Query(); got.Get("plan_id") != "p" || got.Get("type") != "plan,executor,undo" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		switch streams {
		case 1: // it breaks off
			fmt.Fprint(w, "id: e-0\n\n")
			_ = http.NewResponseController(w).Flush()
			s.awaitLook(t, 1)
			s.set(state("a", "running", "none") + "," + state("b", "scheduled", "none"))
			send(1, "running", state("a", "running", "none"))
			send(2, "other", state("zzz", "failed", "none")) // of somebody else's plan
		case 2:
			if got := r.Header.Get("Last-Event-ID"); got != "e-2" {
				t.Errorf("it goes on after %q", got)
			}
			s.set(state("a", "succeeded", "none"))
			send(3, "succeeded", state("a", "succeeded", "none"))
			send(4, "deleted", state("b", "scheduled", "none"))
			<-r.Context().Done()
		}
	}
	began := time.Now()
	got := s.wait(t)
	if got.code != exitNeverRan || !strings.HasSuffix(got.stdout, "executor a: succeeded after 2.0 s\n2 executors: 1 deleted, 1 succeeded\n") {
		t.Errorf("%+v", got)
	}
	if took := time.Since(began); took > lookWhileTold/2 || s.seen > 6 {
		t.Errorf("it took %s and %d looks", took, s.seen)
	}
}

// set changes what the next looks see.
func (s *waitedFor) set(look string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks = []string{look}
}

// awaitLook waits until the executors have been looked at so often.
func (s *waitedFor) awaitLook(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s.mu.Lock()
		seen := s.seen
		s.mu.Unlock()
		if seen >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("they were looked at %d times, not %d", seen, n)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTheWaitEndsBeforeTheExecutors(t *testing.T) {
	s := newWaitedFor(t, state("a", "running", "none"))
	got := s.wait(t, "--timeout", "2s")
	want := "cmed: the wait is over, the executors are not: --timeout is 2s; the daemon goes on: cmed plan halt p calls it off\n"
	if got.code != exitUnfinished || got.stderr != want || !strings.HasSuffix(got.stdout, "1 executor: 1 running\n") {
		t.Errorf("%+v", got)
	}
	got = s.wait(t, "--timeout", "2s", "-o", "yaml")
	if got.code != exitUnfinished || !strings.HasPrefix(got.stdout, "---\nexecutors:\n  - id: a\n") || !strings.Contains(got.stdout, "\noutcome: unfinished\n") {
		t.Errorf("%+v", got)
	}
}

// When only an undo is open still, it is that which is told, with what keeps it.
func TestTheWaitEndsBeforeTheUndo(t *testing.T) {
	halted := `{"id":"a","plan_id":"p","state":"halted","undo":"open","reason":"halted by ana@host"}`
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/": {`{"id":"p"}`}, "GET /api/1/plans/p": {`{"id":"p"}`}, "GET /api/1/events/": {`404 {"detail":"no"}`},
		"GET /api/1/executors/": {`{"executors":[` + halted + `]}`},
		"GET /api/1/undos/": {`{"undos":[{"id":"b-1","executor_id":"b","state":"open","message":"not ours"},
			{"id":"a-1","executor_id":"a","state":"open","attempts":3,"message":"no route to\u001b host"}]}`},
	})
	c, code := s.call(t, "plan", "create", "-f", write(t, "{}"), "--wait", "--timeout", "2s")
	want := "cmed: the wait is over, and so are the executors, but not their undo: --timeout is 2s; the daemon goes on, see cmed undos\n" +
		"a-1: open after 3 attempts: no route to\uFFFD host\n"
	if code != exitNotUndone || c.stderr.String() != want {
		t.Errorf("exit code %d and\n%swant\n%s", code, c.stderr.String(), want)
	}
	want = "executor a: halted (halted by ana@host), undo open\n1 executor: 1 halted; the undo of 1 still open (see cmed undos)\n"
	if got := c.stdout.String(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// An effect that is to stay is no reason to wait; one that has its time is.
func TestTheWaitIsForUndosThatCome(t *testing.T) {
	for _, test := range []struct {
		name, next string
		code       int
		want       string
	}{
		{
			"stays until somebody asks", "null", 0,
			"executor a: succeeded, undo open\n1 executor: 1 succeeded; the effect of 1 stays until somebody undoes it (see cmed undos)\n",
		},
		{
			"has its time", `"2099-01-01T00:00:00Z"`, exitNotUndone,
			"executor a: succeeded, undo open\n1 executor: 1 succeeded; the undo of 1 still open (see cmed undos)\n",
		},
	} {
		s := newStandIn(t, map[string][]string{
			"POST /api/1/plans/": {`{"id":"p"}`}, "GET /api/1/plans/p": {`{"id":"p"}`}, "GET /api/1/events/": {`404 {"detail":"no"}`},
			"GET /api/1/executors/": {`{"executors":[{"id":"a","plan_id":"p","state":"succeeded","undo":"open"}]}`},
			"GET /api/1/undos/": {`{"undos":[{"id":"b-1","executor_id":"b","state":"open","next_attempt":"2099-01-01T00:00:00Z"},
				{"id":"a-1","executor_id":"a","state":"open","next_attempt":` + test.next + `}]}`},
		})
		c, code := s.call(t, "plan", "create", "-f", write(t, "{}"), "--wait", "--timeout", "2s")
		if got := c.stdout.String(); code != test.code || !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: exit code %d and\n%s%s", test.name, code, got, c.stderr.String())
		}
	}
}

func TestAWaitThatIsRefused(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/":     {`{"id":"p"}`},
		"GET /api/1/plans/p":     {`{"id":"p"}`},
		"GET /api/1/executors/":  {`401 {"detail":"your key has expired"}`},
		"GET /api/1/events/":     {`401 {"detail":"your key has expired"}`},
		"GET /api/1/executors/e": {`{}`},
	})
	c, code := s.call(t, "plan", "create", "-f", write(t, "{}"), "--wait")
	if want := "cmed: the plan is made, but what became of it can't be seen: your key has expired\n" + wantsKey + "\n"; code != exitFailure || c.stderr.String() != want {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestProgressInWords(t *testing.T) {
	now := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	w := newWaiting(nil, nil)
	for _, e := range []client.Executor{
		{ID: "a", State: "succeeded"},
		{ID: "b", State: "running", Started: now.Add(-12 * time.Second)},
		{ID: "c", State: "running", Started: now.Add(-2 * time.Second)},
		{ID: "d", State: "scheduled", NextRunTime: now.Add(9 * time.Minute)},
		{ID: "e", State: "scheduled", NextRunTime: now.Add(4*time.Minute + time.Second)},
		{ID: "f", State: "failed", Undo: "undoing"},
	} {
		w.take(e)
	}
	w.remove("d")
	if got, want := w.progress(now), "2 of 6 executors over, 3 running for 12 s, the next one in 4 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What ended and was deleted then counts as it ended.
func TestTheDeletedCountAsTheyEnded(t *testing.T) {
	ran := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		last  client.Executor // before it was gone
		words string
		code  int
	}{
		{"it had succeeded", client.Executor{State: "succeeded", Started: ran}, "1 executor: 1 succeeded", 0},
		{"it had failed", client.Executor{State: "failed", Started: ran}, "1 executor: 1 failed", exitRunFailed},
		{"its undo was not seen to end", client.Executor{State: "timed_out", Started: ran, Undo: "undoing"}, "1 executor: 1 timed out", exitRunFailed},
		{"it ran", client.Executor{State: "running", Started: ran}, "1 executor: 1 deleted", exitRunFailed},
		{"it had not begun", client.Executor{State: "scheduled"}, "1 executor: 1 deleted", exitNeverRan},
		{"it was missed", client.Executor{State: "missed"}, "1 executor: 1 missed", exitNeverRan},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWaiting(nil, nil)
			w.looked = true
			test.last.ID = "a"
			w.take(test.last)
			w.remove("a")
			if got := w.verdict(); !w.allOver() || got.words != test.words || got.code != test.code {
				t.Errorf("%+v", got)
			}
		})
	}
}
