package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// reapArgs are those of a reap in this home.
func (h home) reapArgs(more ...string) []string {
	return append([]string{"reap", "-d", h.database, "-a", h.attacks, "-p", h.planners}, more...)
}

func TestReapWithNothingToDo(t *testing.T) {
	h := newHome(t)
	d := begin(t, h.args()...)
	d.url(t)
	d.finish(t)
	c := begin(t, h.reapArgs("--stop-grace", "1m")...)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	want := "ended: 0 processes that the daemon left\nlost: 0 runs cut off by its death\nundone: 0 records\n"
	if got := c.stdout.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	c = begin(t, h.reapArgs("-o", "json")...)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	for _, want := range []string{`"processes": 0`, `"stuck": []`, `"open": 0`, `"failed": 0`} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("no %s in %s", want, c.stdout.String())
		}
	}
	d = begin(t, h.args()...) // nothing is held
	d.url(t)
	d.finish(t)
}

func TestReapUnderADaemonIsRefused(t *testing.T) {
	h := newHome(t)
	d := begin(t, h.args()...)
	d.url(t)
	c := begin(t, h.reapArgs()...)
	if code := c.end(t); code != exitInUse {
		t.Errorf("exit code %d, want %d: %s", code, exitInUse, c.stderr.String())
	}
	if got := c.stdout.String(); got != "" {
		t.Errorf("it says %s", got)
	}
	d.finish(t)
}

func TestReapNamesAbsolutePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := begin(t, "reap", "-d", "cme.db")
	want := "cmed: there is no database " + filepath.Join(folder, "cme.db") + ": no daemon"
	if code := c.end(t); code != exitFailure || !strings.HasPrefix(c.stderr.String(), want) {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	put(t, folder, "cme.db", strings.Repeat("no database ", 1000), 0o600)
	c = begin(t, "reap", "-d", "cme.db")
	c.end(t)
	first, problem, _ := strings.Cut(c.stderr.String(), "\n")
	want = "reaping the database " + filepath.Join(folder, "cme.db") + " and the state folder " + filepath.Join(folder, "cme.state")
	if first != want {
		t.Errorf("got %s, want %s", first, want)
	}
	if !strings.Contains(problem, filepath.Join(folder, "cme.db")) {
		t.Errorf("it says %s", problem)
	}
}

func TestReapByAnotherUser(t *testing.T) {
	err := asOwner(&exitError{exitInUse, fmt.Errorf("open the store: %w", &os.PathError{Op: "open", Path: "/x/cme.db", Err: os.ErrPermission})})
	want := "open the store: open /x/cme.db: permission denied\nRun it as the daemon's user"
	if err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitInUse {
		t.Errorf("the exit code of %v is lost", err)
	}
	for _, other := range []error{os.ErrClosed, nil} {
		if got := asOwner(other); !errors.Is(got, other) || got != nil && got.Error() != other.Error() {
			t.Errorf("%v becomes %v", other, got)
		}
	}
}

func TestReapMakesNoDatabase(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.reapArgs()...)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	want := "cmed: there is no database " + h.database + ": no daemon ever used it (--database-uri)\n"
	if got := c.stderr.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(h.database))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 { // the plugin folders
		t.Errorf("it left %v", left)
	}
}

func TestReapOfWhatIsNoDatabase(t *testing.T) {
	h := newHome(t)
	put(t, filepath.Dir(h.database), "cme.db", strings.Repeat("no database ", 1000), 0o600)
	c := begin(t, h.reapArgs()...)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if got := c.stdout.String(); got != "" { // nothing was done
		t.Errorf("it says %s", got)
	}
	if want := "it is not a store of cmed, or it is damaged"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it says %s", c.stderr.String())
	}
}

// killed starts a daemon that is a process of its own, has it do a harm, and
// kills it and its attack.
func (h home) killed(t *testing.T, binary, harm string) {
	t.Helper()
	var stdout, stderr buffer
	daemon := exec.CommandContext(t.Context(), binary, h.args("-t", "UTC")...)
	daemon.Stdout, daemon.Stderr = &stdout, &stderr
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, &stdout, "\n")
	plan := fmt.Sprintf("name: x\nattack: {ref: 'e2e:Harm', args: {file: %s, hold: 60s, kill: both, at: stopped}}\n"+
		"planner: {ref: 'exact_planner:ExactPlanner', args: {date: '%s'}}\n",
		harm, time.Now().UTC().Add(time.Second).Format("2006-01-02T15:04:05.000Z"))
	c := begin(t, "plan", "--server", served.FindString(stdout.String()), "-f", write(t, plan))
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	awaitFile(t, harm+".0", true)
	c = begin(t, "halt", "--wait", "1ms", "--server", served.FindString(stdout.String())) // and it kills both
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	if err := daemon.Wait(); err == nil {
		t.Error("the daemon was not killed")
	}
}

