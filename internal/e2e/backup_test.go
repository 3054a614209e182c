package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A backup that is made while plans run is restored elsewhere with the lever
// engaged: what has run since does not run again, and what is released goes on.
func TestABackupIsRestoredElsewhere(t *testing.T) {
	t.Parallel()
	d := start(t)
	counted, harm := filepath.Join(d.dir, "counted"), filepath.Join(d.dir, "harm")
	running := d.attack(t, "e2e:Harm", args{"file": harm, "hold": "10m"}, time.Now())
	waitForFile(t, harm+".0")
	past := d.attack(t, "e2e:Count", args{"file": counted}, time.Now())
	d.await(t, past, "succeeded")
	due := d.attack(t, "e2e:Count", args{"file": counted}, tomorrow())
	later := d.attack(t, "e2e:Count", args{"file": counted}, tomorrow())
	busy := d.keepPosting(t)
	backup := filepath.Join(d.dir, "backup")
	made := d.cmed(t, 0, "store", "backup", backup, "--database-uri", d.database)
	says(t, "cmed store backup", made.out, "made from unix:"+filepath.Join(d.state, "cmed.sock"), "whole")
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v: %v", info.Mode(), err)
	}
	if acknowledged := busy(); acknowledged == 0 {
		t.Error("no plan was made meanwhile: this tests nothing")
	}
	d.move(t, due, time.Now()) // after the backup
	d.await(t, due, "succeeded")
	d.stop(t)
	if n := len(linesOf(t, counted)); n != 2 || exists(harm+".0") {
		t.Fatalf("%d have run, want 2; the harm is there: %v", n, exists(harm+".0"))
	}

	h := newHome(t)
	elsewhere := newDaemon(t, inHome(h))
	says(t, "cmed store restore", elsewhere.cmed(t, 0, "store", "restore", backup, "--database-uri", h.database).out, "the lever is engaged", "cmed resume")
	says(t, "cmed store restore over it", elsewhere.cmed(t, 2, "store", "restore", backup, "--database-uri", h.database).err, "--force")
	elsewhere.restart(t)
	elsewhere.heldByRestore(t)
	says(t, "cmed store restore beside a daemon",
		elsewhere.cmed(t, 3, "store", "restore", backup, "--force", "--database-uri", h.database).err, "another cmed")
	if e := elsewhere.await(t, running, "lost"); e.Undo == "none" {
		t.Errorf("the one that ran is %+v", e)
	}
	elsewhere.awaitUndo(t, running, "undone")
	for id, state := range map[string]string{past: "succeeded", due: "scheduled", later: "scheduled"} {
		if e := elsewhere.executor(t, id); e.State != state {
			t.Errorf("one is %s, want %s as in the backup", e.State, state)
		}
	}
	fresh := elsewhere.attack(t, "e2e:Count", args{"file": counted}, time.Now())
	elsewhere.await(t, fresh, "blocked")
	elsewhere.delete(t, "/api/1/executors/"+due, http.StatusOK) // somebody saw that it had run
	says(t, "cmed resume", elsewhere.cmed(t, 0, "resume").out, "released")
	elsewhere.move(t, later, time.Now())
	elsewhere.await(t, later, "succeeded")
	if n := len(linesOf(t, counted)); n != 3 {
		t.Errorf("%d have run, want 3", n)
	}
	says(t, "cmed audit verify", elsewhere.cmed(t, 0, "audit", "verify").out, "is whole")
}

