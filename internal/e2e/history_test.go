package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Plans that have ended and are undone are deleted when they had their time;
// those that still matter to anybody stay.
func TestHistoryIsDeletedWhenItHadItsTime(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	ended := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now())
	undone := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "undone"), "fail": true}, time.Now())
	stuck, _, _ := d.stuck(t, "stuck")
	open := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "open"), "undo_in": "1h"}, time.Now())
	kept := map[string]string{
		"one whose undo failed": stuck, "one that is not undone yet": open,
		"one of tomorrow": d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow()),
	}
	d.awaitUndo(t, undone, "undone")
	d.await(t, open, "succeeded")
	d.await(t, ended, "succeeded")
	d.stop(t) // takes nothing back: the runs are over
	d.restart(t)
	d.executor(t, ended) // 120 days are not over
	d.stop(t)
	d.restart(t, withArgs("--history", "1ms"))
	for _, id := range []string{ended, undone} {
		waitFor(t, patience, "the plan to be deleted", func() bool {
			return d.send(t, get("/api/1/executors/"+id)).status == http.StatusNotFound
		})
	}
	waitFor(t, patience, "the log to tell of it", func() bool {
		return strings.Contains(d.stderr.String(), "old plans were deleted: plans=2 executors=2")
	})
	for what, id := range kept {
		if a := d.send(t, get("/api/1/executors/"+id)); a.status != http.StatusOK {
			t.Errorf("%s is gone: %d", what, a.status)
		}
	}
	if n := len(d.get(t, "/api/1/plans/?all=true").list("plans")); n != len(kept) {
		t.Errorf("%d plans are left, want %d", n, len(kept))
	}
	d.get(t, undosPath+stuck+"-1")
	d.stop(t)
	said := d.cmed(t, 0, "store", "check", "--database-uri", d.database)
	says(t, "cmed store check", said.out, "whole")
}