func goBuild(t *testing.T, target, source string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", target, source).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", source, err, out)
	}
}

func awaitFile(t *testing.T, path string, there bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); (err == nil) == there {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("that %s is there is not %v", path, there)
		}
	}
}

func TestReapAfterADeath(t *testing.T) {
	built := newHome(t)
	binary := filepath.Join(filepath.Dir(built.database), "cmed")
	goBuild(t, binary, ".")
	goBuild(t, built.attacks+"/testplugin", "../../internal/e2e/testplugin")
	goBuild(t, built.planners+"/exact_planner", "../../plugins/planners/exact_planner")
	for _, test := range []struct {
		name string
		// inTheWay keeps the harm from being undone.
		inTheWay bool
		more     []string // arguments
		code     int
		want     []string
	}{
		{"what was left is undone", false, []string{"--undo-attempts", "1"}, 0, []string{"lost: 1 run cut off by its death\n", "undone: 1 record\n"}},
		{"what can't be undone is told", true, []string{"--undo-attempts", "1"}, exitNotUndone, []string{"failed: 1 record; the next start tries again"}},
		{"what can't be undone in time is told", true, []string{"--timeout", "3s"}, exitNotUndone, []string{"left open: 1 record; the next start or cmed reap goes on\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := home{filepath.Join(t.TempDir(), "cme.db"), built.attacks, built.planners}
			harm := filepath.Join(t.TempDir(), "harm")
			h.killed(t, binary, harm)
			awaitFile(t, harm+".0", true)
			if test.inTheWay {
				makeFolder(t, harm+".0")
			}
			c := begin(t, h.reapArgs(test.more...)...)
			if code := c.end(t); code != test.code {
				t.Errorf("exit code %d, want %d: %s", code, test.code, c.stderr.String())
			}
			for _, want := range test.want {
				if !strings.Contains(c.stdout.String(), want) {
					t.Errorf("no %q in\n%s", want, c.stdout.String())
				}
			}
			if _, err := os.Stat(harm + ".0"); (err == nil) != test.inTheWay {
				t.Errorf("the harm is in place: %v", err == nil)
			}
		})
	}
}

// makeFolder makes a folder of a file, with something in it, so that it can't be
// removed as the file was.
func makeFolder(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsLeftIsTold(t *testing.T) {
	var out strings.Builder
	done := &reaped{Settled: engine.Settled{Processes: 1, Stuck: []engine.ExecutorID{"e1"}, Lost: 2, Undone: 1, Open: 6, Failed: 1}}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, r := range []engine.UndoRecord{
		{State: engine.RecordOpen, UndoAt: now.Add(time.Hour), Due: now.Add(time.Hour)},
		{State: engine.RecordOpen, UndoAt: now.Add(-time.Hour), Due: now.Add(time.Minute)},         // tried, in vain
		{State: engine.RecordOpen, UndoAt: now.Add(time.Hour), Due: now.Add(time.Minute)},          // likewise, on demand
		{State: engine.RecordOpen, UndoAt: now.Add(2 * time.Hour), Due: now.Add(2 * time.Hour)},    // the latest
		{State: engine.RecordUndoing, UndoAt: now.Add(3 * time.Hour), Due: now.Add(3 * time.Hour)}, // it was cut off
		{State: engine.RecordOpen, UndoAt: now.Add(90 * time.Minute), Due: now.Add(90 * time.Minute)},
	} {
		done.later.add(r, now)
	}
	if err := writeSettled(&out, done, time.UTC); err != nil {
		t.Fatal(err)
	}
	want := `ended: 1 process that the daemon left
lost: 2 runs cut off by its death
undone: 1 record
left open: 3 records; the next start or cmed reap goes on
left open: 3 records, not due until 2026-01-02T04:04:05Z, the last one 2026-01-02T05:04:05Z; a daemon that runs then undoes it
failed: 1 record; the next start tries again, and cmed undos shows why
stuck: executor e1 has a process that can't be ended, or that a cmed which lives runs; its undo waits for that
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
