package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// standIn is a daemon of which only the answers are known. The last answer to a
// request is given again and again.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	bodies  []string
	answers map[string][]string // by method and path; "409 {…}" is a refusal
}

func newStandIn(t *testing.T, answers map[string][]string) *standIn {
	t.Helper()
	s := &standIn{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		asked := r.Method + " " + r.URL.Path
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
		s.bodies = append(s.bodies, string(body))
		left := s.answers[asked]
		if len(left) == 0 {
			t.Errorf("nobody expected %s", asked)
			return
		}
		if len(left) > 1 {
			s.answers[asked] = left[1:]
		}
		text := left[0]
		if strings.HasPrefix(text, "4") {
			var status int
			fmt.Sscanf(text, "%d", &status)
			w.WriteHeader(status)
			text = text[4:]
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

// call runs a command against the stand-in.
func (s *standIn) call(t *testing.T, args ...string) (c *call, code int) {
	t.Helper()
	c = begin(t, append(args, "--server", s.URL)...)
	return c, c.end(t)
}

// decisionOf reads who decided and why.
func (s *standIn) decision(t *testing.T, i int) (by, reason string) {
	t.Helper()
	var d struct{ By, Reason string }
	if err := json.Unmarshal([]byte(s.bodies[i]), &d); err != nil {
		t.Fatal(err)
	}
	return d.By, d.Reason
}

const (
	noUndos = `{"undos":[],"_links":{}}`
	atRest  = `{"engaged":true,"by":"ana@host","reason":"the site is down","durable":true,"stopping":0,"undoing":0,
		"stop":{"runs":2,"gone_ms":120.4,"undone_ms":310}}`
	ending = `{"engaged":true,"by":"ana@host","reason":"the site is down","durable":true,"stopping":1,"undoing":2,
		"stop":{"runs":2,"gone_ms":null,"undone_ms":null},"_warnings":["careful"]}`
)

// A record that was given up meanwhile is not among those that wait.
// A daemon that hangs does not leave who halts it in the dark.
// What keeps the key from being read does not keep the remedy from working.
func TestWarningsNameCommands(t *testing.T) {
	var said strings.Builder
	writeWarnings(&said, []string{"1 of 2 executors will not run; move it with PUT /api/1/executors/{id}, or post\x1b it"})
	if got, want := said.String(), "warning: 1 of 2 executors will not run; move it with cmed executor move ID DATE, or post\uFFFD it\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhichServerIsCalled(t *testing.T) {
	for _, test := range []struct {
		name, flag string
		env        []string
		want, from string
	}{
		{"the default", "", nil, "http://127.0.0.1:5000", ""},
		{"the port of a daemon with this environment", "", []string{"CMED_PORT=5091"}, "http://127.0.0.1:5091", "CMED_PORT"},
		{"a free port is not known", "", []string{"CMED_PORT=0"}, "http://127.0.0.1:5000", ""},
		{"the variable before the port", "", []string{"CMED_PORT=5091", "CMED_SERVER=localhost:1"}, "localhost:1", "CMED_SERVER"},
		{"the flag before all", "http://a", []string{"CMED_PORT=5091", "CMED_SERVER=http://b"}, "http://a", "--server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &where{server: test.flag}
			d, err := w.daemon(program{env: test.env})
			if err != nil {
				t.Fatal(err)
			}
			if d.server != test.want || d.from != test.from {
				t.Errorf("%s says %s, want %s and %s", d.from, d.server, test.from, test.want)
			}
		})
	}
}

func TestResume(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"DELETE /api/1/halt": {`409 {"detail":"the halt file /x/halt is there"}`, `{"engaged":false,"durable":true}`},
	})
	c, code := s.call(t, "resume")
	if got, want := c.stderr.String(), "cmed: the halt file /x/halt is there\n"; code != exitFailure || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
	c, code = s.call(t, "resume")
	if got, want := c.stdout.String(), "the lever is released: executors start when they are due\n"; code != 0 || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
}

