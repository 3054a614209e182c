package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExecutorDocument(t *testing.T) {
	t.Parallel()
	d := start(t)
	plan, ids := d.postPlan(t, sleepPlan(tomorrow()))
	list := d.get(t, "/api/1/executors/")
	checkMembers(t, "the list", list, "executors _embedded _links")
	if got, want := toJSON(t, list.at("_embedded/executors")), toJSON(t, list["executors"]); got != want {
		t.Errorf("embedded are %s, beside %s", got, want)
	}
	doc := list.list("executors")[0]
	checkMembers(t, "an executor", doc, executorMembers)
	self := "/api/1/executors/" + ids[0]
	links := document{
		"self": linkTo(self), "update": linkTo(self), "delete": linkTo(self), "plan": linkTo("/api/1/plans/" + plan),
		"log": linkTo(self + "/log"), "halt": linkTo(self + "/halt"),
	}
	if got, want := toJSON(t, doc["_links"]), toJSON(t, links); got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"id": toJSON(t, ids[0]), "plan_id": toJSON(t, plan), "executed": "false", "state": `"scheduled"`, "started": "null",
		"finished": "null", "lag_ms": "null", "reason": `""`, "undo": `"none"`, "dry_run": "false", "attack_ref": `"e2e:Sleep"`,
	} {
		if got := toJSON(t, doc[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	alone := d.get(t, self)
	checkMembers(t, "the executor alone", alone, executorMembers+" run undo_records log")
	if alone["run"] != nil {
		t.Errorf("it has a run before its time: %v", alone["run"])
	}
}

func TestARunIsOnRecord(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now())
	e := d.await(t, id, "succeeded")
	doc := d.get(t, "/api/1/executors/"+id)
	run, _ := doc.at("run").(map[string]any)
	checkMembers(t, "the run", run, "ref digest pid dry_run isolation progress targets result failure exit log_dropped")
	exit, _ := doc.at("run/exit").(map[string]any)
	checkMembers(t, "its exit", exit, "code cpu_ms peak_memory_bytes")
	if e.Started == nil || e.Finished == nil || e.LagMillis < 0 || e.Run.Digest != digestOf(t, built.testPlugin) || e.Run.PID <= 0 {
		t.Errorf("executor %+v", e)
	}
	if got := toJSON(t, run["targets"]); got != `[{"id":"bed","state":"hit"}]` {
		t.Errorf("targets %s", got)
	}
	if doc.text("run/result/slept") != "1ms" {
		t.Errorf("result %v", doc.at("run/result"))
	}
	if len(e.Log) != 1 || !strings.Contains(e.Log[0], "INFO  [attack] asleep for=1000000") {
		t.Errorf("log %q", e.Log)
	}
	if got := d.log(t, id); got != e.Log[0]+"\n" {
		t.Errorf("the log as text is %q", got)
	}
	d.checkClean(t)
}

func TestUndoRecordsAreShown(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "harm"), "fail": true}, time.Now())
	d.await(t, id, "failed")
	d.awaitUndo(t, id, "undone")
	doc := d.get(t, "/api/1/executors/"+id)
	records := doc.list("undo_records")
	if len(records) != 1 {
		t.Fatalf("records %v", records)
	}
	checkMembers(t, "the record", records[0], undoMembers)
	if records[0].text("state") != "undone" || records[0].text("outcome") != "undone" || toJSON(t, records[0]["attempts"]) != "1" {
		t.Errorf("record %v", records[0])
	}
	if doc.text("run/failure/message") != "failed as it was told to" {
		t.Errorf("failure %v", doc.at("run/failure"))
	}
}

