package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	undosPath   = "/api/1/undos/"
	undoMembers = "id executor_id plan_id attack_ref state description created undo_at next_attempt attempts outcome " +
		"message finished abandoned digest _links"
)

// abandoning gives an undo record up.
func abandoning(id string, body any) request {
	return request{method: http.MethodPost, path: undosPath + id + "/abandon", body: body}
}

// stuck runs e2e:Stubborn and waits until its undo is given up. It returns the
// executor, its harm and the file that lets it be undone.
func (d *daemon) stuck(t testing.TB, name string) (id, harm, key string) {
	t.Helper()
	harm = filepath.Join(d.dir, name)
	key = harm + ".key"
	id = d.attack(t, "e2e:Stubborn", args{"file": harm, "key": key}, time.Now())
	d.awaitUndo(t, id, "failed")
	return id, harm, key
}

// Records in all their states are listed, in the order of their making.
func TestUndosAreListed(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	undone := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "a"), "fail": true}, time.Now())
	d.awaitUndo(t, undone, "undone")
	failed, harm, _ := d.stuck(t, "b")
	keep := with(planBody("e2e:Harm", args{"file": filepath.Join(d.dir, "c")}, time.Now()), map[string]any{"undo": "keep"})
	_, ids := d.postPlan(t, keep)
	kept := ids[0]
	d.awaitUndo(t, kept, "kept")
	open := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "d"), "count": 2}, time.Now())
	d.awaitUndo(t, open, "open")
	all := []string{undone + "-1", failed + "-1", kept + "-1", open + "-1", open + "-2"}
	for query, want := range map[string][]string{
		"":                               all[1:],
		"?all=true":                      all,
		"?all=no":                        all[1:],
		"?state=failed":                  all[1:2],
		"?state=undone":                  all[:1],
		"?state=undone&state=kept":       {all[0], all[2]},
		"?state=undone,open":             {all[0], all[3], all[4]},
		"?state=abandoned":               nil,
		"?state=undoing":                 nil,
		"?all=true&limit=3":              all[:3],
		"?all=true&state=failed&limit=5": all[1:2],
	} {
		list := d.get(t, undosPath+query)
		checkMembers(t, query, list, "undos _links")
		if got := idsOf(list.list("undos")); !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
	if got := d.pages(t, undosPath+"?all=true&limit=2", "undos", nil); !slices.Equal(got, all) {
		t.Errorf("the pages have %v, want %v", got, all)
	}

	doc := d.get(t, undosPath+failed+"-1")
	checkMembers(t, "the record", doc, undoMembers)
	e := d.executor(t, failed)
	for name, want := range map[string]string{
		"executor_id": toJSON(t, failed), "plan_id": toJSON(t, e.Plan), "attack_ref": `"e2e:Stubborn"`, "state": `"failed"`,
		"description": toJSON(t, "remove "+harm), "undo_at": "null", "next_attempt": "null", "attempts": "1",
		"outcome": `"failed"`, "abandoned": "null", "digest": toJSON(t, digestOf(t, built.testPlugin)),
	} {
		if got := toJSON(t, doc[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	says(t, "the record", doc.text("message"), "locked: ")
	self := undosPath + failed + "-1"
	links := document{
		"self": linkTo(self), "executor": linkTo("/api/1/executors/" + failed), "plan": linkTo("/api/1/plans/" + e.Plan),
		"retry": linkTo(self + "/retry"), "abandon": linkTo(self + "/abandon"),
	}
	if got, want := toJSON(t, doc["_links"]), toJSON(t, links); got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	inList := d.get(t, undosPath+"?state=failed").list("undos")[0]
	ofExecutor := d.get(t, "/api/1/executors/"+failed).list("undo_records")[0]
	if one := toJSON(t, doc); toJSON(t, inList) != one || toJSON(t, ofExecutor) != one {
		t.Errorf("alone it is\n%s\nin the list\n%v\nof its executor\n%v", one, inList, ofExecutor)
	}
	says(t, "cmed undos", d.cmed(t, 0, "undos").out, all[1:]...)
}

// An undo that was given up is seen wherever somebody looks, and can be tried
// again by hand.
func TestAFailedUndoIsLoudAndCanBeRetried(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=2"))
	id, harm, key := d.stuck(t, "harm")
	record := undosPath + id + "-1"
	waitFor(t, patience, "the daemon's log to tell of it", func() bool { // and count it, once it can be read
		log := d.stderr.String()
		return strings.Contains(log, "[ERROR] cmed.engine: undo attempted") && strings.Contains(log, id) &&
			strings.Contains(d.metrics(t), "\ncmed_undos_failed_total 1\n")
	})
	waitFor(t, patience, "the attempts to be counted", func() bool {
		return strings.Contains(d.metrics(t), "\ncmed_undo_attempts_total{outcome=\"failed\"} 2\n")
	})
	says(t, "the metrics", d.metrics(t), "\ncmed_undos{state=\"failed\"} 1\n")
	says(t, "the run's log", d.log(t, id), "ERROR", "locked: ")
	status := d.get(t, "/api/1/status")
	if toJSON(t, status.at("undos/failed")) != "1" || toJSON(t, status.at("totals/undos_failed")) != "1" {
		t.Errorf("the status says %v", status)
	}

	retried := d.post(t, record+"/retry", nil, http.StatusAccepted)
	checkMembers(t, "the answer", retried, undoMembers)
	d.awaitUndo(t, id, "failed")
	waitFor(t, patience, "two more attempts", func() bool {
		return strings.Contains(d.metrics(t), "\ncmed_undos_failed_total 2\n")
	})
	if !exists(harm) {
		t.Fatal("the harm is gone: this tests nothing")
	}
	touch(t, key, "")
	says(t, "cmed undos retry", d.cmed(t, 0, "undos", "retry", id+"-1").out, "is being undone")
	d.awaitUndo(t, id, "undone")
	if exists(harm) {
		t.Error("the harm is still there")
	}
	says(t, "the metrics", d.metrics(t), "\ncmed_undos{state=\"failed\"} 0\n", "\ncmed_undos{state=\"undone\"} 1\n")
	d.refused(t, request{method: http.MethodPost, path: record + "/retry"}, http.StatusConflict, "undo record "+id+"-1 is settled already…")
	d.refused(t, abandoning(id+"-1", `{"reason":"r"}`), http.StatusConflict, "undo record "+id+"-1 is undone already")
}

// metrics is the text that Prometheus reads.
func (c client) metrics(t testing.TB) string {
	t.Helper()
	a := c.send(t, get("/metrics"))
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("metrics: %d %v", a.status, a.header)
	}
	return "\n" + string(a.body)
}

// Somebody may decide to leave an effect in place. Who and why stays on record,
// even when the plan is gone.
func TestAnAbandonedUndoStaysOnRecord(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	id, harm, key := d.stuck(t, "harm")
	e := d.executor(t, id)
	plan, record := "/api/1/plans/"+e.Plan, undosPath+id+"-1"
	checkProblem(t, d.send(t, request{method: http.MethodDelete, path: plan}), http.StatusConflict, "")
	a := d.send(t, abandoning(id+"-1", `{"by":"ana"}`))
	checkProblem(t, a, http.StatusBadRequest, "invalid payload 'reason' is a required property")
	if d.get(t, record).text("state") != "failed" {
		t.Error("without a reason it was given up")
	}

	doc := d.expect(t, http.StatusOK, abandoning(id+"-1", map[string]any{"by": "ana", "reason": "removed by hand"}))
	checkMembers(t, "the answer", doc, undoMembers)
	who, _ := doc.at("abandoned").(map[string]any)
	checkMembers(t, "the abandonment", who, "by reason at")
	if doc.text("state") != "abandoned" || who["by"] != "ana" || who["reason"] != "removed by hand" || who["at"] == nil {
		t.Errorf("%v", doc)
	}
	d.refused(t, abandoning(id+"-1", `{"reason":"r"}`), http.StatusConflict, "undo record "+id+"-1 is abandoned already")
	if p := d.get(t, plan); p["executed"] != true {
		t.Errorf("the plan is not done: %v", p)
	}
	d.delete(t, plan, http.StatusOK)
	check := func(when string) {
		t.Helper()
		if kept := d.get(t, record); toJSON(t, kept) != toJSON(t, doc) {
			t.Errorf("%s the record is\n%v\nit was\n%v", when, kept, doc)
		}
		if list := idsOf(d.get(t, undosPath).list("undos")); !slices.Equal(list, []string{id + "-1"}) {
			t.Errorf("%s the list has %v", when, list)
		}
	}
	check("after the deletion")
	d.stop(t)
	d.restart(t)
	check("after a restart")
	touch(t, key, "") // now it would work, but what it needs went with the plan
	d.refused(t, request{method: http.MethodPost, path: record + "/retry"}, http.StatusConflict, "plan "+e.Plan+" was deleted…")
	if !exists(harm) {
		t.Error("what was abandoned was undone")
	}
}

// What is abandoned can be taken back after all, and cmed has words for it.
func TestAnAbandonedUndoCanBeRetried(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	id, harm, key := d.stuck(t, "harm")
	says(t, "cmed undos", d.cmed(t, 0, "undos").out, id+"-1", "failed", "locked: ")
	d.cmed(t, 2, "undos", "abandon", id+"-1")
	says(t, "cmed undos abandon", d.cmed(t, 0, "undos", "abandon", id+"-1", "--reason", "it can stay").out, "is given up")
	if doc := d.get(t, undosPath+id+"-1"); doc.text("abandoned/reason") != "it can stay" || !strings.Contains(doc.text("abandoned/by"), "@") {
		t.Errorf("%v", doc)
	}
	touch(t, key, "")
	d.post(t, undosPath+id+"-1/retry", nil, http.StatusAccepted)
	if d.awaitUndo(t, id, "undone"); exists(harm) {
		t.Error("the harm is still there")
	}
	says(t, "cmed undos", d.cmed(t, 0, "undos").out, "nothing is left to undo")
}

// What an earlier daemon gave up is tried again by the next one.
func TestAFailedUndoIsRetriedAtTheNextStart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*daemon, testing.TB){
		"after a stop":    (*daemon).stop,
		"after a SIGKILL": (*daemon).kill,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, withArgs("--undo-attempts=1"))
			id, harm, key := d.stuck(t, "harm")
			touch(t, key, "")
			end(d, t)
			d.restart(t)
			if d.awaitUndo(t, id, "undone"); exists(harm) {
				t.Error("the harm is still there")
			}
		})
	}
}

// While a run lives its records are its own.
func TestUndosOfALiveRunCanNotBeChanged(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "hold": "10m"}, time.Now())
	waitForFile(t, file+".0")
	for _, r := range []request{
		{method: http.MethodPost, path: undosPath + id + "-1/retry"},
		abandoning(id+"-1", `{"reason":"r"}`),
	} {
		a := d.send(t, r)
		checkProblem(t, a, http.StatusConflict, "the run of executor "+id+" is not over…")
		says(t, "the refusal", a.doc(t).text("msg"), "/api/1/executors/"+id+"/halt")
	}
	if _, err := os.Stat(file + ".0"); err != nil {
		t.Errorf("the harm was taken back: %v", err)
	}
}
