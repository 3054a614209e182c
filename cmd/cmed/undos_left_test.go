package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// While no daemon runs nobody keeps a promise to undo something later: a daemon that
// stops says so, and so does a reap.
func TestHarmsThatOutliveTheDaemonAreTold(t *testing.T) {
	h, files := newHome(t), newHand(t)
	if err := os.Rename(files.plugin, filepath.Join(h.attacks, "maker")); err != nil {
		t.Fatal(err)
	}
	goBuild(t, h.planners+"/exact_planner", "../../plugins/planners/exact_planner")
	d := begin(t, h.args("-t", "UTC")...)
	await(t, &d.stdout, "\n")
	plan := fmt.Sprintf("name: x\nattack: {ref: 'files:Make', args: {files: [%s], undo_at: 1h}}\n"+
		"planner: {ref: 'exact_planner:ExactPlanner', args: {date: '%s'}}\n",
		filepath.Join(files.area, "made"), time.Now().UTC().Add(time.Second).Format("2006-01-02T15:04:05.000Z"))
	c := begin(t, "plan", "--server", served.FindString(d.stdout.String()), "-f", write(t, plan))
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	await(t, &d.stderr, "succeeded")
	d.signals <- os.Interrupt
	if code := d.end(t); code != 0 || !files.made() {
		t.Errorf("exit code %d, made %v: %s", code, files.made(), d.stderr.String())
	}
	soon := time.Now().UTC().Add(time.Hour).Format("2006-01-02T")
	want := "nobody undoes them while no daemon runs: open_records=1 latest_undo_at=" + soon
	if !strings.Contains(d.stderr.String(), want) {
		t.Errorf("it does not say %q:\n%s", want, d.stderr.String())
	}
	c = begin(t, h.reapArgs("-t", "UTC")...)
	want = "left open: 1 record, not due until " + soon
	if code := c.end(t); code != exitNotUndone || !strings.Contains(c.stdout.String(), want) || strings.Contains(c.stdout.String(), "goes on") {
		t.Errorf("exit code %d, it says\n%s%s", code, c.stdout.String(), c.stderr.String())
	}
}