func TestExecutorFilters(t *testing.T) {
	t.Parallel()
	d := start(t)
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	first, one := d.postPlan(t, sleepPlan(at))
	_, two := d.postPlan(t, planBody("e2e:Count", args{"file": "/dev/null"}, at.Add(time.Hour)))
	_, past := d.postPlan(t, sleepPlan(time.Now().Add(-time.Hour)))
	all := []string{past[0], one[0], two[0]}
	for query, want := range map[string][]string{
		"":                                  all[1:],
		"?executed=true":                    all,
		"?executed=no":                      all[1:],
		"?plan_id=" + first:                 all[1:2],
		"?state=missed":                     all[:1],
		"?state=missed&state=scheduled":     all,
		"?state=missed,scheduled":           all,
		"?state=running":                    nil,
		"?attack_ref=e2e:Count":             all[2:],
		"?attack_ref=e2e:Sleep":             all[1:2],
		"?attack_ref=no:Such":               nil,
		"?from=2031-05-01T12:30:00Z":        all[2:],
		"?to=2031-05-01T12:30:00Z":          all[1:2],
		"?from=2031-05-01T14:00":            all[1:], // in the engine's zone: 12:00 UTC
		"?from=2031-05-02&executed=true":    nil,
		"?to=2031-05-01T12:00:00Z":          nil, // before, not at
		"?executed=true&to=2031-05-01&x=1":  all[:1],
		"?executed=true&limit=2":            all[:2],
		"?executed=true&order=due":          all,
		"?executed=true&order=newest":       {two[0], one[0], past[0]},
		"?order=newest&limit=1":             two,
		"?plan_id=" + first + "&state=lost": nil,
	} {
		var ids []string
		for _, e := range d.executors(t, query) {
			ids = append(ids, e.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%q lists %v, want %v", query, ids, want)
		}
	}
}

// Lists without a limit are whole; with one they come in pages that are stable
// while things are added.
func TestPaging(t *testing.T) {
	t.Parallel()
	d := start(t)
	body := sleepPlan(tomorrow())
	body["planner"] = map[string]any{"ref": "simple_planner:SimplePlanner", "args": args{"min_time": "00:00", "max_time": "24:00", "times": 2500}}
	plan, ids := d.postPlan(t, body)
	if len(ids) != 2500 {
		t.Fatalf("the whole list has %d executors", len(ids))
	}
	alone := d.get(t, "/api/1/plans/"+plan)
	if n := len(alone.list("_embedded/executors")); n != 1000 || toJSON(t, alone["executors_total"]) != "2500" {
		t.Errorf("the plan shows %d of %v executors", n, alone["executors_total"])
	}
	embedded := idsOf(alone.list("_embedded/executors"))
	if got := append(embedded, d.pages(t, alone.text("_links/next/href"), "executors", nil)...); !slices.Equal(got, ids) {
		t.Errorf("the plan and its rest have %d executors, want the %d of the list", len(got), len(ids))
	}
	addPlan := func() { d.postPlan(t, sleepPlan(tomorrow())) }
	if got := d.pages(t, "/api/1/executors/?executed=true&limit=999&plan_id="+plan, "executors", addPlan); !slices.Equal(got, ids) {
		t.Errorf("the pages have %d executors, want the %d of the list", len(got), len(ids))
	}
	plans := idsOf(d.get(t, "/api/1/plans/?all=true").list("plans"))
	if got := d.pages(t, "/api/1/plans/?all=true&limit=2", "plans", addPlan); !slices.Equal(got, plans) {
		t.Errorf("the pages have the plans %v, want %v", got, plans)
	}
}

// pages follows the next links and returns the ids. between is called after the
// first page.
func (c client) pages(t testing.TB, path, member string, between func()) []string {
	t.Helper()
	var ids []string
	for n := 0; path != ""; n++ {
		if n == 1 && between != nil {
			between()
		}
		if n > 10_000 {
			t.Fatal("the pages don't end")
		}
		page := c.get(t, path)
		ids = append(ids, idsOf(page.list(member))...)
		path = page.text("_links/next/href")
	}
	return ids
}

func idsOf(list []document) []string {
	ids := make([]string, len(list))
	for i, d := range list {
		ids[i] = d.text("id")
	}
	return ids
}

// trigger is the body that moves an executor.
func trigger(date string) map[string]any {
	return map[string]any{"type": "date", "args": args{"date": date}}
}

func TestMovedExecutor(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
	path := "/api/1/executors/" + id
	for in, want := range map[string]string{
		"2031-10-23T19:19":               "2031-10-23T19:19:00+02:00",
		"2031-10-23 19:19:05":            "2031-10-23T19:19:05+02:00",
		"2031-10-23":                     "2031-10-23T00:00:00+02:00",
		"2031-10-23T19:19:05.25Z":        "2031-10-23T21:19:05.25+02:00",
		"2031-10-23T19:19-03:00":         "2031-10-24T00:19:00+02:00",
		"1950000000":                     "2031-10-17T12:40:00+02:00",
		"2031-10-23T19:19:1485436447":    "2031-10-23T19:19:00+02:00", // CME's own: only the minute counts
		"2031-03-30T02:30":               "2031-03-30T03:00:00+02:00", // the clocks skip this: the first instant after
		"2031-10-26T02:30":               "2031-10-26T02:30:00+02:00", // this comes twice: the first one
		"2031-10-23T19:19:05.123456789Z": "2031-10-23T21:19:05.123456+02:00",
		"2200-12-31T22:59:59Z":           "2200-12-31T23:59:59+01:00", // the last year
	} {
		doc := d.put(t, path, trigger(in), http.StatusOK)
		members := executorMembers
		if in == "2031-03-30T02:30" || in == "2031-10-26T02:30" {
			members += " _warnings"
		}
		checkMembers(t, in, doc, members)
		if got := doc.text("next_run_time"); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	t.Run("to now", func(t *testing.T) {
		d.put(t, path, trigger(date(time.Now())), http.StatusOK)
		d.await(t, id, "succeeded")
		d.refused(t, request{method: http.MethodPut, path: path, body: trigger("2031-10-23")}, http.StatusConflict, "executor "+id+"…")
	})
}

func TestMovedIntoThePastItIsMissedAndMayBeMovedAgain(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
	path := "/api/1/executors/" + id
	doc := d.put(t, path, trigger("2017-10-23T19:19"), http.StatusOK)
	checkMembers(t, "the answer", doc, executorMembers+" _warnings")
	if doc.text("state") != "missed" || doc["executed"] != true || doc.text("reason") == "" {
		t.Errorf("%v", doc)
	}
	doc = d.put(t, path, trigger("2031-10-23T19:19"), http.StatusOK)
	if doc.text("state") != "scheduled" || doc["executed"] != false || doc.text("reason") != "" || doc["finished"] != nil {
		t.Errorf("%v", doc)
	}
	d.post(t, path+"/halt", nil, http.StatusOK)
	d.put(t, path, trigger(date(time.Now())), http.StatusOK)
	d.await(t, id, "succeeded")
}

// The body is checked first, then the type, the date and the id.
func TestMoveIsCheckedInOrder(t *testing.T) {
	t.Parallel()
	d := start(t)
	missing := "/api/1/executors/" + strings.Repeat("0", 32)
	for _, step := range []struct {
		body   string
		status int
		msg    string
	}{
		{`{`, 400, "payload must be a valid json"},
		{`{"args": {}}`, 400, "invalid payload 'type' is a required property"},
		{`{"type": "cron", "args": {"date": "x"}}`, 400, "Invalid trigger type"},
		{`{"type": "date", "args": {}}`, 400, "invalid payload 'date' is a required property"},
		{`{"type": "date", "args": {"date": "x"}}`, 400, "Invalid date format"},
		{`{"type": "date", "args": {"date": "2031-10-23"}}`, 404, "executor not found " + strings.Repeat("0", 32)},
	} {
		d.refused(t, request{method: http.MethodPut, path: missing, body: step.body}, step.status, step.msg)
	}
}

func TestDeletedExecutorIsGone(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
	doc := d.delete(t, "/api/1/executors/"+id, http.StatusOK)
	checkMembers(t, "the answer", doc, "msg")
	if !strings.Contains(doc.text("msg"), id) {
		t.Errorf("msg %q does not name %s", doc.text("msg"), id)
	}
	d.refused(t, request{method: http.MethodDelete, path: "/api/1/executors/" + id}, http.StatusNotFound, "executor not found "+id)
}

func TestHaltedExecutor(t *testing.T) {
	t.Parallel()
	d := start(t)
	t.Run("before its time it is cancelled", func(t *testing.T) {
		id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
		doc := d.post(t, "/api/1/executors/"+id+"/halt", map[string]any{"reason": "not today"}, http.StatusOK)
		checkMembers(t, "the answer", doc, executorMembers)
		if doc.text("state") != "cancelled" || doc.text("reason") != "not today" {
			t.Errorf("%v", doc)
		}
	})
	t.Run("while it runs it is stopped and undone", func(t *testing.T) {
		file := filepath.Join(d.dir, "harm")
		id := d.attack(t, "e2e:Harm", args{"file": file, "hold": "1m"}, time.Now())
		waitForFile(t, file+".0")
		if d.leftovers(t) == nil {
			t.Error("a running attack is not seen among what would be left behind")
		}
		d.halt(t, id)
		if e := d.await(t, id, "halted"); e.Reason != "halted on request" {
			t.Errorf("reason %q", e.Reason)
		}
		d.awaitUndo(t, id, "undone")
		d.checkClean(t)
	})
}

func TestRefsAreEscapedInPaths(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	drop(t, built.testPlugin, d.attacks, "odd name+ü%")
	list := d.post(t, "/api/1/plugins/rescan", nil, http.StatusOK)
	if p := plugin(list, "odd name+ü%"); p == nil || p.text("state") == "" {
		t.Errorf("the file is not listed: %v", list)
	}
	for _, offer := range d.get(t, "/api/1/attacks/").list("attacks") {
		href := offer.text("_links/self/href")
		if ref := d.get(t, href).text("ref"); ref != offer.text("ref") {
			t.Errorf("%s leads to %q", href, ref)
		}
	}
	d.refused(t, request{method: http.MethodGet, path: "/api/1/attacks/" + url.PathEscape("a/b c%")}, http.StatusNotFound,
		fmt.Sprintf("unknown attack %q…", "a/b c%"))
}
