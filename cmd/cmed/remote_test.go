package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
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

func TestHaltWaitsUntilAllIsUndone(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"PUT /api/1/halt": {ending}, "GET /api/1/halt": {ending, atRest}, "GET /api/1/undos/": {noUndos},
	})
	c, code := s.call(t, "halt", "the", "site", "is", "down")
	if code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	want := "the lever is engaged by ana@host (the site is down): nothing starts\n" +
		"stopped 2 runs in 120ms; undone after 310ms\n"
	if got := c.stdout.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := c.stderr.String(), "warning: careful\n"; got != want {
		t.Errorf("standard error %q, want %q", got, want)
	}
	if by, reason := s.decision(t, 0); by != whoAmI() || reason != "the site is down" {
		t.Errorf("by %q because %q", by, reason)
	}
	if want := "GET /api/1/undos/?limit=500&state=failed%2Copen%2Cundoing"; !slices.Contains(s.asked, want) {
		t.Errorf("asked %q, not %s", s.asked, want)
	}
}

func TestHaltOfAnEngagedLever(t *testing.T) {
	const before = `{"engaged":true,"by":"ana@host","reason":"r","at":"2020-11-21T03:00:00+01:00","stop":{"runs":1,`
	const engaged = "the lever is engaged by ana@host (r): nothing starts\n"
	const already = engaged + "it was engaged already, by ana@host at 2020-11-21T03:00:00+01:00"
	for _, test := range []struct{ name, args, answer, want string }{
		{"the daemon says so", "halt", before + `"gone_ms":0},"_warnings":["the lever was engaged already; and so on"]}`, already + ": stopped 1 run\n"},
		{"its stop took longer than the call", "halt", before + `"gone_ms":3600000}}`, already + ": stopped 1 run in 1h0m0s\n"},
		{"it is older than the call", "halt", before + `"gone_ms":0.01}}`, already + ": stopped 1 run in 0s\n"},
		{"without waiting", "halt --no-wait", before + `"gone_ms":0.01}}`, already + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{"PUT /api/1/halt": {test.answer}, "GET /api/1/undos/": {noUndos}})
			c, code := s.call(t, strings.Fields(test.args)...)
			if got := c.stdout.String(); code != 0 || got != test.want {
				t.Errorf("exit code %d and\n%swant\n%s", code, got, test.want)
			}
		})
	}
}

// A record that was given up meanwhile is not among those that wait.
func TestHaltThatDidNotUndoEverything(t *testing.T) {
	for name, output := range map[string]string{"text": "undo ended after 17ms, 2 records NOT undone (see cmed undos)\n", "json": `"not_undone": 2`} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{
				"PUT /api/1/halt": {ending}, "GET /api/1/undos/": {noUndos},
				"GET /api/1/halt": {strings.Replace(atRest, `"undone_ms":310`, `"undone_ms":17,"not_undone":2`, 1)},
			})
			c, code := s.call(t, "halt", "-o", name)
			if code != exitNotUndone || !strings.Contains(c.stdout.String(), output) {
				t.Errorf("exit code %d and %s", code, c.stdout.String())
			}
			if got, want := c.stderr.String(), "warning: careful\n"; got != want {
				t.Errorf("standard error %q, want %q", got, want)
			}
		})
	}
}

func TestHaltOfAnIdleDaemon(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"PUT /api/1/halt":   {`{"engaged":true,"by":"a\u001b[31m","reason":"r","durable":true,"stop":{"runs":0}}`},
		"GET /api/1/undos/": {noUndos},
	})
	c, code := s.call(t, "halt")
	want := "the lever is engaged by a\uFFFD[31m (r): nothing starts\nnothing was running\n"
	if got := c.stdout.String(); code != 0 || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
}

func TestHaltThatDoesNotEverythingOrNotInTime(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    string
		answers map[string][]string
		code    int
		want    string
	}{
		{
			"runs are left", "halt --wait 1ms",
			map[string][]string{"PUT /api/1/halt": {ending}, "GET /api/1/halt": {ending}},
			exitFailure,
			"the lever is engaged, but not everything is at rest yet: 1 run to stop, 2 records to undo (the daemon goes on; see cmed undos)",
		},
		{
			"an undo failed", "halt",
			map[string][]string{"PUT /api/1/halt": {atRest}, "GET /api/1/undos/": {`{"undos":[{"id":"a-1"}],"_links":{}}`}},
			exitNotUndone,
			"everything is stopped, but 1 undo record is not undone: see cmed undos",
		},
		{
			"the undo records can't be listed", "halt",
			map[string][]string{"PUT /api/1/halt": {atRest}, "GET /api/1/undos/": {`404 {"detail":"no such thing"}`}},
			exitFailure,
			"everything is stopped, but whether all is undone can't be seen: no such thing",
		},
		{
			"the lever is refused", "halt",
			map[string][]string{"PUT /api/1/halt": {`403 {"detail":"the host name is not known"}`}},
			exitFailure,
			"the host name is not known\n" +
				"Without a key, on its machine:  cmed halt --server unix:STATE/cmed.sock\n" +
				"Does it run, but not answer?  kill -USR1 PID (its log names it at start), or touch the halt file that its log named at start\n" +
				"Has it died?  cmed reap, with its options, ends and undoes what it left",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, code := newStandIn(t, test.answers).call(t, strings.Fields(test.args)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if got := strings.TrimPrefix(c.stderr.String(), "warning: careful\n"); got != "cmed: "+test.want+"\n" {
				t.Errorf("got  %swant cmed: %s", got, test.want)
			}
		})
	}
}

