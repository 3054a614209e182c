package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soon is when a test's attack is due: late enough to be planned before.
func soon() time.Time { return time.Now().Add(1500 * time.Millisecond) }

// TestNoHarmIsLeftWhoeverDiesAtWhateverStep has the plugin, the daemon or both
// killed before each step of a run and of its undo. Once the daemon is back, no
// harm is left, the attack ran once, and nothing of it lives.
func TestNoHarmIsLeftWhoeverDiesAtWhateverStep(t *testing.T) {
	for _, victim := range []string{"plugin", "daemon", "both"} {
		for _, step := range []string{"record", "harm", "next", "finish", "heal", "report", "undo", "answer"} {
			t.Run(victim+" before "+step, func(t *testing.T) {
				t.Parallel()
				d := start(t, withArgs("--stop-grace=3s"))
				file, runs := filepath.Join(d.dir, "harm"), filepath.Join(d.dir, "runs")
				id := d.attack(t, "e2e:Harm", args{
					"file": file, "count": 2, "kill": victim, "at": step, "runs": runs,
					"heal": step == "heal" || step == "report", "fail": true,
				}, soon())
				d.surviveKill(t, file+".killed", victim)
				e := d.await(t, id, stateAfterDeath(victim, step))
				if step != "record" || e.Undo != "none" {
					d.awaitUndo(t, id, "undone")
				}
				if left := harmLeft(t, file); len(left) > 0 {
					t.Errorf("harm left: %v", left)
				}
				if n := len(linesOf(t, runs)); n != 1 {
					t.Errorf("the attack ran %d times", n)
				}
			})
		}
	}
}

// surviveKill waits for the kill and starts the daemon again if it was hit.
func (d *daemon) surviveKill(t *testing.T, mark, victim string) {
	t.Helper()
	waitFor(t, patience, "the kill", func() bool { return exists(mark) })
	if victim != "plugin" {
		d.end(t)
		d.restart(t)
	}
}

// stateAfterDeath is what becomes of an executor whose run meets a death.
func stateAfterDeath(victim, step string) string {
	switch {
	case step == "undo" || step == "answer":
		return "failed" // the run itself had ended
	case victim == "plugin":
		return "crashed"
	default:
		return "lost"
	}
}

// TestAPluginFrozenWhenTheDaemonDiesIsUndone: the kernel ends the stopped
// plugin with SIGHUP when its group is orphaned (setpgid(2)), so it can't undo.
func TestAPluginFrozenWhenTheDaemonDiesIsUndone(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=2s"))
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "hold": "10m"}, soon())
	waitFor(t, patience, "the harm", func() bool { return exists(file + ".0") })
	freeze(t, d.await(t, id, "running").Run.PID)
	d.kill(t)
	if len(harmLeft(t, file)) == 0 {
		t.Fatal("the harm is gone already: this tests nothing")
	}
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}

func TestTheHarmIsGoneWithinTheGraceWhenOnlyTheDaemonDies(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--stop-grace=10s"))
	count := filepath.Join(d.dir, "sleeps")
	id := d.attack(t, "e2e:Sleep", args{"for": "10m", "ended": count}, soon())
	d.await(t, id, "running")
	d.kill(t)
	waitFor(t, patience, "the plugin to notice that its host is gone", func() bool {
		return len(linesOf(t, count)) == 1 && len(d.processes()) == 0
	})
	// It is told three times: by SIGTERM (Pdeathsig), its lifeline and the broken
	// connection. Which comes first is the kernel's choice.
	if got := linesOf(t, count)[0]; !strings.Contains(got, "told to terminate") && !strings.Contains(got, "host gone") {
		t.Errorf("its context ended because %q", got)
	}
	d.restart(t)
	d.await(t, id, "lost")
}

func TestSIGTERMStopsUndoesAndEndsWell(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	running := d.attack(t, "e2e:Harm", args{"file": file, "count": 3, "hold": "10m"}, soon())
	later := d.attack(t, "e2e:Count", args{"file": filepath.Join(d.dir, "count")}, time.Now().Add(time.Hour))
	waitFor(t, patience, "the harm", func() bool { return exists(file + ".2") })
	d.stop(t)
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
	d.restart(t)
	if e := d.executor(t, running); e.State != "halted" || e.Undo != "undone" || !strings.Contains(e.Reason, "shut down") {
		t.Errorf("the one that ran: %+v", e)
	}
	if e := d.executor(t, later); e.State != "scheduled" {
		t.Errorf("the later one is %s", e.State)
	}
}

func TestUndoAtIsKeptAcrossAKill(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "undo_in": "4s"}, soon())
	d.await(t, id, "succeeded")
	if e := d.executor(t, id); e.Undo != "open" || len(harmLeft(t, file)) != 1 {
		t.Fatalf("undo %s, harm %v", e.Undo, harmLeft(t, file))
	}
	d.kill(t)
	d.restart(t)
	d.awaitUndo(t, id, "undone")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}

// harmLeft returns the files that the harm consists of.
func harmLeft(t testing.TB, file string) []string {
	t.Helper()
	left, err := filepath.Glob(file + ".[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// linesOf returns the lines of a file, none when there is no file.
func linesOf(t testing.TB, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' })
}
