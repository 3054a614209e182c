package metrics

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	rulesFile = "../../deploy/prometheus/cmed.rules.yml"
	rulesTest = "../../deploy/prometheus/cmed.test.yml"
)

func TestPromtoolLikesTheRules(t *testing.T) {
	promtool(t, "", "check", "rules", rulesFile)
	promtool(t, "", "test", "rules", rulesTest)
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

// An increase is seen only of what was there before. What a daemon tells from its
// start is, but for what it counts at its start, for which the alert must ask how old
// the daemon is. Of what comes to be later the alert must ask whether it is new.
func TestAlertsSeeTheFirstOfACount(t *testing.T) {
	fresh := told(handler(telling(engine.Status{}), hclog.NewNullLogger(), patient))
	counting := 0
	for _, a := range alerts(t) {
		if !strings.Contains(a.Expr, "increase(") {
			continue
		}
		counting++
		if !strings.Contains(a.Expr, "process_start_time_seconds <") {
			t.Errorf("%s does not see what is counted before the first scrape", a.Alert)
		}
		if !strings.Contains(a.Expr, "unless") {
			checkQuery(t, a.Alert+", in a daemon that was just started", a.Expr, fresh)
		}
	}
	if counting < 5 {
		t.Errorf("only %d alerts look at increases", counting)
	}
}
