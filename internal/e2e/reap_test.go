package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// reaped is what cmed reap tells as JSON.
type reaped struct {
	Processes int      `json:"processes"`
	Stuck     []string `json:"stuck"`
	Lost      int      `json:"lost"`
	Undone    int      `json:"undone"`
	Open      int      `json:"open"`
	Failed    int      `json:"failed"`
}

func (d *daemon) reaped(t testing.TB, code int) reaped {
	t.Helper()
	o := d.reap(t, code, "--output=json")
	var doc map[string]any
	var r reaped
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
		t.Fatalf("cmed reap says %q: %v", o.out, err)
	}
	checkMembers(t, "what cmed reap tells", doc, "processes stuck lost undone open failed")
	if err := json.Unmarshal([]byte(o.out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func checkReaped(t testing.TB, got, want reaped) {
	t.Helper()
	if want.Stuck = []string{}; toJSON(t, got) != toJSON(t, want) {
		t.Errorf("reaped were %+v, want %+v", got, want)
	}
}

// waitForPID waits until a process has said its number.
func waitForPID(t testing.TB, path string) int {
	t.Helper()
	waitForFile(t, path)
	pid, err := strconv.Atoi(strings.Join(linesOf(t, path), ""))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// outlaws starts an attack that leaves processes which ignore everything, one of
// them double-forked. It returns the executor and the harm.
func (d *daemon) outlaws(t testing.TB) (id, harm string) {
	t.Helper()
	harm = filepath.Join(d.dir, "harm")
	id = d.attack(t, "e2e:Outlaw", args{"file": harm}, time.Now())
	pids := []int{waitForPID(t, harm+".pid.child"), waitForPID(t, harm+".pid.grandchild"), d.await(t, id, "running").Run.PID}
	slices.Sort(pids)
	waitFor(t, patience, "the processes to be the three of the attack", func() bool {
		found := d.processes()
		slices.Sort(found)
		return slices.Equal(found, pids)
	})
	return id, harm
}

// After a SIGKILL of the daemon cmed reap ends what is left, wherever it is, and
// undoes it, so that nothing is left for the next start.
func TestReapEndsAndUndoesWhatADaemonLeft(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=1s"))
	id, harm := d.outlaws(t)
	said := d.reap(t, 3)
	says(t, "cmed reap beside a daemon", said.err, "another cmed holds it")
	d.get(t, "/healthz") // which is not disturbed
	if len(d.processes()) != 3 || !exists(harm) {
		t.Error("cmed reap did something beside a daemon")
	}

	d.kill(t)
	if !exists(harm) {
		t.Fatal("the harm is gone already: this tests nothing")
	}
	r := d.reaped(t, 0)
	if r.Processes != 2 && r.Processes != 3 { // the plugin itself may have gone by then
		t.Errorf("%d processes were ended", r.Processes)
	}
	checkReaped(t, r, reaped{Processes: r.Processes, Lost: 1, Undone: 1})
	if exists(harm) {
		t.Error("the harm is still there")
	}
	d.checkClean(t)
	says(t, "a reap of nothing", d.reap(t, 0).out, "ended: 0 processes", "lost: 0 runs", "undone: 0 records")

	d.restart(t)
	if e := d.executor(t, id); e.State != "lost" || e.Undo != "undone" {
		t.Errorf("the next daemon finds it %s (%s), its undo %s", e.State, e.Reason, e.Undo)
	}
}

// So does the next start.
func TestTheNextStartEndsAndUndoesWhatADaemonLeft(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=1s"))
	id, harm := d.outlaws(t)
	d.kill(t)
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	if exists(harm) {
		t.Error("the harm is still there")
	}
	d.checkClean(t)
}

// And a halt, while the daemon lives: nothing outlives its run.
func TestAHaltEndsWhatIgnoresEverything(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=1s"))
	id, harm := d.outlaws(t)
	d.cmed(t, 0, "halt", "enough")
	if e := d.executor(t, id); e.State != "halted" || e.Undo != "undone" || exists(harm) {
		t.Errorf("it is %s (%s), its undo %s", e.State, e.Reason, e.Undo)
	}
	d.checkClean(t)
}

// An undo that fails makes the reaper say so; it does not schedule anything.
func TestReapTellsOfAFailedUndo(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--undo-attempts=1"))
	id, harm, key := d.stuck(t, "harm")
	counted := filepath.Join(d.dir, "counted")
	overdue := d.attack(t, "e2e:Count", args{"file": counted}, time.Now().Add(3*time.Second))
	d.kill(t)
	checkReaped(t, d.reaped(t, 4), reaped{Failed: 1})
	says(t, "cmed reap", d.reap(t, 4).out, "failed: 1 record")
	if !exists(harm) {
		t.Fatal("the harm is gone: this tests nothing")
	}
	touch(t, key, "")
	checkReaped(t, d.reaped(t, 0), reaped{Undone: 1})
	if exists(harm) {
		t.Error("the harm is still there")
	}
	if n := len(linesOf(t, counted)); n != 0 {
		t.Errorf("the reaper ran %d attacks", n)
	}
	d.restart(t)
	d.await(t, overdue, "succeeded")
	d.awaitUndo(t, id, "undone")
}

func TestReapWithoutADatabase(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, withoutPlugins())
	says(t, "cmed reap", d.reap(t, 1).err, "there is no database "+d.database)
	if exists(d.database) || exists(d.state) {
		t.Error("cmed reap made something")
	}
}
