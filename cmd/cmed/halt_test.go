package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/client"
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
				"Does it run, but not answer?  On its machine, kill -USR1 PID (its log names it at start), or touch the halt file that its log named at start\n" +
				"Has it died?  On its machine, cmed reap, with its options, ends and undoes what it left",
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
		"Does it run, but not answer?  On its machine, kill -USR1 PID (its log names it at start), or touch the halt file")
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
	c := begin(t, "halt", "--wait", "1ms", "--server", s.URL)
	const want = "\nThe lever may be engaged all the same: cmed status tells\n"
	if code := c.end(t); code != exitFailure || !strings.Contains(c.stderr.String(), want) {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestHaltWithAKeyThatIsNone(t *testing.T) {
	s := newStandIn(t, nil)
	env := []string{"CMED_SERVER=" + s.URL, "CMED_KEY=secret"}
	got := callWith(t, env, "", "halt")
	const remedy = "env -u CMED_KEY cmed halt --server unix:STATE/cmed.sock ("
	if got.code != exitUsage || !strings.Contains(got.stderr, remedy) || strings.Contains(got.stderr, "secret") {
		t.Errorf("%+v", got)
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
