package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const dashboardFile = "../../deploy/grafana/cmed.json"

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
	// Of Grafana's intervals only this one is sure to hold two samples, and to overlap
	// with the one before.
	filled := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")
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
