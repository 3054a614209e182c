package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

const threePlans = "name: a\n---\nname: b\n---\nname: c\n"

// planServer is a daemon that makes and refuses plans by their names, and keeps
// what it was asked.
type planServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // method, name, "dry" or the key
	// answer says what becomes of a plan; nil: it is made.
	answer func(name string, dry bool) (status int, body string)
}

func newPlanServer(t *testing.T, answer func(string, bool) (int, string)) *planServer {
	t.Helper()
	s := &planServer{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"_embedded":{"executors":[]}}`))
			return
		}
		var doc struct{ Name string }
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			t.Error(err)
		}
		dry := r.URL.Query().Get("dry_run") == "true"
		how := r.Header.Get("Idempotency-Key")
		if dry { // it has a key too, which means nothing
			how = "dry"
		}
		s.mu.Lock()
		s.asked = append(s.asked, doc.Name+" "+how)
		s.mu.Unlock()
		status, body := http.StatusOK, `{"id":"p`+doc.Name+`","name":"`+doc.Name+`","executors_count":1,"targets":null}`
		if s.answer != nil {
			if other, text := s.answer(doc.Name, dry); other != 0 {
				status, body = other, text
			}
		}
		if status < 0 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// askedFor is what it was asked so far: a lost answer may come to the client
// before the handler is through.
func (s *planServer) askedFor() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *planServer) create(t *testing.T, text string, args ...string) outcome {
	t.Helper()
	return callWith(t, nil, text, append([]string{"plan", "create", "-f", "-", "--server", s.URL}, args...)...)
}

func TestSeveralPlansAreTriedBeforeTheFirstIsMade(t *testing.T) {
	s := newPlanServer(t, nil)
	got := s.create(t, threePlans, "--idempotency-key", "k")
	if got.code != 0 || !strings.Contains(got.stdout, "plan pa \"a\"") || !strings.Contains(got.stdout, "plan pc \"c\"") {
		t.Errorf("%+v", got)
	}
	if got, want := strings.Join(s.askedFor(), ", "), "a dry, b dry, c dry, a k-1, b k-2, c k-3"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestOnePlanIsMadeAtOnceWithAKeyOfItsOwn(t *testing.T) {
	s := newPlanServer(t, nil)
	s.create(t, "name: a\n")
	s.create(t, "name: a\n")
	if asked := s.askedFor(); len(asked) != 2 || asked[0] == asked[1] || len(asked[0]) < len("a ")+20 {
		t.Errorf("asked %q", asked)
	}
}

func TestOneRefusalKeepsAllPlansFromBeingMade(t *testing.T) {
	s := newPlanServer(t, func(name string, _ bool) (int, string) {
		return map[string]int{"b": 400, "c": 403}[name], `{"detail":"not ` + name + `"}`
	})
	got := s.create(t, threePlans)
	want := "cmed: of 3 plans 2 are refused, so nothing was made:\n" +
		"standard input, document 2: not b\nstandard input, document 3: not c\n"
	if got.code != exitFailure || got.stderr != want || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	if got := strings.Join(s.askedFor(), ", "); got != "a dry, b dry, c dry" {
		t.Errorf("asked %s", got)
	}
}

func TestPlansAreNotTriedWithAKeyThatIsNone(t *testing.T) {
	s := newPlanServer(t, func(string, bool) (int, string) { return 401, `{"detail":"who are you?"}` })
	got := s.create(t, threePlans)
	if got.code != exitFailure || !strings.HasPrefix(got.stderr, "cmed: nothing was made: who are you?\n"+wantsKey) || len(s.askedFor()) != 1 {
		t.Errorf("%+v after %q", got, s.askedFor())
	}
}

func TestAPlanThatCannotBeMadeAfterOthers(t *testing.T) {
	s := newPlanServer(t, func(name string, dry bool) (int, string) {
		if name == "b" && !dry {
			return 409, `{"detail":"too late"}`
		}
		return 0, ""
	})
	got := s.create(t, threePlans, "-o", "json")
	if got.code != exitFailure || !strings.HasPrefix(got.stderr, "cmed: standard input, document 2: too late\n1 plan is made, which stands before it in the file; this one and those behind it are not\nRepeat the command with --idempotency-key ") {
		t.Errorf("%+v", got)
	}
	var doc struct{ Plans []struct{ ID string } }
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || len(doc.Plans) != 1 || doc.Plans[0].ID != "pa" {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

func TestAKeyThatCameWithAnotherPlan(t *testing.T) {
	s := newPlanServer(t, func(name string, dry bool) (int, string) {
		if name == "b" && !dry {
			return 422, `{"detail":"this Idempotency-Key was used with another body"}`
		}
		return 0, ""
	})
	got := s.create(t, threePlans, "--idempotency-key", "job1")
	want := "cmed: standard input, document 2: this Idempotency-Key was used with another body\n" +
		"1 plan is made, which stands before it in the file; this one and those behind it are not\n" +
		"With --idempotency-key job1 another plan was made in this place before: post this one and those behind it in a file of their own, with a new key\n"
	if got.code != exitFailure || got.stderr != want {
		t.Errorf("exit code %d and\n%swant\n%s", got.code, got.stderr, want)
	}
}

func TestALostAnswerNamesTheKey(t *testing.T) {
	s := newPlanServer(t, func(string, bool) (int, string) { return -1, "" })
	got := s.create(t, "name: a\n", "--idempotency-key", "k")
	if want := "It may have been made all the same\nRepeat the command with --idempotency-key k to make the rest: what is made is not made again"; got.code != exitFailure || !strings.Contains(got.stderr, want) {
		t.Errorf("%+v", got)
	}
	if got := strings.Join(s.askedFor(), ", "); got != "a k, a k" {
		t.Errorf("asked %s", got)
	}
}

func TestSeveralPlansTriedDry(t *testing.T) {
	s := newPlanServer(t, func(name string, _ bool) (int, string) {
		if name == "b" {
			return 400, `{"detail":"not b"}`
		}
		return 0, ""
	})
	got := s.create(t, threePlans, "--dry-run")
	if got.code != exitFailure || got.stderr != "cmed: standard input, document 2: not b\n" || strings.Count(got.stdout, "dry run of") != 2 {
		t.Errorf("%+v", got)
	}
	got = s.create(t, "{\"name\":\"a\"} {\"name\":\"c\"}", "--dry-run", "-o", "json")
	var doc struct{ Previews []struct{ Name string } }
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || got.code != 0 || len(doc.Previews) != 2 {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestTheOldFormOfPlan(t *testing.T) {
	s := newPlanServer(t, nil)
	got := callWith(t, nil, "name: a\n", "plan", "-f", "-", "--server", s.URL)
	if got.code != 0 || !strings.HasPrefix(got.stdout, "plan pa \"a\": 1 executor to run\n") {
		t.Errorf("%+v", got)
	}
	if got := callWith(t, nil, "", "plan"); got.code != 0 || !strings.Contains(got.stdout, "cmed plan [command]") {
		t.Errorf("%+v", got)
	}
	if got := callWith(t, nil, "", "plan", "my.json"); got.code != exitUsage ||
		!strings.HasPrefix(got.stderr, "cmed: unknown command \"my.json\"; to post a plan: cmed plan create -f my.json\n") {
		t.Errorf("%+v", got)
	}
}

// A slip of the fingers in the name of a member is shown, however the plan is tried.
func TestAMisspeltMemberOfAPlan(t *testing.T) {
	const refused = `400 {"detail":"'attack' is a required property","errors":[{"pointer":"","message":"'attack' is a required property"}]}`
	s := newStandIn(t, map[string][]string{"POST /api/1/plans/": {refused}})
	for _, args := range []string{"plan create -f", "plan create --dry-run -f"} {
		file := write(t, "name: x\natack: {ref: 'a:B'}\nplanner: {ref: 'c:D'}\n")
		c, code := s.call(t, append(strings.Fields(args), file)...)
		if want := `cmed: 'attack' is a required property; did you mean "attack" where it says "atack"?`; code != exitFailure || !strings.HasPrefix(c.stderr.String(), want) {
			t.Errorf("%s: exit code %d: %s", args, code, c.stderr.String())
		}
		c, code = s.call(t, append(strings.Fields(args), write(t, "name: x\nplanner: {ref: 'c:D'}\n"))...)
		if code != exitFailure || c.stderr.String() != "cmed: 'attack' is a required property\n" {
			t.Errorf("%s, nothing like it: exit code %d: %s", args, code, c.stderr.String())
		}
	}
}