// A copy that is started on the machine where the original is at work leaves its
// runs alone.
func TestACopyBesideTheOriginalEndsNothing(t *testing.T) {
	t.Parallel()
	d := start(t)
	harm := filepath.Join(d.dir, "harm")
	running := d.attack(t, "e2e:Harm", args{"file": harm, "hold": "10m"}, time.Now())
	waitForFile(t, harm+".0")
	backup := filepath.Join(d.dir, "backup")
	d.cmed(t, 0, "store", "backup", backup, "--database-uri", d.database)

	h := newHome(t)
	beside := newDaemon(t, inHome(h))
	beside.cmed(t, 0, "store", "restore", backup, "--database-uri", h.database)
	reaped := beside.cmed(t, 4, "reap", "--database-uri", h.database, "--state-folder", h.state)
	says(t, "cmed reap", reaped.out, "ended: 0 processes", "stuck: executor "+running)
	beside.restart(t)
	beside.await(t, running, "lost")
	says(t, "its log", beside.stderr.String(), "another cmed that lives")
	if e := d.executor(t, running); e.State != "running" || !exists(harm+".0") {
		t.Errorf("the original's run is %s; its harm is in place: %v", e.State, exists(harm+".0"))
	}
	if e := beside.executor(t, running); e.Undo != "open" {
		t.Errorf("in the copy, its undo is %s", e.Undo)
	}
	beside.stop(t)
	d.stop(t)
	if e := exists(harm + ".0"); e {
		t.Error("the original did not take its harm back")
	}
}

// heldByRestore wants the lever engaged by the restoring, with the backup's time.
func (d *daemon) heldByRestore(t testing.TB) {
	t.Helper()
	says(t, "the greeting", d.stdout.String(), "lever engaged by restore")
	lever := d.get(t, leverPath)
	if lever["engaged"] != true || lever.text("by") != "restore" || !strings.Contains(lever.text("reason"), time.Now().UTC().Format("2006-01-02T")) {
		t.Errorf("the lever is %v", lever)
	}
}

// keepPosting posts plans until the function returned is called, which returns how
// many were made.
func (d *daemon) keepPosting(t testing.TB) func() int {
	t.Helper()
	stop, made := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { made <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			a, err := d.try(request{method: http.MethodPost, path: "/api/1/plans/", body: sleepPlan(tomorrow())})
			switch {
			case err != nil:
				t.Errorf("post a plan: %v", err)
				return
			case a.status == http.StatusOK:
				n++
			}
		}
	}()
	return func() int { close(stop); return <-made }
}

// backedUpBeforeItsTime makes a backup of a daemon that has an attack to run in the
// next seconds, and returns that one's id.
func (d *daemon) backedUpBeforeItsTime(t testing.TB, counted, backup string) string {
	t.Helper()
	for lead := 2 * time.Second; ; lead *= 2 { // however busy the machine is
		at := time.Now().Add(lead)
		id := d.attack(t, "e2e:Count", args{"file": counted}, at)
		a := d.send(t, get("/api/1/backup"))
		if a.status != http.StatusOK || !strings.Contains(a.header.Get("Content-Disposition"), "attachment; filename=") {
			t.Fatalf("the backup is answered with %d %v", a.status, a.header)
		}
		if time.Now().Before(at) {
			touch(t, backup, string(a.body))
			return id
		}
		d.await(t, id, "succeeded")
		remove(t, counted)
	}
}

// What was due between the backup and its restoring is not made up for.
func TestWhatWasDueSinceTheBackupDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	d := start(t)
	counted, backup := filepath.Join(d.dir, "counted"), filepath.Join(d.dir, "backup")
	id := d.backedUpBeforeItsTime(t, counted, backup)
	d.await(t, id, "succeeded")
	d.stop(t)
	var report struct {
		Kept   string
		Marked bool
	}
	said := d.cmed(t, 0, "store", "restore", backup, "--force", "-o", "json", "--database-uri", d.database)
	if err := json.Unmarshal([]byte(said.out), &report); err != nil || !report.Marked || !exists(report.Kept) {
		t.Errorf("%v: %s", err, said.out)
	}
	d.restart(t)
	d.heldByRestore(t)
	if e := d.await(t, id, "blocked", "missed"); e.Started != nil {
		t.Errorf("it is %+v", e)
	}
	says(t, "cmed resume", d.cmed(t, 0, "resume").out, "released")
	d.await(t, d.attack(t, "e2e:Count", args{"file": counted}, time.Now()), "succeeded")
	if n := len(linesOf(t, counted)); n != 2 {
		t.Errorf("%d have run, want each once", n)
	}
}
