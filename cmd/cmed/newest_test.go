package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// executorAt is an executor of which the list is told, due at an hour.
func executorAt(id, state string, hour int) string {
	return fmt.Sprintf(`{"id":%q,"state":%q,"next_run_time":"2026-11-21T%02d:00:00Z","finished":"2026-11-21T%02d:30:00Z"}`, id, state, hour, 23-hour)
}

// ids are the first words of the rows of a table.
func ids(table string) string {
	var found []string
	for line := range strings.Lines(table) {
		found = append(found, strings.Fields(line)[0])
	}
	return strings.Join(found, " ")
}

func TestACutListEndsWithTheNewest(t *testing.T) {
	const next = `],"_links":{"next":{"href":"/api/1/more"}}}`
	newest := `{"executors":[` + executorAt("c", "failed", 12) + "," + executorAt("b", "failed", 11) + next
	oldest := `{"executors":[` + executorAt("a", "failed", 10) + "," + executorAt("b", "failed", 11) + next
	for _, test := range []struct {
		name, args, answer string
		query, ids, said   string
	}{
		{"all", "executor list --all --limit 2", newest, "executed=true&limit=2&order=newest", "ID b c", "there are earlier ones: --limit 0 shows all\n"},
		{"those that are over", "executor list --state failed --limit 2", newest, "limit=2&order=newest&state=failed", "ID b c", "there are earlier ones: --limit 0 shows all\n"},
		{"those to come", "executor list --limit 2", oldest, "limit=2", "ID a b", "there are more: --limit 0 shows all\n"},
		{"of a daemon that begins with the oldest", "executor list --all --limit 2", oldest, "executed=true&limit=2&order=newest", "ID a b", "there are later ones, which this daemon does not show first: --limit 0 shows all\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{"GET /api/1/executors/": {test.answer}})
			c, code := s.call(t, strings.Fields(test.args)...)
			if got := ids(c.stdout.String()); code != 0 || got != test.ids || c.stderr.String() != test.said {
				t.Errorf("exit code %d: %s and %s", code, got, c.stderr.String())
			}
			if want := "GET /api/1/executors/?" + test.query; s.asked[0] != want {
				t.Errorf("asked %s, want %s", s.asked[0], want)
			}
		})
	}
}

func TestTheAuditEndsWithItsLastEntries(t *testing.T) {
	const at = `"at":"2026-11-21T17:00:00Z"`
	s := newStandIn(t, map[string][]string{
		"GET /api/1/audit/": {`{"entries":[{"seq":9,` + at + `},{"seq":8,` + at + `}],"_links":{"next":{"href":"/x"}}}`},
		"GET /api/1/status": {`{"timezone":"Europe/Madrid"}`, `404 {"detail":"no"}`},
	})
	c, code := s.call(t, "audit", "list", "--limit", "2", "--since", "0")
	if got := ids(c.stdout.String()); code != 0 || got != "SEQ 8 9" || c.stderr.String() != "there are earlier ones: --limit 0 shows all\n" {
		t.Errorf("exit code %d: %s%s", code, c.stdout.String(), c.stderr.String())
	}
	if want := "GET /api/1/audit/?limit=2&order=newest"; s.asked[0] != want {
		t.Errorf("asked %s, want %s", s.asked[0], want)
	}
	// Its times are shown in the zone in which all others are.
	if !strings.Contains(c.stdout.String(), "2026-11-21T18:00:00+01:00 (") {
		t.Errorf("its times are others: %s", c.stdout.String())
	}
	c, code = s.call(t, "audit", "list", "--limit", "2", "--since", "0")
	if code != 0 || !strings.Contains(c.stdout.String(), "2026-11-21T17:00:00Z (") {
		t.Errorf("without a zone: exit code %d: %s%s", code, c.stdout.String(), c.stderr.String())
	}
}

// The failures that were due last are not those that ended last.
func TestTheLastFailuresEndedLast(t *testing.T) {
	var list []string
	for hour := 8; hour < 16; hour++ { // the later one is due, the earlier it ended
		list = append(list, executorAt(fmt.Sprint("f", hour), "failed", hour))
	}
	rising := `{"executors":[` + strings.Join(list, ",") + `],"_links":{}}`
	slices.Reverse(list)
	falling := `{"executors":[` + strings.Join(list, ",") + `],"_links":{}}`
	cut := executorAt("x", "failed", 1) + strings.Repeat(","+executorAt("y", "failed", 2), lastByDue)
	none := `{"executors":[],"_links":{}}`
	for name, answers := range map[string][]string{
		"newest first":                         {none, none, falling, none},
		"a daemon that begins with the oldest": {none, none, rising, none},
		"and has many":                         {none, none, `{"executors":[` + cut + `],"_links":{}}`, rising, none},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{
				"GET /api/1/status": {`{}`}, "GET /api/1/me": {`{}`}, "GET /api/1/plugins/": {`{}`}, "GET /api/1/executors/": answers,
			})
			c, code := s.call(t, "status")
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, c.stderr.String())
			}
			_, failed, _ := strings.Cut(c.stdout.String(), "failed in the last day\n")
			if got := ids(failed); got != "ID f8 f9 f10 f11 f12" {
				t.Errorf("the last failures are %s", got)
			}
		})
	}
}

func TestTheExecutorsThatWereLastDueAreOffered(t *testing.T) {
	s := newStandIn(t, map[string][]string{"GET /api/1/executors/": {
		`{"executors":[` + executorAt("b", "failed", 11) + "," + executorAt("a", "failed", 10) + `]}`,
		`{"executors":[` + executorAt("a", "failed", 10) + "," + executorAt("b", "failed", 11) + `]}`,
	}})
	for range 2 { // the second daemon does not know the order
		got := callWith(t, nil, "", "__complete", "executor", "show", "--server", s.URL, "")
		if got.code != 0 || !strings.Contains(got.stdout, "a\tfailed") || !strings.Contains(got.stdout, "b\tfailed") {
			t.Errorf("%+v", got)
		}
	}
	if want := "GET /api/1/executors/?executed=true&limit=200&order=newest"; s.asked[0] != want {
		t.Errorf("asked %s, want %s", s.asked[0], want)
	}
}
