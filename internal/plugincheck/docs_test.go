package plugincheck

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// all are the checks there are, in the order in which they are made.
func all() []check {
	checks := slices.Concat(describingChecks, []check{servingCheck})
	for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
		for _, table := range tablesOf(kind) {
			for _, c := range table {
				if !slices.ContainsFunc(checks, func(known check) bool { return known.id == c.id }) {
					checks = append(checks, c)
				}
			}
		}
	}
	return checks
}

func TestEveryCheckIsComplete(t *testing.T) {
	seen := map[string]string{}
	for _, c := range all() {
		if c.id == "" || c.title == "" || c.hint == "" || c.run == nil {
			t.Errorf("the check %+v lacks something", c)
		}
		if before, there := seen[c.title]; there {
			t.Errorf("%s and %s have the same title", before, c.id)
		}
		seen[c.title] = c.id
	}
}

func TestEveryCheckIsDocumented(t *testing.T) {
	const document = "../../docs/authors/check.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		id, named := strings.CutPrefix(cells[0], "| `")
		if !named || len(cells) != 4 {
			continue
		}
		rows[strings.TrimSuffix(id, "`")] = cells[1]
	}
	for _, c := range all() {
		title, there := rows[c.id]
		if !there {
			t.Errorf("%s has no row for %s", document, c.id)
		} else if title != c.title {
			t.Errorf("%s says that %s demands %q; it demands %q", document, c.id, title, c.title)
		}
		delete(rows, c.id)
	}
	for id := range rows {
		t.Errorf("%s has a row for %s, which is no check", document, id)
	}
}
