package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A plan whose harm could not be taken back is not forgotten by accident.
func TestDeletionWithAnUndoThatFailed(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	file := filepath.Join(d.dir, "harm")
	plan, ids := d.postPlan(t, planBody("e2e:Harm", args{"file": file, "hold": "1m"}, time.Now()))
	waitForFile(t, file+".0")
	// The undo removes a file; it can't remove a folder that has something in it.
	if err := os.Remove(file + ".0"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(file+".0", "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.halt(t, ids[0])
	d.awaitUndo(t, ids[0], "failed")
	if doc := d.get(t, "/api/1/plans/"+plan); doc["executed"] != false {
		t.Error("a plan with a failed undo is called executed")
	}
	for _, path := range []string{"/api/1/plans/" + plan, "/api/1/executors/" + ids[0]} {
		a := d.send(t, request{method: http.MethodDelete, path: path})
		checkProblem(t, a, http.StatusConflict, "")
		if msg := a.doc(t).text("msg"); !strings.Contains(msg, ids[0]) || !strings.Contains(msg, "abandon_undo") {
			t.Errorf("%s: msg %q names neither the executor nor the way out", path, msg)
		}
		d.get(t, path)
	}
	d.delete(t, "/api/1/plans/"+plan+"?abandon_undo=true", http.StatusOK)
	d.refused(t, get("/api/1/plans/"+plan), http.StatusNotFound, "plan not found "+plan)
	if record := d.get(t, undosPath+ids[0]+"-1"); record.text("state") != "abandoned" || record.text("abandoned/reason") == "" {
		t.Errorf("what is left of the record is %v", record)
	}
}

// A deletion that takes long is answered after ten seconds, and goes on.
func TestDeletionThatTakesLongGoesOnByItself(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace", "12s"))
	plan, ids := d.postPlan(t, planBody("e2e:Sleep", args{"for": "1m"}, time.Now()))
	freeze(t, d.await(t, ids[0], "running").Run.PID) // it can't answer, so the stop takes its grace
	path := "/api/1/plans/" + plan
	doc := d.delete(t, path, http.StatusAccepted)
	checkMembers(t, "the answer", doc, "msg _links")
	if !strings.Contains(doc.text("msg"), plan) || doc.text("_links/status/href") != path {
		t.Errorf("%v", doc)
	}
	waitFor(t, patience, "the plan to be gone", func() bool {
		return d.send(t, get(path)).status == http.StatusNotFound
	})
	d.checkClean(t)
}
