package e2e

import (
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// An undo is done by the binary that did the harm, however long it is gone.
func TestAnUndoOutlivesItsPlugin(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	id, harm, key := d.stuck(t, "harm")
	was := d.executor(t, id).Run.Digest
	drop(t, built.testPlugin, d.attacks, "testplugin") // another one of the same name
	d.post(t, "/api/1/plugins/rescan", nil, http.StatusOK)
	d.post(t, undosPath+id+"-1/retry", nil, http.StatusAccepted)
	waitFor(t, patience, "another attempt", func() bool {
		return strings.Contains(d.metrics(t), "\ncmed_undos_failed_total 2\n")
	})
	d.setup.plugins = false
	remove(t, filepath.Join(d.attacks, "testplugin"))
	d.stop(t)
	d.restart(t) // and by the next daemon, which has never seen it
	waitFor(t, patience, "its attempt", func() bool { return strings.Contains(d.metrics(t), "\ncmed_undos_failed_total 1\n") })
	d.offers(t, "e2e:Stubborn", false)
	touch(t, key, "")
	d.post(t, undosPath+id+"-1/retry", nil, http.StatusAccepted)
	if d.awaitUndo(t, id, "undone"); exists(harm) {
		t.Error("the harm is still there")
	}
	if record := d.get(t, undosPath+id+"-1"); record.text("digest") != was {
		t.Errorf("the record has the digest %s, the run had %s", record.text("digest"), was)
	}
}

// However an undo is set off, the newest record of a run comes first.
func TestTheNewestIsUndoneFirst(t *testing.T) {
	t.Parallel()
	for name, setOff := range map[string]func(d *daemon, plan string){
		"by the lever": func(d *daemon, _ string) { d.engage(t, "ana", "enough") },
		"by a halt of the plan": func(d *daemon, plan string) {
			d.post(t, "/api/1/plans/"+plan+"/halt", nil, http.StatusOK)
		},
		"by a deletion": func(d *daemon, plan string) { d.delete(t, "/api/1/plans/"+plan, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			file := filepath.Join(d.dir, "harm")
			plan, ids := d.postPlan(t, planBody("e2e:Harm", args{"file": file, "count": 9, "undo_in": "1h"}, time.Now()))
			d.await(t, ids[0], "succeeded")
			setOff(d, plan)
			waitFor(t, patience, "the undos", func() bool { return len(undoneInOrder(d)) == 9 })
			if got := undoneInOrder(d); !slices.Equal(got, strings.Fields("9 8 7 6 5 4 3 2 1")) {
				t.Errorf("undone were the records %v", got)
			}
			if left := harmLeft(t, file); len(left) > 0 {
				t.Errorf("harm left: %v", left)
			}
		})
	}
}

var undoAttempted = regexp.MustCompile(`undo attempted: .* record=(\d+) .* outcome=undone`)

// undoneInOrder lists the numbers of the records that were undone, as the
// daemon's log has them.
func undoneInOrder(d *daemon) []string {
	var records []string
	for _, found := range undoAttempted.FindAllStringSubmatch(d.stderr.String(), -1) {
		records = append(records, found[1])
	}
	return records
}
