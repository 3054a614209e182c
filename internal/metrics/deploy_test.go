package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const (
	dashboardFile = "../../deploy/grafana/cmed.json"
	rulesFile     = "../../deploy/prometheus/cmed.rules.yml"
	rulesTest     = "../../deploy/prometheus/cmed.test.yml"
	scrapeConfig  = "../../deploy/prometheus/prometheus.yml"
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

func TestPromtoolLikesTheRules(t *testing.T) {
	promtool(t, "", "check", "rules", rulesFile)
	promtool(t, "", "test", "rules", rulesTest)
}

func TestPromtoolLikesTheScrapeConfiguration(t *testing.T) {
	promtool(t, "", "check", "config", "--syntax-only", scrapeConfig)
}

// alert is one rule.
type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct{ Rules []alert }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// Each alert says how urgent it is and what to do, and is tried out.
func TestAlertsAreComplete(t *testing.T) {
	tests, err := os.ReadFile(rulesTest)
	if err != nil {
		t.Fatal(err)
	}
	all := alerts(t)
	if len(all) < 10 {
		t.Fatalf("only %d alerts", len(all))
	}
	for _, a := range all {
		if s := a.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s does not say what to do", a.Alert)
		}
		if !bytes.Contains(tests, []byte(a.Alert)) {
			t.Errorf("%s is not tried out in %s", a.Alert, rulesTest)
		}
	}
}

// dashboard is what is read of Grafana's format.
type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
	Annotations struct {
		List []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Definition string }
	}
}

// expressions are those of the dashboard, with Grafana's variables filled in.
func expressions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var all []string
	seen := map[int]bool{}
	for i, p := range d.Panels {
		if seen[p.ID] || p.Title == "" || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %q, is out of order: %+v", p.ID, p.Title, p.GridPos)
		}
		seen[p.ID] = true
		for _, other := range d.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("the panels %q and %q overlap", p.Title, other.Title)
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, a.Expr)
	}
	filled := strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$instance", ".*")
	for i := range all {
		all[i] = filled.Replace(all[i])
	}
	return all
}

func TestPromtoolReadsTheDashboardsQueries(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups: [{name: dashboard, rules: [\n")
	for i, expr := range expressions(t) {
		quoted, err := json.Marshal(expr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&rules, "{record: 'r%d', expr: %s},\n", i, quoted)
	}
	rules.WriteString("]}]\n")
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", path)
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
	found := map[string]map[string][]string{}
	for _, sample := range samples.FindAllStringSubmatch(scrape(busy(t), "").Body.String(), -1) {
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
	if len(selected) == 0 && !strings.HasPrefix(expr, "up{") {
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
