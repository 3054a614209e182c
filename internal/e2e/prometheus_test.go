package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// prometheus is a real one that scrapes a daemon.
type prometheus struct{ client }

// startPrometheus starts one with the configuration of the deploy folder, but for
// the address of the daemon and for its hurry. It ends with the test.
func startPrometheus(t *testing.T, d *daemon, key string) prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is missing: apt-get install prometheus (its service need not run)")
	}
	dir := t.TempDir()
	shipped := filepath.Join(repository, "deploy", "prometheus")
	config := readText(t, filepath.Join(shipped, "prometheus.yml"))
	keyFile := filepath.Join(dir, "cmed.key")
	for old, now := range map[string]string{
		"127.0.0.1:5000":           strings.TrimPrefix(d.base, "http://"),
		"/etc/prometheus/cmed.key": keyFile,
		"scrape_interval: 15s":     "scrape_interval: 250ms\n    scrape_timeout: 250ms",
	} {
		if !strings.Contains(config, old) {
			t.Fatalf("the configuration does not say %q", old)
		}
		config = strings.ReplaceAll(config, old, now)
	}
	writeText(t, filepath.Join(dir, "prometheus.yml"), config)
	writeText(t, keyFile, key+"\n")
	writeText(t, filepath.Join(dir, "cmed.rules.yml"), readText(t, filepath.Join(shipped, "cmed.rules.yml")))

	address := freeAddress(t)
	var said transcript
	command := exec.Command(binary, "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	command.Dir, command.Stdout, command.Stderr = dir, &said, &said
	if err := command.Start(); err != nil {
		t.Fatalf("start prometheus: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("prometheus said:\n%s", said.String())
		}
	})
	p := prometheus{newClient("http://"+address, nil)}
	waitFor(t, patience, "prometheus to be ready", func() bool {
		a, err := p.try(request{method: http.MethodGet, path: "/-/ready"})
		return err == nil && a.status == http.StatusOK
	})
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// query returns the values of an expression, "" when there is none.
func (p prometheus) query(t *testing.T, expr string) string {
	t.Helper()
	a := p.send(t, request{method: http.MethodGet, path: "/api/v1/query?query=" + url.QueryEscape(expr)})
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(a.body, &answer); err != nil || a.status != http.StatusOK {
		t.Fatalf("query %s: %d %s", expr, a.status, a.body)
	}
	var values []string
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return strings.Join(values, " ")
}

// is waits until an expression has a value.
func (p prometheus) is(t *testing.T, expr, want string) {
	t.Helper()
	waitFor(t, patience, expr+" to be "+want, func() bool { return p.query(t, expr) == want })
}

// bearer shows a key with each request.
type bearer struct {
	key  string
	next http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.key)
	return b.next.RoundTrip(r)
}

// newKey makes a key and returns its secret.
func (c client) newKey(t *testing.T, name, role string) string {
	t.Helper()
	key := c.post(t, "/api/1/keys/", map[string]any{"name": name, "role": role}, http.StatusCreated).text("key")
	if key == "" {
		t.Fatalf("the key of %s is not shown", name)
	}
	return key
}

// A real Prometheus scrapes a daemon, with the key of a viewer, and evaluates the
// rules that are shipped.
func TestPrometheusScrapesTheDaemon(t *testing.T) {
	t.Parallel()
	d := start(t)
	d.http.Transport = bearer{d.newKey(t, "a test", "admin"), d.http.Transport}
	p := startPrometheus(t, d, d.newKey(t, "prometheus", "viewer"))
	p.is(t, `up{job="cmed"}`, "1")
	p.is(t, `cmed_executors_ended_total{state="succeeded"}`, "0") // before there is one: so that rates see the first
	d.await(t, d.attack(t, "e2e:Sleep", args{"for": "10ms"}, time.Now()), "succeeded")
	for expr, want := range map[string]string{
		`increase(cmed_executors_ended_total{state="succeeded"}[1m]) > bool 0`:     "1",
		`cmed_executors{state="succeeded"}`:                                        "1",
		`cmed_fire_lag_seconds_count`:                                              "1",
		`cmed_run_duration_seconds_count{ref="e2e:Sleep",outcome="succeeded"}`:     "1",
		`cmed_http_requests_total{route="/api/1/plans/",method="POST",code="200"}`: "1",
		`cmed_store_writable`:                               "1",
		`cmed_lever_engaged`:                                "0",
		`sum(cmed_plugins{state!="ready"})`:                 "0",
		`cmed_store_size_bytes > bool 0`:                    "1",
		`cmed_store_commit_duration_seconds_count > bool 0`: "1",
		`cmed_event_readers`:                                "0",
		`scrape_samples_scraped{job="cmed"} < bool 1000`:    "1",
		`cmed_fire_lag_seconds_sum > bool 0`:                "1",
	} {
		p.is(t, expr, want)
	}
	d.put(t, "/api/1/halt", map[string]any{"reason": "a drill"}, http.StatusOK)
	p.is(t, `cmed_lever_engaged`, "1")
	p.is(t, `cmed_halts_total`, "1")
	p.rulesWork(t)
}

// rulesWork fails when Prometheus could not evaluate a rule.
func (p prometheus) rulesWork(t *testing.T) {
	t.Helper()
	a := p.send(t, request{method: http.MethodGet, path: "/api/v1/rules"})
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError, State string }
			}
		}
	}
	if err := json.Unmarshal(a.body, &answer); err != nil || len(answer.Data.Groups) == 0 {
		t.Fatalf("the rules: %v: %s", err, a.body)
	}
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.LastError != "" || r.Health == "err" {
				t.Errorf("rule %s: %s", r.Name, r.LastError)
			}
		}
	}
}
