package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script runs a script of examples/curl against the daemon and returns what it
// prints.
func (c client) script(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	text, err := c.tryScript(t, name, arguments...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, text)
	}
	return text
}

func (c client) tryScript(t *testing.T, name string, arguments ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: apt-get install curl")
	}
	command := exec.CommandContext(t.Context(), "./"+name, arguments...)
	command.Dir = filepath.Join(repository, "examples", "curl")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "CMED_URL=" + c.base, "no_proxy=*"}
	text, err := command.CombinedOutput()
	return string(text), err
}

// scripted is the document that a script prints.
func (c client) scripted(t *testing.T, name string, arguments ...string) document {
	t.Helper()
	text := c.script(t, name, arguments...)
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s prints %q: %v", name, text, err)
	}
	return d
}

// The scripts of examples/curl tell the whole story of a plan.
func TestCurlScripts(t *testing.T) {
	t.Parallel()
	d := start(t)
	if n := len(d.scripted(t, "list-attacks.sh").list("attacks")); n != len(shippedAttacks) {
		t.Errorf("%d attacks are listed", n)
	}
	if n := len(d.scripted(t, "list-planners.sh").list("planners")); n != 2 {
		t.Errorf("%d planners are listed", n)
	}
	const file = "../plans/exact-api-request.json"
	plan := d.scripted(t, "post-plan.sh", file, "2031-10-23T19:19").text("id")
	if d.scripted(t, "post-plan.sh", file)["_warnings"] == nil {
		t.Error("the plan of 2016 brings no warning")
	}
	if pending, all := len(d.scripted(t, "list-plans.sh").list("plans")), len(d.scripted(t, "list-plans.sh", "all").list("plans")); pending != 1 || all != 2 {
		t.Errorf("%d plans are listed, %d with all", pending, all)
	}
	shown := d.scripted(t, "show-plan.sh", plan)
	id := shown.list("_embedded/executors")[0].text("id")
	if pending, all := len(d.scripted(t, "list-executors.sh").list("executors")), len(d.scripted(t, "list-executors.sh", "all").list("executors")); pending != 1 || all != 2 {
		t.Errorf("%d executors are listed, %d with all", pending, all)
	}
	if got := d.scripted(t, "move-executor.sh", id, "2032-10-23T19:19").text("next_run_time"); got != "2032-10-23T19:19:00+02:00" {
		t.Errorf("moved to %s", got)
	}
	if got := d.scripted(t, "show-executor.sh", id).text("state"); got != "scheduled" {
		t.Errorf("the executor is %s", got)
	}
	if got := d.script(t, "show-log.sh", id); got != "" {
		t.Errorf("it has the log %q", got)
	}
	if got := d.scripted(t, "halt-executor.sh", id).text("state"); got != "cancelled" {
		t.Errorf("halted, the executor is %s", got)
	}
	if got := d.scripted(t, "halt-plan.sh", plan); toJSON(t, got["halted"]) != "0" {
		t.Errorf("%v", got)
	}
	d.scripted(t, "delete-executor.sh", id)
	d.scripted(t, "delete-plan.sh", plan)
	if text, err := d.tryScript(t, "show-plan.sh", plan); err == nil || !strings.Contains(text, "plan not found "+plan) {
		t.Errorf("a plan that is gone: %v %q", err, text)
	}
}

// received is a request as a target of api_request saw it.
type received struct {
	method, body string
	header       http.Header
}

// target is a server that is attacked.
func target(t *testing.T) (url string, requests <-chan received) {
	t.Helper()
	seen := make(chan received, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen <- received{r.Method, string(body), r.Header}
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

// The documented attack reaches its endpoint as the Chaos Monkey Engine's did,
// and the answer is on record. Its log can be followed by the script.
func TestAPIRequest(t *testing.T) {
	t.Parallel()
	d := start(t)
	url, requests := target(t)
	id := d.attack(t, "api_request.ApiRequest", args{
		"endpoint": url, "method": "POST", "payload": args{"terminate": "1"}, "headers": args{"X-CUSTOM-HEADER": "test"},
	}, time.Now().Add(300*time.Millisecond))
	log := d.script(t, "show-log.sh", id, "follow") // returns when the run is over
	d.await(t, id, "succeeded")
	if log == "" || log != d.log(t, id) {
		t.Errorf("followed:\n%s\nin the end:\n%s", log, d.log(t, id))
	}
	select {
	case r := <-requests:
		if r.method != "POST" || r.body != "terminate=1" || r.header.Get("X-Custom-Header") != "test" ||
			r.header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.header.Get("Idempotency-Key") != id {
			t.Errorf("it received %+v", r)
		}
	default:
		t.Error("it received nothing")
	}
	result := string(d.executor(t, id).Run.Result)
	for _, part := range []string{"418", "short and stout"} {
		if !strings.Contains(result, part) {
			t.Errorf("the result %s does not have %q", result, part)
		}
	}
}

func TestAPIRequestFails(t *testing.T) {
	t.Parallel()
	d := start(t)
	url, _ := target(t)
	id := d.attack(t, "api_request:ApiRequest", args{"endpoint": url, "method": "GET", "expect_status": 200}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "418") {
		t.Errorf("another status: %q", e.Reason)
	}
	id = d.attack(t, "api_request:ApiRequest", args{"endpoint": "http://127.0.0.1:1", "method": "GET"}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "refused") {
		t.Errorf("nobody there: %q", e.Reason)
	}
}

// An attack built in a module of its own serves when it is dropped in, and what
// it does is taken back when it is halted, and when daemon and plugin are killed.
func TestThirdPartyAttack(t *testing.T) {
	t.Parallel()
	binary, err := built.thirdParty()
	if err != nil {
		t.Fatal(err)
	}
	d := start(t)
	drop(t, binary, d.attacks, "file-marker")
	d.offers(t, "file_marker:FileMarker", true)
	marker := filepath.Join(d.dir, "marker")
	attack := func(hold string) string {
		id := d.attack(t, "file_marker:FileMarker", args{"path": marker, "hold": hold}, time.Now())
		waitForFile(t, marker)
		return id
	}
	gone := func(what string) {
		t.Helper()
		if _, err := os.Stat(marker); !os.IsNotExist(err) {
			t.Errorf("%s the marker is still there: %v", what, err)
		}
	}

	id := attack("3s") // long enough to be seen
	d.await(t, id, "succeeded")
	gone("after the run")

	id = attack("1m")
	d.halt(t, id)
	d.await(t, id, "halted")
	gone("after the halt")

	id = attack("1m")
	d.kill(t)
	d.sweep()
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	gone("after the restart")
}
