package metrics

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promtool runs Debian's; the test is skipped where there is none.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing: apt-get install prometheus (its service need not run)")
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil || bytes.Contains(out, []byte("no help text")) {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolLikesTheMetrics(t *testing.T) {
	promtool(t, scrape(busy(t), "").Body.String(), "check", "metrics")
}

func TestPromtoolLikesTheScrapeConfiguration(t *testing.T) {
	promtool(t, "", "check", "config", "--syntax-only", "../../deploy/prometheus/prometheus.yml")
}

var (
	selectors = regexp.MustCompile(`\b((?:cmed|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	matchers  = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"([^"]*)"`)
	samples   = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? `)
)

// known are the metrics of a daemon in which everything has happened, each with
// its labels and their values.
func known(t *testing.T) map[string]map[string][]string {
	t.Helper()
	return told(busy(t))
}

// told are the metrics that a handler tells, likewise.
func told(h http.Handler) map[string]map[string][]string {
	found := map[string]map[string][]string{}
	for _, sample := range samples.FindAllStringSubmatch(scrape(h, "").Body.String(), -1) {
		labels := found[sample[1]]
		if labels == nil {
			labels = map[string][]string{"job": {"cmed"}, "instance": {""}} // of the scrape
			found[sample[1]] = labels
		}
		for _, pair := range matchers.FindAllStringSubmatch(sample[2], -1) {
			labels[pair[1]] = append(labels[pair[1]], pair[2])
		}
	}
	return found
}

// checkQuery fails when a query names a metric, a label, or the value of a label
// of which all values are known, that there is not.
func checkQuery(t *testing.T, where, expr string, there map[string]map[string][]string) {
	t.Helper()
	selected := selectors.FindAllStringSubmatch(expr, -1)
	if len(selected) == 0 && !strings.HasPrefix(expr, "up{") { // which is Prometheus' own
		t.Errorf("%s: %s names no metric", where, expr)
	}
	for _, s := range selected {
		labels, exists := there[s[1]]
		if !exists {
			t.Errorf("%s: there is no metric %s", where, s[1])
			continue
		}
		for _, m := range matchers.FindAllStringSubmatch(s[2], -1) {
			values, has := labels[m[1]]
			if !has {
				t.Errorf("%s: %s has no label %s, only %q", where, s[1], m[1], slices.Collect(maps.Keys(labels)))
			}
			for value := range strings.SplitSeq(m[2], "|") {
				if (m[1] == "state" || m[1] == "kind") && !slices.Contains(values, value) {
					t.Errorf("%s: %s is never %s=%q", where, s[1], m[1], value)
				}
			}
		}
	}
}

func TestQueriesNameOnlyWhatThereIs(t *testing.T) {
	there := known(t)
	queries := expressions(t)
	if len(queries) < 20 {
		t.Fatalf("only %d queries in the dashboard", len(queries))
	}
	for _, expr := range queries {
		checkQuery(t, "the dashboard", expr, there)
	}
	for _, a := range alerts(t) {
		checkQuery(t, a.Alert, a.Expr, there)
	}
}

// Each metric of ours is on the dashboard, or wakes somebody.
func TestEveryMetricIsUsed(t *testing.T) {
	used := strings.Join(expressions(t), "\n")
	for _, a := range alerts(t) {
		used += "\n" + a.Expr
	}
	for name := range known(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "cmed_") && !strings.Contains(used, base) {
			t.Errorf("%s is neither on the dashboard nor in an alert", name)
		}
	}
}

// The page on watching cmed names each metric with its labels, and each alert,
// and none that there is not.
func TestTheDocumentationIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	named := map[string]bool{}
	there := known(t)
	for _, m := range regexp.MustCompile("`(cmed_[a-z_]+)(?:\\{([a-z,]+)\\})?`").FindAllStringSubmatch(page, -1) {
		named[m[1]] = true
		labels, exists := there[m[1]]
		if !exists {
			labels, exists = there[m[1]+"_bucket"]
		}
		if !exists {
			t.Errorf("the page names %s, which there is not", m[1])
			continue
		}
		var own []string
		for name := range labels {
			if name != "job" && name != "instance" && name != "le" {
				own = append(own, name)
			}
		}
		said := strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
		if slices.Sort(own); !slices.Equal(own, slices.Sorted(slices.Values(said))) {
			t.Errorf("the page gives %s the labels %q, it has %q", m[1], said, own)
		}
	}
	for name := range there {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if strings.HasPrefix(name, "cmed_") && !named[base] {
			t.Errorf("the page does not name %s", base)
		}
	}
	for _, a := range alerts(t) {
		if !strings.Contains(page, "`"+a.Alert+"`") {
			t.Errorf("the page does not name the alert %s", a.Alert)
		}
	}
}
