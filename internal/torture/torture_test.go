package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
				d := started(t, "--stop-grace=3s")
				file, runs := d.path("harm"), d.path("runs")
				args := map[string]any{
					"file": file, "count": 2, "kill": victim, "at": step, "runs": runs,
					"heal": step == "heal" || step == "report", "fail": true,
				}
				p := d.post(t, "e2e:Harm", args, soon())
				d.surviveKill(file+".killed", victim)
				e := d.finished(t, p, d.stateAfterDeath(victim, step))
				if left := harmLeft(t, file); len(left) > 0 {
					t.Errorf("harm left: %v (undo %s)", left, e.Undo)
				}
				if e.Undo != "undone" && !(step == "record" && e.Undo == "none") {
					t.Errorf("undo %s", e.Undo)
				}
				if n := linesOf(t, runs); n != 1 {
					t.Errorf("the attack ran %d times", n)
				}
				d.stop()
				d.isClean()
			})
		}
	}
}

// surviveKill waits for the kill and starts the daemon again if it was hit.
func (d *daemon) surviveKill(mark, victim string) {
	d.t.Helper()
	if !eventually(60*time.Second, func() bool { return exists(mark) }) {
		d.t.Fatal("nobody was killed")
	}
	if victim == "plugin" {
		return
	}
	if !d.ended(10 * time.Second) {
		d.t.Fatal("the daemon lives on")
	}
	d.start()
}

// stateAfterDeath is what becomes of an executor whose run meets a death.
func (d *daemon) stateAfterDeath(victim, step string) string {
	switch {
	case step == "undo" || step == "answer":
		return "failed" // the run itself had ended
	case victim == "plugin":
		return "crashed"
	default:
		return "lost"
	}
}

// harmLeft returns the files that the harm consists of.
func harmLeft(t *testing.T, file string) []string {
	t.Helper()
	left, err := filepath.Glob(file + ".[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestAPluginThatIsFrozenWhenTheDaemonDiesIsEndedAndUndone(t *testing.T) {
	t.Parallel()
	d := started(t, "--stop-grace=2s")
	file := d.path("harm")
	p := d.post(t, "e2e:Harm", map[string]any{"file": file, "hold": "10m"}, soon())
	d.await(t, p, 30*time.Second, func(executor) bool { return exists(file + ".0") })
	d.kill()
	frozen := 0
	for _, left := range d.leftovers() {
		var pid int
		if _, err := fmt.Sscanf(left, "process %d", &pid); err == nil && syscall.Kill(pid, syscall.SIGSTOP) == nil {
			frozen++
		}
	}
	d.start()
	d.finished(t, p, "lost")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
	d.stop()
	d.isClean()
	t.Logf("%d processes were frozen in time", frozen)
}

func TestSIGTERMStopsUndoesAndEndsWell(t *testing.T) {
	t.Parallel()
	d := started(t)
	file := d.path("harm")
	running := d.post(t, "e2e:Harm", map[string]any{"file": file, "count": 3, "hold": "10m"}, soon())
	later := d.post(t, "e2e:Count", map[string]any{"file": d.path("count")}, time.Now().Add(time.Hour))
	d.await(t, running, 30*time.Second, func(executor) bool { return exists(file + ".2") })
	d.stop()
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
	d.isClean()
	d.start()
	if e := d.finished(t, running, "halted"); e.Undo != "undone" || !strings.Contains(e.Reason, "shut down") {
		t.Errorf("%+v", e)
	}
	if e := d.executorsOf(t, later)[0]; e.State != "scheduled" {
		t.Errorf("the later one is %s", e.State)
	}
}

func TestUndoAtIsKeptAcrossAKill(t *testing.T) {
	t.Parallel()
	d := started(t)
	file := d.path("harm")
	p := d.post(t, "e2e:Harm", map[string]any{"file": file, "undo_in": "4s"}, soon())
	if e := d.finished(t, p, "succeeded"); e.Undo != "open" || len(harmLeft(t, file)) != 1 {
		t.Fatalf("undo %s, harm %v", e.Undo, harmLeft(t, file))
	}
	d.kill()
	d.start()
	d.await(t, p, 30*time.Second, func(e executor) bool { return e.Undo == "undone" })
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func linesOf(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(content), "\n")
}
