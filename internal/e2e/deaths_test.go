package e2e

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// death is one way in which a plugin and its daemon end while a harm is in
// place, and what is left of it when nobody has been started since.
type death struct {
	name string
	die  func(t *testing.T, d *daemon, pid int)
	// alone is set when the harm is gone without anybody being started.
	alone bool
	state string // of the executor in the end
}

var deaths = []death{
	{"the plugin alone", func(t *testing.T, _ *daemon, pid int) { killPID(t, pid) }, true, "crashed"},
	{"the daemon alone", func(t *testing.T, d *daemon, _ int) { d.kill(t) }, false, "lost"},
	{"the daemon, then the plugin", func(t *testing.T, d *daemon, pid int) {
		freeze(t, pid) // so that it has no chance to undo
		d.kill(t)
		killPID(t, pid)
	}, false, "lost"},
	{"the plugin, then the daemon", func(t *testing.T, d *daemon, pid int) {
		killPID(t, pid)
		d.kill(t)
	}, false, ""},
	{"the daemon, when the plugin stands still", func(t *testing.T, d *daemon, pid int) {
		freeze(t, pid)
		d.kill(t)
	}, false, "lost"},
	{"everything of a machine", func(t *testing.T, d *daemon, _ int) {
		freeze(t, d.command.Process.Pid)
		for _, pid := range d.processes() {
			killPID(t, pid)
		}
		d.kill(t)
	}, false, ""},
}

func killPID(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

// TestEveryDeathIsUndone has a harm in place when somebody dies. Whoever cleans
// up, the next start or cmed reap, the harm is gone, the attack ran once, and
// nothing of it lives.
func TestEveryDeathIsUndone(t *testing.T) {
	t.Parallel()
	for _, c := range deaths {
		for _, by := range []string{"start", "reap"} {
			if c.alone && by == "reap" {
				continue // the daemon lives and has done it
			}
			t.Run(c.name+", cleaned up by "+by, func(t *testing.T) {
				t.Parallel()
				d := start(t, withArgs("--stop-grace=3s"))
				file, runs := filepath.Join(d.dir, "harm"), filepath.Join(d.dir, "runs")
				id := d.attack(t, "e2e:Harm", args{"file": file, "count": 2, "hold": "10m", "runs": runs}, time.Now())
				waitForFile(t, file+".1")
				c.die(t, d, d.await(t, id, "running").Run.PID)
				if by == "reap" {
					d.reap(t, 0)
					if left := harmLeft(t, file); len(left) > 0 {
						t.Errorf("the reaper left the harm %v", left)
					}
					d.checkClean(t)
				}
				if !d.running() {
					d.restart(t)
				}
				e := d.awaitUndo(t, id, "undone")
				if c.state != "" && e.State != c.state {
					t.Errorf("it is %s (%s), want %s", e.State, e.Reason, c.state)
				}
				if left := harmLeft(t, file); len(left) > 0 {
					t.Errorf("harm left: %v", left)
				}
				if n := len(linesOf(t, runs)); n != 1 {
					t.Errorf("the attack ran %d times", n)
				}
				waitFor(t, patience, "the last process to go", func() bool { return len(d.processes()) == 0 })
				d.checkClean(t)
			})
		}
	}
}

// TestAPluginUndoesByItselfWhenTheDaemonDies: its lifeline tells it, and it has
// its grace. Nobody is started for it.
func TestAPluginUndoesByItselfWhenTheDaemonDies(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=10s"))
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "count": 3, "hold": "10m", "heal": true}, time.Now())
	waitForFile(t, file+".2")
	d.kill(t)
	waitFor(t, patience, "the plugin to take its harm back and end", func() bool {
		return len(harmLeft(t, file)) == 0 && len(d.processes()) == 0
	})
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	for _, record := range d.get(t, "/api/1/executors/"+id).list("undo_records") {
		if got := record.text("outcome"); got != "nothing_to_do" && got != "undone" {
			t.Errorf("the next daemon's undo came to %v", record)
		}
	}
}

// Told to stop by a daemon that lives, it reports what it has undone, and no
// other process is asked.
func TestAPluginUndoesByItselfWhenItIsHalted(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "count": 3, "hold": "10m", "heal": true}, time.Now())
	waitForFile(t, file+".2")
	d.halt(t, id)
	if e := d.awaitUndo(t, id, "undone"); e.State != "halted" {
		t.Errorf("it is %s: %s", e.State, e.Reason)
	}
	records := d.get(t, "/api/1/executors/"+id).list("undo_records")
	if len(records) != 3 {
		t.Errorf("records %v", records)
	}
	for _, record := range records {
		if record.text("message") != "healed" || toJSON(t, record["attempts"]) != "0" {
			t.Errorf("%v", record)
		}
	}
}