func TestHaltWithoutWaiting(t *testing.T) {
	s := newStandIn(t, map[string][]string{"PUT /api/1/halt": {ending}})
	c, code := s.call(t, "halt", "--no-wait", "-o", "json")
	if code != 0 || !json.Valid([]byte(c.stdout.String())) || !strings.Contains(c.stdout.String(), `"stopping": 1`) {
		t.Errorf("exit code %d and %s", code, c.stdout.String())
	}
}

func TestHaltIsCalledOff(t *testing.T) {
	s := newStandIn(t, map[string][]string{"PUT /api/1/halt": {ending}, "GET /api/1/halt": {ending}})
	c := begin(t, "halt", "--server", s.URL)
	await(t, &c.stdout, "nothing starts")
	c.signals <- syscall.SIGUSR1 // nothing to a command
	c.signals <- syscall.SIGINT
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if want := "the lever is engaged, but not everything is at rest yet"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it says %s", c.stderr.String())
	}
}

// A daemon that hangs does not leave who halts it in the dark.
func TestHaltOfADaemonThatHangs(t *testing.T) {
	hanging := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			<-hanging
			fmt.Fprint(w, atRest)
			return
		}
		fmt.Fprint(w, noUndos)
	}))
	defer s.Close()
	c := begin(t, "halt", "--server", s.URL)
	await(t, &c.stderr, "no answer from "+s.URL+" yet; still trying\n"+
		"Does it run, but not answer?  kill -USR1 PID (its log names it at start), or touch the halt file")
	if got := c.stdout.String(); got != "" {
		t.Errorf("it says %s", got)
	}
	close(hanging)
	if code := c.end(t); code != 0 || !strings.Contains(c.stdout.String(), "nothing starts") {
		t.Errorf("exit code %d: %s", code, c.stdout.String())
	}
}

func TestHaltWhoseAnswerIsLost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer s.Close()
	c := begin(t, "halt", "--server", s.URL)
	const want = "\nThe lever may be engaged all the same: cmed status tells\n"
	if code := c.end(t); code != exitFailure || !strings.Contains(c.stderr.String(), want) {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

// What keeps the key from being read does not keep the remedy from working.
func TestHaltWithAKeyThatIsNone(t *testing.T) {
	s := newStandIn(t, nil)
	env := []string{"CMED_SERVER=" + s.URL, "CMED_KEY=secret"}
	got := callWith(t, env, "", "halt")
	const remedy = "env -u CMED_KEY cmed halt --server unix:STATE/cmed.sock ("
	if got.code != exitUsage || !strings.Contains(got.stderr, remedy) || strings.Contains(got.stderr, "secret") {
		t.Errorf("%+v", got)
	}
}

func TestHaltOfADaemonThatCannotBeReached(t *testing.T) {
	s := newStandIn(t, nil)
	s.Close()
	state := t.TempDir()
	for folder, file := range map[string]string{
		state:                     " (by default " + filepath.Join(state, "halt") + ")",
		filepath.Join(state, "x"): "",
	} {
		var stdout, stderr buffer
		code := run(t.Context(), program{
			args: []string{"halt"}, env: []string{"CMED_SERVER=" + s.URL, "CMED_STATE_FOLDER=" + folder},
			stdout: &stdout, stderr: &stderr,
		})
		if code != exitFailure {
			t.Errorf("exit code %d, want %d", code, exitFailure)
		}
		first, advice, _ := strings.Cut(stderr.String(), "\n")
		if want := "cmed: the daemon at " + s.URL + " can't be reached: "; !strings.HasPrefix(first, want) {
			t.Errorf("got %s, want %s", first, want)
		}
		want := "That address is the one of CMED_SERVER. Is it another one?  cmed halt --server http://HOST:PORT (or CMED_SERVER)\n" +
			"Does it run, but not answer?  kill -USR1 PID (its log names it at start), " +
			"or touch the halt file that its log named at start" + file + "\n" +
			"Has it died?  cmed reap, with its options, ends and undoes what it left\n"
		if advice != want {
			t.Errorf("got\n%swant\n%s", advice, want)
		}
	}
}

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
			"abandoned":{"by":"ana@host","reason":"it can stay"}}],"_links":{}}`}})
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
	s := newStandIn(t, map[string][]string{"GET /api/1/undos/": {noUndos}})
	for i, test := range []struct{ args, asked, stdout string }{
		{"undos", "limit=500&state=open%2Cundoing%2Ckept%2Cfailed", "nothing is left to undo\n"},
		{"undos --all", "all=true&limit=500", "there are no undo records\n"},
	} {
		c, code := s.call(t, strings.Fields(test.args)...)
		if got, want := s.asked[i], "GET /api/1/undos/?"+test.asked; code != 0 || got != want || c.stdout.String() != test.stdout {
			t.Errorf("%s: exit code %d, asked %s, want %s: %s", test.args, code, got, want, c.stdout.String())
		}
	}
}

func TestNoUndos(t *testing.T) {
	s := newStandIn(t, map[string][]string{"GET /api/1/undos/": {noUndos}})
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

func TestWhatWasStopped(t *testing.T) {
	for want, stop := range map[string]*client.Stop{
		"nothing was running":                         nil,
		"stopped 1 run":                               {Runs: 1},
		"stopped 3 runs in 1.5s":                      {Runs: 3, Gone: 1500},
		"stopped 3 runs in 2ms; undone after 1m0.25s": {Runs: 3, Gone: 1.6, Undone: 60250},

		"stopped 1 run in 2ms; its undo ended after 17ms, 1 record NOT undone (see cmed undos)": {Runs: 1, Gone: 2, Undone: 17, NotUndone: 1},
		"stopped 0 runs; 2 records NOT undone (see cmed undos)":                                 {NotUndone: 2},
	} {
		if got := stopWords(stop); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
