package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// daemon is a stand-in that answers each request with the next answer, and
// keeps what it was asked.
type daemon struct {
	*httptest.Server
	asked   []string // method, path and body
	header  []http.Header
	answers []answer
}

type answer struct {
	status int
	body   string
}

func serve(t *testing.T, answers ...answer) (*daemon, *Client) {
	t.Helper()
	d := &daemon{answers: answers}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.asked = append(d.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		d.header = append(d.header, r.Header)
		if len(d.answers) == 0 {
			t.Errorf("one request too many: %s", d.asked)
			return
		}
		a := d.answers[0]
		d.answers = d.answers[1:]
		if a.status == 0 { // hang up
			panic(http.ErrAbortHandler)
		}
		if a.status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(d.Close)
	c, err := New(Options{Server: d.URL + "/", Agent: "cmed/test"})
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

func TestWhatIsAsked(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name string
		call func(*Client) error
		want string
	}{
		{"halt", func(c *Client) error { _, err := c.Halt(ctx, "ana@host", "why"); return err }, `PUT /api/1/halt {"by":"ana@host","reason":"why"}`},
		{"halt without a reason", func(c *Client) error { _, err := c.Halt(ctx, "ana@host", ""); return err }, `PUT /api/1/halt {"by":"ana@host"}`},
		{"lever", func(c *Client) error { _, err := c.Lever(ctx); return err }, "GET /api/1/halt"},
		{"release", func(c *Client) error { _, err := c.Release(ctx, "ana & co@host"); return err }, "DELETE /api/1/halt?by=ana+%26+co%40host"},
		{"create a plan", func(c *Client) error { _, err := c.CreatePlan(ctx, []byte(`{}`), "k"); return err }, "POST /api/1/plans/ {}"},
		{"preview a plan", func(c *Client) error { _, err := c.PreviewPlan(ctx, []byte(`{}`)); return err }, "POST /api/1/plans/?dry_run=true {}"},
		{"show a plan", func(c *Client) error { _, err := c.Plan(ctx, "p"); return err }, "GET /api/1/plans/p"},
		{"list undo records", func(c *Client) error { _, err := c.Undos(ctx); return err }, "GET /api/1/undos/?limit=500"},
		{"list those in some states", func(c *Client) error { _, err := c.Undos(ctx, "open", "failed"); return err }, "GET /api/1/undos/?limit=500&state=open%2Cfailed"},
		{"status", func(c *Client) error { _, err := c.Status(ctx); return err }, "GET /api/1/status"},
		{"list all undo records", func(c *Client) error { _, err := c.AllUndos(ctx); return err }, "GET /api/1/undos/?all=true&limit=500"},
		{"retry", func(c *Client) error { _, err := c.RetryUndo(ctx, "e-1"); return err }, "POST /api/1/undos/e-1/retry"},
		{"list attacks", func(c *Client) error { _, err := c.Offers(ctx, Attacks); return err }, "GET /api/1/attacks/"},
		{"show a planner", func(c *Client) error { _, err := c.Offer(ctx, Planners, "a:B/c"); return err }, "GET /api/1/planners/a:B%2Fc"},
		{"list plugins", func(c *Client) error { _, err := c.Plugins(ctx); return err }, "GET /api/1/plugins/"},
		{"rescan", func(c *Client) error { return c.Rescan(ctx) }, "POST /api/1/plugins/rescan"},
		{"list plans", func(c *Client) error { _, _, err := c.Plans(ctx, true, 7); return err }, "GET /api/1/plans/?all=true&limit=7"},
		{"halt a plan", func(c *Client) error { _, err := c.HaltPlan(ctx, "p", "why"); return err }, `POST /api/1/plans/p/halt {"reason":"why"}`},
		{"delete a plan", func(c *Client) error { _, err := c.DeletePlan(ctx, "p", false); return err }, "DELETE /api/1/plans/p"},
		{"delete a plan and its undo", func(c *Client) error { _, err := c.DeletePlan(ctx, "p", true); return err }, "DELETE /api/1/plans/p?abandon_undo=true"},
		{
			"list executors", func(c *Client) error {
				_, _, err := c.Executors(ctx, ExecutorQuery{Plan: "p", Attack: "a:B", States: []string{"failed", "lost"}, From: "2026-11-21T00:00:00+01:00", All: true})
				return err
			},
			"GET /api/1/executors/?attack_ref=a%3AB&executed=true&from=2026-11-21T00%3A00%3A00%2B01%3A00&limit=500&plan_id=p&state=failed%2Clost",
		},
		{"show an executor", func(c *Client) error { _, err := c.Executor(ctx, "e"); return err }, "GET /api/1/executors/e"},
		{"move an executor", func(c *Client) error { _, err := c.MoveExecutor(ctx, "e", "now"); return err }, `PUT /api/1/executors/e {"args":{"date":"now"},"type":"date"}`},
		{"halt an executor", func(c *Client) error { _, err := c.HaltExecutor(ctx, "e", ""); return err }, "POST /api/1/executors/e/halt {}"},
		{"delete an executor", func(c *Client) error { _, err := c.DeleteExecutor(ctx, "e", false); return err }, "DELETE /api/1/executors/e"},
		{"copy a log", func(c *Client) error { return c.CopyLog(ctx, "e", io.Discard) }, "GET /api/1/executors/e/log"},
		{
			"make a key", func(c *Client) error {
				_, err := c.CreateKey(ctx, NewKey{Name: "n", Role: "viewer", TTL: "30d", Limits: Limits{Refs: []string{"a:*"}}})
				return err
			},
			`POST /api/1/keys/ {"name":"n","role":"viewer","ttl":"30d","limits":{"refs":["a:*"]}}`,
		},
		{"make a key without limits", func(c *Client) error { _, err := c.CreateKey(ctx, NewKey{Name: "n", Role: "viewer"}); return err }, `POST /api/1/keys/ {"name":"n","role":"viewer"}`},
		{"list keys", func(c *Client) error { _, err := c.Keys(ctx); return err }, "GET /api/1/keys/"},
		{"revoke a key", func(c *Client) error { _, err := c.RevokeKey(ctx, "k"); return err }, "DELETE /api/1/keys/k"},
		{"who I am", func(c *Client) error { _, err := c.Me(ctx); return err }, "GET /api/1/me"},
		{"list the audit", func(c *Client) error { _, _, err := c.Audit(ctx, AuditQuery{After: 3, To: "x", Limit: 9}); return err }, "GET /api/1/audit/?after=3&limit=9&to=x"},
		{"export the audit", func(c *Client) error { return c.ExportAudit(ctx, AuditQuery{From: "x"}, io.Discard) }, "GET /api/1/audit/?from=x"},
		{"verify the audit", func(c *Client) error { _, err := c.VerifyAudit(ctx); return err }, "GET /api/1/audit/verify"},
		{"back up", func(c *Client) error { _, err := c.Backup(ctx, io.Discard); return err }, "GET /api/1/backup"},
		{
			"events of the past", func(c *Client) error {
				_, err := c.Events(ctx, EventQuery{Types: []string{"undo", "executor.running"}, Plan: "p", Executor: "e", Past: true}, func(Change) bool { return true })
				return err
			},
			"GET /api/1/events/?executor_id=e&follow=false&plan_id=p&type=undo%2Cexecutor.running",
		},
		{"abandon", func(c *Client) error { _, err := c.AbandonUndo(ctx, "e-1", "ana", "gone"); return err }, `POST /api/1/undos/e-1/abandon {"by":"ana","reason":"gone"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, c := serve(t, answer{200, `{}`})
			if err := test.call(c); err != nil {
				t.Fatal(err)
			}
			if len(d.asked) != 1 || d.asked[0] != test.want {
				t.Errorf("asked %q, want %q", d.asked, test.want)
			}
			if got := d.header[0].Get("User-Agent"); got != "cmed/test" {
				t.Errorf("it calls itself %q", got)
			}
			if body := strings.Contains(test.want, "{"); body != (d.header[0].Get("Content-Type") == "application/json") {
				t.Errorf("content type %q", d.header[0].Get("Content-Type"))
			}
		})
	}
}

func TestIdsThatAreNone(t *testing.T) {
	_, c := serve(t) // it is not asked
	ctx := context.Background()
	for _, id := range []string{"", "../plans/x", "a?b", "a#b", "a%2fb"} {
		for what, call := range map[string]func() error{
			"a plan":          func() error { _, err := c.Plan(ctx, id); return err },
			"a plan to halt":  func() error { _, err := c.HaltPlan(ctx, id, ""); return err },
			"one to delete":   func() error { _, err := c.DeletePlan(ctx, id, false); return err },
			"an executor":     func() error { _, err := c.Executor(ctx, id); return err },
			"one to move":     func() error { _, err := c.MoveExecutor(ctx, id, "now"); return err },
			"one to halt":     func() error { _, err := c.HaltExecutor(ctx, id, ""); return err },
			"a log":           func() error { return c.CopyLog(ctx, id, io.Discard) },
			"a log to follow": func() error { _, err := c.FollowLog(ctx, id, 0, nil, nil); return err },
			"a key":           func() error { _, err := c.RevokeKey(ctx, id); return err },
			"an undo record":  func() error { _, err := c.RetryUndo(ctx, id); return err },
		} {
			if err := call(); err == nil {
				t.Errorf("%q passes for the id of %s", id, what)
			}
		}
	}
}

func TestTheLeverIsRead(t *testing.T) {
	_, c := serve(t, answer{200, `{"engaged":true,"by":"ana","reason":"why","at":null,"durable":true,"halt_file":null,
		"stopping":2,"undoing":1,"stop":{"runs":3,"gone_ms":12.5,"undone_ms":null,"not_undone":2},"_warnings":["w"],"new":1}`})
	l, err := c.Lever(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !l.Engaged || l.By != "ana" || !l.Durable || l.HaltFile != "" || l.Stopping != 2 || l.Undoing != 1 ||
		*l.Stop != (Stop{Runs: 3, Gone: 12.5, NotUndone: 2}) || len(l.Warnings) != 1 {
		t.Errorf("read %+v", l)
	}
	if !strings.Contains(string(l.Raw), `"new":1`) {
		t.Errorf("the document is %s", l.Raw)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer answer
		want   string
	}{
		{"the detail says most", answer{409, `{"msg":"conflict","detail":"the halt file is there"}`}, "the halt file is there"},
		{"without a detail the msg does", answer{404, `{"msg":"plan not found x"}`}, "plan not found x"},
		{
			"problems stand on lines of their own",
			answer{400, `{"detail":"invalid","errors":[{"pointer":"/a","message":"one"},{"pointer":"","message":"two"}]}`},
			"invalid\n  /a: one\n  (all of it): two",
		},
		{"a problem is not told twice", answer{400, `{"detail":"it is one","errors":[{"pointer":"/a","message":"one"}]}`}, "it is one"},
		{
			"a pointer to what the message names is left out",
			answer{400, `{"detail":"/allow_it: say \"allow_it\": true; /a: one","errors":[
				{"pointer":"/allow_it","message":"say \"allow_it\": true"},{"pointer":"/a","message":"one"}]}`},
			`say "allow_it": true; /a: one`,
		},
		{
			"likewise on a line of its own",
			answer{400, `{"detail":"invalid","errors":[{"pointer":"/x/allow_it","message":"allow_it is missing"}]}`},
			"invalid\n  allow_it is missing",
		},
		{"another server", answer{404, `<html>`}, "the answer is HTTP 404 Not Found and says nothing that cmed would; is that a cmed?"},
		{"another API", answer{403, `{"error":"no"}`}, "the answer is HTTP 403 Forbidden and says nothing that cmed would; is that a cmed?"},
		{"a redirect is not followed", answer{307, ``}, "the answer is HTTP 307 Temporary Redirect and says nothing that cmed would; is that a cmed?"},
		{"a status without a name", answer{599, ``}, "the answer is HTTP 599 and says nothing that cmed would; is that a cmed?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, c := serve(t, test.answer)
			_, err := c.Halt(context.Background(), "", "")
			refusal, ok := errors.AsType[*Refusal](err)
			if !ok || err.Error() != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			if refusal.Status != test.answer.status {
				t.Errorf("status %d, want %d", refusal.Status, test.answer.status)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	_, c := serve(t, answer{200, `hello`}, answer{200, `"` + strings.Repeat("a", maxAnswer) + `"`})
	for _, want := range []string{"is not what cmed answers", fmt.Sprintf("is longer than %d bytes", maxAnswer)} {
		if _, err := c.Lever(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %.200v, want %q", err, want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := "http://" + ln.Addr().String()
	ln.Close()
	c, err := New(Options{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Lever(context.Background())
	if _, ok := errors.AsType[*Unreachable](err); !ok {
		t.Fatalf("%v", err)
	}
	if want := "the daemon at " + server + " can't be reached: dial tcp"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := New(Options{Server: "http://" + ln.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, enough)
	defer cancel()
	if _, err := c.CreatePlan(ctx, []byte("{}"), "k"); !errors.Is(err, enough) {
		t.Errorf("it ended with %v", err)
	}
}

func TestServersThatAreNone(t *testing.T) {
	for server, shown := range map[string]string{
		"": "http://", "ftp://a": "ftp://a", "http://": "http://", "http://a?b": "http://a?b", "a#b": "http://a#b",
		"http://a:b": "http://a:b", "/a": "http:///a", "http://ana:sec@ret@a:b": "http://a:b",
	} {
		want := strconv.Quote(shown) + " is not a URL such as http://127.0.0.1:5000"
		if _, err := New(Options{Server: server}); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", server, err, want)
		}
	}
}

func TestAServerWithoutASchemeIsOfHTTP(t *testing.T) {
	for server, want := range map[string]string{
		"localhost:5091": "http://localhost:5091", "ops.example": "http://ops.example",
		"[::1]:5000/": "http://[::1]:5000", "https://ops.example": "https://ops.example",
	} {
		c, err := New(Options{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Server(); got != want {
			t.Errorf("%q is %s, want %s", server, got, want)
		}
	}
}

func TestThePasswordOfAServerIsNotShown(t *testing.T) {
	c, err := New(Options{Server: "https://ana:secret@ops.example/cmed/"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Server(), "https://ana:xxxxx@ops.example/cmed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// With the same key, so that the plan is made once.
func TestAPlanWhoseAnswerIsLostIsPostedAgain(t *testing.T) {
	d, c := serve(t, answer{}, answer{200, `{"id":"p","name":"n","executors_count":2}`})
	p, err := c.CreatePlan(context.Background(), []byte(`{"name":"n"}`), "key")
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "p" || p.Pending != 2 {
		t.Errorf("it is %+v", p)
	}
	for i, h := range d.header {
		if h.Get("Idempotency-Key") != "key" || d.asked[i] != `POST /api/1/plans/ {"name":"n"}` {
			t.Errorf("attempt %d: %s with key %q", i, d.asked[i], h.Get("Idempotency-Key"))
		}
	}
}

func TestAPlanThatIsRefusedIsNotPostedAgain(t *testing.T) {
	_, c := serve(t, answer{503, `{"detail":"too much at once"}`})
	if _, err := c.CreatePlan(context.Background(), []byte(`{}`), "key"); err == nil || err.Error() != "too much at once" {
		t.Errorf("got %v", err)
	}
}

func TestAllPagesOfUndoRecordsAreRead(t *testing.T) {
	d, c := serve(t,
		answer{200, `{"undos":[{"id":"a-1","state":"open","attempts":2,"created":"2026-11-21T06:00:00Z","x":1}],
			"_links":{"next":{"href":"/api/1/undos/?cursor=c&limit=500"}}}`},
		answer{200, `{"undos":[{"id":"b-1","outcome":null}],"_links":{"self":{"href":"/"}}}`})
	records, err := c.Undos(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 2 || records[0].ID != "a-1" || records[0].Attempts != 2 || records[1].ID != "b-1" {
		t.Errorf("read %+v", records)
	}
	if !strings.Contains(string(records[0].Raw), `"x":1`) {
		t.Errorf("the document is %s", records[0].Raw)
	}
	if want := "GET /api/1/undos/?cursor=c&limit=500"; d.asked[1] != want {
		t.Errorf("asked %s, want %s", d.asked[1], want)
	}
}

func TestAListThatGoesOnElsewhereIsNotFollowed(t *testing.T) {
	_, c := serve(t, answer{200, `{"undos":[],"_links":{"next":{"href":"http://elsewhere/"}}}`})
	if _, err := c.Undos(context.Background()); err == nil || !strings.Contains(err.Error(), "is not a path") {
		t.Errorf("got %v", err)
	}
}
