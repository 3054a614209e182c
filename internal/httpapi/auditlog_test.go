package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

func TestTheAuditIsShown(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	const calls = 7
	for range calls {
		g.do(call{method: http.MethodPost, target: "/api/1/plugins/rescan"}).is(http.StatusOK)
	}
	for target, want := range map[string]string{
		"/api/1/audit/?limit=3":                         "[1 2 3 4 5 6 7]",
		"/api/1/audit/?limit=3&order=oldest&before=6":   "[1 2 3 4 5]",
		"/api/1/audit/?limit=3&order=newest":            "[7 6 5 4 3 2 1]",
		"/api/1/audit/?limit=2&order=newest&after=3":    "[7 6 5 4]",
		"/api/1/audit/?order=newest&after=2&before=5":   "[4 3]",
		"/api/1/audit/?limit=1&order=newest&before=1":   "[]",
		"/api/1/audit/?order=newest&from=2100-01-01":    "[]",
		"/api/1/audit/?limit=7&order=newest&after=0":    "[7 6 5 4 3 2 1]",
		"/api/1/audit/?limit=1000&order=newest&after=6": "[7]",
	} {
		if got := fmt.Sprint(numbers(g, target)); got != want {
			t.Errorf("%s: pages show %s, want %s", target, got, want)
		}
	}
	g.do(get("/api/1/audit/?after=6")).is(http.StatusOK).has("entries", lines(g, "?after=6"))
	g.do(get("/api/1/audit/?from=2100-01-01")).is(http.StatusOK).has("entries", "[]")
	g.do(get("/api/1/audit/?to=1980-01-01")).is(http.StatusOK).has("entries", "[]")
	for _, bad := range []string{
		"after=x", "after=-1", "before=0", "before=x", "before=", "from=never", "limit=0", "limit=1001", "order=", "order=due", "order=Newest",
	} {
		g.do(get("/api/1/audit/?" + bad)).is(http.StatusBadRequest)
	}
	g.do(get("/api/1/audit/verify")).is(http.StatusOK).has("entries", "7").has("head", `"`+g.lastEntry().Hash+`"`)

	last := audit.Entry{}
	for line := range strings.Lines(string(g.do(get("/api/1/audit/").with("Accept", "application/x-ndjson")).is(http.StatusOK).body)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if again := e.After(last); again != e {
			t.Errorf("the line is not what its hash is of: %s", line)
		}
		last = e
	}
	if last.Seq != calls {
		t.Errorf("the last line is %d", last.Seq)
	}
	if got := strings.Count(string(g.do(get("/api/1/audit/?limit=2&after=1").with("Accept", "application/x-ndjson")).body), "\n"); got != 2 {
		t.Errorf("%d lines, want 2", got)
	}
	g.do(get("/api/1/audit/?order=newest&before=3")).is(http.StatusOK).has("entries", lines(g, "?order=newest&before=3"))
}

// numbers are those of the entries at a target and on the pages that follow it.
func numbers(g *gate, target string) []any {
	var seqs []any
	for target != "" {
		a := g.do(get(target)).is(http.StatusOK)
		for _, e := range a.at("entries").([]any) {
			seqs = append(seqs, e.(map[string]any)["seq"])
		}
		next, _ := a.at("_links").(map[string]any)["next"].(map[string]any)
		target, _ = next["href"].(string)
	}
	return seqs
}

// lines are the entries as lines, in a list.
func lines(g *gate, query string) string {
	text := string(g.do(get("/api/1/audit/"+query).with("Accept", "application/x-ndjson")).is(http.StatusOK).body)
	list := "[" + strings.TrimSuffix(strings.ReplaceAll(text, "\n", ","), ",") + "]"
	var doc any
	if err := json.Unmarshal([]byte(list), &doc); err != nil {
		g.t.Fatal(err)
	}
	shown, err := encode(doc)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(shown)
}

func TestMoreEntriesThanAPage(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	const all = maxPage + 3
	entries := make(chan struct{}, 64) // appended together, they are committed together
	var appending sync.WaitGroup
	for range all {
		entries <- struct{}{}
		appending.Go(func() {
			defer func() { <-entries }()
			if _, err := g.store.AppendAudit(t.Context(), audit.Entry{Who: "x", Outcome: audit.OK}); err != nil {
				t.Error(err)
			}
		})
	}
	appending.Wait()
	if got := strings.Count(string(g.do(get("/api/1/audit/").with("Accept", "application/x-ndjson")).body), "\n"); got != all {
		t.Errorf("%d lines, want %d", got, all)
	}
	if got := strings.Count(string(g.do(get("/api/1/audit/?order=newest").with("Accept", "application/x-ndjson")).body), "\n"); got != all {
		t.Errorf("%d lines from the end, want %d", got, all)
	}
	for target, want := range map[string]int{
		"/api/1/audit/": 2, "/api/1/audit/?limit=1000": 2, "/api/1/audit/?limit=59": 17, "/api/1/audit/?limit=59&order=newest": 17,
	} {
		pages, seen := 0, 0
		for target != "" {
			a := g.do(get(target)).is(http.StatusOK)
			pages, seen = pages+1, seen+len(a.at("entries").([]any))
			next, _ := a.at("_links").(map[string]any)["next"].(map[string]any)
			target, _ = next["href"].(string)
		}
		if pages != want || seen != all { // 59 divides what there is: no page is empty
			t.Errorf("%d pages with %d entries, want %d with %d", pages, seen, want, all)
		}
	}
}
