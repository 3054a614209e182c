// Package examples_test keeps the examples true: the scripts send what the API
// promises to take, and the smallest attack stays as small as we say.
package examples_test

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "0190a1b2c3d47e5f8091a2b3c4d5e6f7"

// sent is a request as a script made it.
type sent struct{ method, path, contentType, body string }

// daemon stands in for the daemon: it answers every request with the status
// given, and keeps the last one.
func daemon(t *testing.T, status int) (url string, last func() sent) {
	t.Helper()
	requests := make(chan sent, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- sent{r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), string(body)}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"msg": "what the daemon says"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() sent { return <-requests }
}

// script runs a script of the curl folder against the daemon at url.
func script(t *testing.T, url, name string, args ...string) (output string, err error) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: apt-get install curl")
	}
	command := exec.CommandContext(t.Context(), "./"+name, args...)
	command.Dir = "curl"
	command.Env = append(os.Environ(), "CMED_URL="+url, "no_proxy=*")
	text, err := command.CombinedOutput()
	return string(text), err
}

// calls lists every script with arguments, and what it then sends.
var calls = []struct {
	script string
	args   []string
	sent   sent
}{
	{"list-attacks.sh", nil, sent{"GET", "/api/1/attacks/", "", ""}},
	{"list-planners.sh", nil, sent{"GET", "/api/1/planners/", "", ""}},
	{"list-plans.sh", nil, sent{"GET", "/api/1/plans/", "", ""}},
	{"list-plans.sh", []string{"all"}, sent{"GET", "/api/1/plans/?all=true", "", ""}},
	{"show-plan.sh", []string{id}, sent{"GET", "/api/1/plans/" + id, "", ""}},
	{"halt-plan.sh", []string{id}, sent{"POST", "/api/1/plans/" + id + "/halt", "application/json", `{"reason": "halted by hand"}`}},
	{"delete-plan.sh", []string{id}, sent{"DELETE", "/api/1/plans/" + id, "", ""}},
	{"list-executors.sh", nil, sent{"GET", "/api/1/executors/", "", ""}},
	{"list-executors.sh", []string{"all"}, sent{"GET", "/api/1/executors/?executed=true", "", ""}},
	{"show-executor.sh", []string{id}, sent{"GET", "/api/1/executors/" + id, "", ""}},
	{"move-executor.sh", []string{id, "2030-10-23T19:19"}, sent{"PUT", "/api/1/executors/" + id, "application/json", `{"type": "date", "args": {"date": "2030-10-23T19:19"}}`}},
	{"show-log.sh", []string{id}, sent{"GET", "/api/1/executors/" + id + "/log", "", ""}},
	{"show-log.sh", []string{id, "follow"}, sent{"GET", "/api/1/executors/" + id + "/log?follow=true", "", ""}},
	{"halt-executor.sh", []string{id}, sent{"POST", "/api/1/executors/" + id + "/halt", "application/json", `{"reason": "halted by hand"}`}},
	{"halt-everything.sh", nil, sent{"PUT", "/api/1/halt", "application/json", `{"reason": "halted by hand"}`}},
	{"halt-everything.sh", []string{`the "shop" \ is down`}, sent{"PUT", "/api/1/halt", "application/json", `{"reason": "the \"shop\" \\ is down"}`}},
	{"show-halt.sh", nil, sent{"GET", "/api/1/halt", "", ""}},
	{"release-halt.sh", nil, sent{"DELETE", "/api/1/halt", "", ""}},
	{"list-undos.sh", nil, sent{"GET", "/api/1/undos/", "", ""}},
	{"delete-executor.sh", []string{id}, sent{"DELETE", "/api/1/executors/" + id, "", ""}},
}

func TestScriptsCallTheAPI(t *testing.T) {
	for _, call := range calls {
		t.Run(strings.Join(append([]string{call.script}, call.args...), " "), func(t *testing.T) {
			url, last := daemon(t, http.StatusOK)
			output, err := script(t, url, call.script, call.args...)
			if err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			if got := last(); got != call.sent {
				t.Errorf("sent %+v\nwant %+v", got, call.sent)
			}
			if !strings.Contains(output, "what the daemon says") {
				t.Errorf("the answer is not shown: %q", output)
			}
		})
	}
}

// planScripts lists the scripts that send a plan from a file, and where to.
var planScripts = map[string]string{
	"post-plan.sh":    "/api/1/plans/",
	"preview-plan.sh": "/api/1/plans/?dry_run=true",
}

func TestPlanScriptsSendTheFile(t *testing.T) {
	const file = "../plans/exact-api-request.json" // as seen from the scripts
	plan, err := os.ReadFile("plans/" + filepath.Base(file))
	if err != nil {
		t.Fatal(err)
	}
	documented := strings.TrimSpace(string(plan))
	moved := strings.ReplaceAll(documented, "2016-06-21T15:30:12+02:00", "2030-10-23T19:19")
	url, last := daemon(t, http.StatusOK)
	for name, path := range planScripts {
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{file}, documented},
			{[]string{file, "2030-10-23T19:19"}, moved},
		} {
			if output, err := script(t, url, name, c.args...); err != nil {
				t.Fatalf("%s: %v: %s", name, err, output)
			}
			if got, want := last(), (sent{"POST", path, "application/json", c.want}); got != want {
				t.Errorf("%s sent %+v\nwant %+v", name, got, want)
			}
		}
	}
}

func TestScriptsFailWhenTheDaemonRefuses(t *testing.T) {
	for _, call := range calls {
		url, last := daemon(t, http.StatusNotFound)
		output, err := script(t, url, call.script, call.args...)
		last()
		if err == nil || !strings.Contains(output, "what the daemon says") {
			t.Errorf("%s: error %v, output %q; want a failure that shows the answer", call.script, err, output)
		}
	}
	url, last := daemon(t, http.StatusBadRequest)
	for name := range planScripts {
		if _, err := script(t, url, name, "../plans/exact-api-request.json"); err == nil {
			t.Errorf("%s succeeds, though the plan is refused", name)
		}
		last()
	}
}

func TestScriptsSayWhatTheyMiss(t *testing.T) {
	demanding := slices.Collect(maps.Keys(planScripts))
	for _, call := range calls {
		if len(call.args) > 0 && call.args[0] == id {
			demanding = append(demanding, call.script)
		}
	}
	for _, name := range demanding {
		if output, err := script(t, "http://127.0.0.1:0", name); err == nil || !strings.Contains(output, "usage: "+name) {
			t.Errorf("%s without arguments: %v, %q", name, err, output)
		}
	}
}

func TestEveryScriptIsTried(t *testing.T) {
	scripts, err := filepath.Glob("curl/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	tried := slices.Collect(maps.Keys(planScripts))
	for _, call := range calls {
		tried = append(tried, call.script)
	}
	for _, path := range scripts {
		if !slices.Contains(tried, filepath.Base(path)) {
			t.Errorf("%s is not tried", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\nset -eu\n") {
			t.Errorf("%s does not stop at errors", path)
		}
	}
}

// TestSmallestAttack holds the promise that an attack takes at most 15 lines of
// its author's own: all that is neither blank nor comment, imports included.
func TestSmallestAttack(t *testing.T) {
	file, err := os.Open("hello-attack/main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := 0
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	if lines > 15 {
		t.Errorf("the smallest attack has %d lines", lines)
	}
}
