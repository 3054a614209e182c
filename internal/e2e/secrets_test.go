package e2e

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secret is a value of a property that is marked writeOnly.
const secret = "s3cr3t-\"quoted\"-vÄlue"

// A secret reaches the attack and is seen nowhere else: in no answer, log,
// event or output, and in no process list. The attack itself logs it, returns
// it as its result and names it when it fails.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	var seen strings.Builder
	plan, ids := d.postPlan(t, planBody("e2e:Sleep", args{"for": "1m", "token": secret}, time.Now()))
	id := ids[0]
	d.await(t, id, "running")
	events := d.follow(t, "/api/1/executors/"+id+"/log", map[string]string{"Accept": "text/event-stream"})
	checkHidden(t, "the list of processes", processList(t))
	checkHidden(t, "the answers while it runs", d.everything(t, plan, id))
	d.halt(t, id)
	d.await(t, id, "halted")
	for line := range events.lines {
		seen.WriteString(line + "\n")
	}
	checkHidden(t, "the events", seen.String())
	short := d.attack(t, "e2e:Sleep", args{"for": "1ms", "token": secret}, time.Now())
	if e := d.await(t, short, "succeeded"); !strings.Contains(string(e.Run.Result), "[redacted]") {
		t.Errorf("the attack did not have its secret: %s", e.Run.Result)
	}
	checkHidden(t, "the answers in the end", d.everything(t, plan, short))
	d.stop(t)
	d.restart(t)
	checkHidden(t, "the answers after a restart", d.everything(t, plan, id))
	checkHidden(t, "the daemon's log", d.stderr.String())
	checkHidden(t, "the daemon's output", d.stdout.String())
	preview := trial("?dry_run=true", toJSON(t, planBody("e2e:Sleep", args{"for": "1m", "token": secret}, tomorrow())))
	checkHidden(t, "a trial", string(d.send(t, preview).body))
	checkHidden(t, "the state folder", namesAndContents(t, d.state))
}

// The headers of a request are secrets, also when the answer repeats them.
func TestAPIRequestHeadersStayInside(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	got := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value := r.Header.Get("Authorization")
		got <- value
		w.Header().Set("X-Echo", value)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "you said "+value)
	}))
	defer server.Close()
	const token = "Bearer abcdefghijklmnop"
	plan, ids := d.postPlan(t, planBody("api_request:ApiRequest", args{
		"endpoint": server.URL, "method": "GET", "headers": args{"Authorization": token}, "expect_status": 200,
	}, time.Now()))
	d.await(t, ids[0], "failed")
	if value := <-got; value != token {
		t.Errorf("the endpoint got %q", value)
	}
	for what, text := range map[string]string{"answers": d.everything(t, plan, ids[0]), "log": d.stderr.String()} {
		if strings.Contains(text, token) {
			t.Errorf("the %s show the header: %s", what, around(text, token))
		}
	}
}

// A refusal does not repeat a secret that is wrong.
func TestRefusalsDoNotRepeatSecrets(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	for _, bad := range []request{
		attacking(`{"ref":"e2e:Sleep","args":{"for":"1s","token":["hush-hush"]}}`),
		attacking(`{"ref":"e2e:Sleep","args":{"for":"1s","token":{"hush-hush":"hush-hush"}}}`),
		calling(`{"endpoint":"http://localhost/","method":"GET","headers":{"Authorization":"hush-hush\r\n"}}`),
		calling(`{"endpoint":"http://localhost/","method":"GET","headers":{"Authorization":["hush-hush"]}}`),
	} {
		a := d.send(t, bad)
		checkProblem(t, a, http.StatusBadRequest, "invalid payload…")
		if strings.Contains(string(a.body), "hush-hush") {
			t.Errorf("the refusal says %s", a.body)
		}
	}
	if log := d.stderr.String(); strings.Contains(log, "hush-hush") {
		t.Errorf("the log says %s", around(log, "hush-hush"))
	}
}

// A variable of the daemon reaches no plugin that it was not granted to.
func TestTheEnvironmentStaysInside(t *testing.T) {
	t.Parallel()
	d := start(t, withEnv("AWS_SECRET_ACCESS_KEY=hush-hush", "CMED_TIMEZONE=UTC"))
	d.await(t, d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now()), "running")
	pids := d.processes()
	if len(pids) == 0 {
		t.Fatal("no process of the run is found")
	}
	for _, pid := range pids {
		environ, err := os.ReadFile(procFile(pid, "environ"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"AWS_", "CMED_TIMEZONE"} {
			if strings.Contains(string(environ), name) {
				t.Errorf("process %d has %s in its environment", pid, name)
			}
		}
	}
}

// everything is all that the API says of a plan and an executor.
func (c client) everything(t testing.TB, plan, executor string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{
		"/", "/api/1/attacks/", "/api/1/planners/", "/api/1/plugins/", "/api/1/plans/?all=true", "/api/1/plans/" + plan,
		"/api/1/undos/?all=true", "/api/1/status", leverPath, "/metrics",
		"/api/1/executors/?executed=true", "/api/1/executors/" + executor, "/api/1/executors/" + executor + "/log",
	} {
		a := c.send(t, get(path))
		if a.status != http.StatusOK {
			t.Fatalf("GET %s: status %d", path, a.status)
		}
		fmt.Fprintf(&all, "%s %v %s\n", path, a.header, a.body)
	}
	return all.String()
}

// processList is what anybody sees of all processes, and the environment of
// those of which we may read it.
func processList(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ", "/proc/[0-9]*/comm"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, _ := os.ReadFile(file)
			all.Write(text)
		}
	}
	return all.String()
}

// namesAndContents is what a folder holds.
func namesAndContents(t testing.TB, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all.WriteString(path)
		if !e.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// checkHidden fails the test when a text has the secret, in any of the ways it
// may be written.
func checkHidden(t testing.TB, what, text string) {
	t.Helper()
	quoted := strings.Trim(toJSON(t, secret), `"`)
	for _, form := range []string{secret, quoted, "s3cr3t", "vÄlue"} {
		if strings.Contains(text, form) {
			t.Errorf("%s: the secret is shown: %s", what, around(text, form))
			return
		}
	}
}

// around is a text's part around a word.
func around(text, word string) string {
	at := strings.Index(text, word)
	return text[max(0, at-200):min(len(text), at+len(word)+100)]
}