func TestUndos(t *testing.T) {
	created := time.Now().Add(-3 * time.Minute).Format(time.RFC3339)
	made := created + " (3 min ago)"
	column := func(words string) string {
		return words + strings.Repeat(" ", len("cut (given up by ana@host: it can stay)")-len([]rune(words))) + "  "
	}
	s := newStandIn(t, map[string][]string{"GET /api/1/undos/": {`{"undos":[
		{"id":"a-1","state":"failed","attack_ref":"x:Y","attempts":10,"created":"` + created + `","description":"stop\nped","message":"no"},
		{"id":"b-2","state":"open","attack_ref":"x:Z","created":"` + created + `","description":"slowed","abandoned":null},
		{"id":"c-1","state":"abandoned","attack_ref":"x:Z","created":"` + created + `","description":"cut","message":"no",
			"abandoned":{"by":"ana@host","reason":"it can stay"}}],"_links":{}}`}, "GET /api/1/status": {`403 {"detail":"no"}`}})
	c, code := s.call(t, "undos")
	want := "ID   STATE      ATTACK  " + column("DESCRIPTION") + "MADE" + strings.Repeat(" ", len(made)-len("MADE")) + "  ATTEMPTS\n" +
		"a-1  failed     x:Y     " + column("stop\uFFFDped (no)") + made + "  10\n" +
		"b-2  open       x:Z     " + column("slowed") + made + "  0\n" +
		"c-1  abandoned  x:Z     " + column("cut (given up by ana@host: it can stay)") + made + "  0\n"
	if got := c.stdout.String(); code != 0 || got != want {
		t.Errorf("exit code %d and\n%swant\n%s", code, got, want)
	}
	c, code = s.call(t, "undos", "-o", "json")
	var doc struct{ Undos []struct{ ID string } }
	if err := json.Unmarshal([]byte(c.stdout.String()), &doc); err != nil || code != 0 || len(doc.Undos) != 3 {
		t.Errorf("exit code %d, %v: %s", code, err, c.stdout.String())
	}
}

func TestWhichUndosAreShown(t *testing.T) {
	s := newStandIn(t, map[string][]string{"GET /api/1/undos/": {noUndos}, "GET /api/1/status": {`{"undos":{"abandoned":2}}`}})
	for _, test := range []struct{ args, asked, stdout string }{
		{"undos", "limit=500&state=open%2Cundoing%2Ckept%2Cfailed", "nothing is left to undo\n2 given up (cmed undos --all)\n"},
		{"undos --all", "all=true&limit=500", "there are no undo records\n"},
	} {
		c, code := s.call(t, strings.Fields(test.args)...)
		if want := "GET /api/1/undos/?" + test.asked; code != 0 || !slices.Contains(s.asked, want) || c.stdout.String() != test.stdout {
			t.Errorf("%s: exit code %d, asked %q, want %s: %s", test.args, code, s.asked, want, c.stdout.String())
		}
	}
}

func TestNoUndos(t *testing.T) {
	s := newStandIn(t, map[string][]string{"GET /api/1/undos/": {noUndos}, "GET /api/1/status": {`{}`}})
	c, code := s.call(t, "undos")
	if got, want := c.stdout.String(), "nothing is left to undo\n"; code != 0 || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
	c, code = s.call(t, "undos", "-o", "json")
	if got, want := c.stdout.String(), "{\n  \"undos\": []\n}\n"; code != 0 || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
}

func TestOneUndo(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"POST /api/1/undos/a-1/retry":   {`{"id":"a-1","attack_ref":"x:Y"}`},
		"POST /api/1/undos/a-1/abandon": {`{"id":"a-1","attack_ref":"x:Y"}`},
		"POST /api/1/undos/b-1/retry":   {`409 {"detail":"it is undone"}`},
	})
	for _, test := range []struct{ args, stdout, stderr string }{
		{"undos retry a-1", "a-1 (x:Y) is being undone; cmed undos shows whether it still is to be\n", ""},
		{"undos abandon a-1 --reason gone", "a-1 (x:Y) is given up; its effect is left in place\n", ""},
		{"undos retry b-1", "", "cmed: it is undone\n"},
	} {
		c, code := s.call(t, strings.Fields(test.args)...)
		if (code == 0) != (test.stderr == "") || c.stdout.String() != test.stdout || c.stderr.String() != test.stderr {
			t.Errorf("%s: exit code %d, %q, %q", test.args, code, c.stdout.String(), c.stderr.String())
		}
	}
	if by, reason := s.decision(t, 1); by != whoAmI() || reason != "gone" {
		t.Errorf("by %q because %q", by, reason)
	}
}

func TestFromNow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                           "now",
		-500 * time.Millisecond:     "now",
		12 * time.Second:            "in 12 s",
		4*time.Minute + time.Second: "in 4 min",
		-90 * time.Minute:           "90 min ago",
		5 * time.Hour:               "in 5 h",
		10*time.Minute - 1:          "in 10 min",
		time.Minute - 1:             "in 1 min",
		2*time.Hour - 1:             "in 2 h",
		48*time.Hour - 1:            "in 2 days",
		-72 * time.Hour:             "3 days ago",
	} {
		if got := fromNow(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
