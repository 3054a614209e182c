package scripts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of the tests for something that must happen.
const patience = 20 * time.Second

// eachShell runs a test under every shell that is here, in a world of its own.
func eachShell(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, shell := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}} {
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell[0])
			if err != nil {
				t.Skipf("%s is not installed: apt-get install %s", shell[0], shell[0])
			}
			test(t, newWorld(t, append([]string{path}, shell[1:]...)))
		})
	}
}

// world is what a script finds around it: a shell, folders, and a systemctl that
// notes how it is called.
type world struct {
	t     *testing.T
	shell []string
	state string // STATE_DIR
	dir   string // DIR
	units string // a file for each active unit; "calls" is what systemctl was called with
	job   string
}

// jobs counts the worlds.
var jobs atomic.Int64

func newWorld(t *testing.T, shell []string) *world {
	t.Helper()
	w := &world{t: t, shell: shell, state: t.TempDir(), dir: t.TempDir(), units: t.TempDir()}
	w.job = fmt.Sprintf("job-%d-%d", os.Getpid(), jobs.Add(1))
	w.write(filepath.Join(w.units, "shop.service"), "")
	systemctl, err := filepath.Abs("testdata/systemctl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(systemctl, filepath.Join(w.units, "systemctl")); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run is a script under way.
type run struct {
	t       *testing.T
	command *exec.Cmd
	stdout  *bufio.Reader
	pipe    io.Closer
	stderr  *bytes.Buffer
	rest    string // of what it printed, once it has ended
}

// start starts a script in a process group of its own, with variables besides
// those of the world.
func (w *world) start(script string, variables ...string) *run {
	w.t.Helper()
	argv := append(append([]string{}, w.shell[1:]...), filepath.Join("script_attacks", script))
	r := &run{t: w.t, command: exec.CommandContext(w.t.Context(), w.shell[0], argv...), stderr: &bytes.Buffer{}}
	r.command.Env = append([]string{
		"PATH=" + w.units + ":" + os.Getenv("PATH"), "UNITS=" + w.units, "TMPDIR=" + w.dir,
		"STATE_DIR=" + w.state, "DIR=" + w.dir, "CMED_JOB=" + w.job,
	}, variables...)
	r.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.command.WaitDelay = patience
	r.command.Stderr = r.stderr
	stdout, err := r.command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		w.t.Fatal(err)
	}
	r.stdout = bufio.NewReader(stdout)
	r.pipe = stdout
	w.t.Cleanup(func() { _ = syscall.Kill(-r.command.Process.Pid, syscall.SIGKILL) })
	return r
}

// line returns the next line that the script prints.
func (r *run) line() string {
	r.t.Helper()
	line, err := r.stdout.ReadString('\n')
	if err != nil {
		status := r.status()
		r.t.Fatalf("it prints no line, but ends with status %d: %s", status, r.stderr)
	}
	return line
}

// signal sends a signal to the script alone.
func (r *run) signal(signal syscall.Signal) {
	r.t.Helper()
	if err := r.command.Process.Signal(signal); err != nil {
		r.t.Fatal(err)
	}
}

// status waits for the script to end and returns its exit status, -1 when a
// signal ended it.
func (r *run) status() int {
	r.t.Helper()
	late := time.AfterFunc(patience, func() {
		r.t.Errorf("it doesn't end within %s", patience)
		_ = syscall.Kill(-r.command.Process.Pid, syscall.SIGKILL)
	})
	defer late.Stop()
	rest, err := io.ReadAll(r.stdout)
	if err != nil {
		r.t.Error(err)
	}
	r.rest = string(rest)
	if exit, ok := errors.AsType[*exec.ExitError](r.command.Wait()); ok {
		return exit.ExitCode()
	}
	return 0
}

// ends fails the test unless the script ends with the status.
func (r *run) ends(want int) {
	r.t.Helper()
	if got := r.status(); got != want {
		r.t.Errorf("it ends with status %d, want %d; it printed %q and %q", got, want, r.rest, r.stderr)
	}
}

// bashLostIt says that the shell is bash and fell over a signal that came while it
// read a command substitution: it takes the trap for a part of that, and goes on
// or aborts. No script can keep it from that; an undo takes back what is left.
func (r *run) bashLostIt() bool {
	return strings.Contains(r.stderr.String(), "trap: line")
}

// undo runs a script with CMED_UNDO=1, which must succeed.
func (w *world) undo(script string) {
	w.t.Helper()
	w.start(script, "CMED_UNDO=1").ends(0)
}

// isClean fails the test unless nothing of any run is left: no file, no process,
// no stopped unit.
func (w *world) isClean() {
	w.t.Helper()
	for _, folder := range []string{w.state, w.dir} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, entry := range entries {
			w.t.Errorf("%s is left", filepath.Join(folder, entry.Name()))
		}
	}
	if _, err := os.Stat(filepath.Join(w.units, "shop.service")); err != nil {
		w.t.Errorf("the unit is not active: %v", err)
	}
	for deadline := time.Now().Add(patience); len(w.processes()) > 0; {
		if time.Now().After(deadline) {
			w.t.Fatalf("the processes %v are left", w.processes())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// processes are those that have the job in their environment.
func (w *world) processes() (pids []string) {
	w.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environ, []byte("CMED_JOB="+w.job+"\x00")) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// calls are what systemctl was called with.
func (w *world) calls() []string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.units, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// uid is the user's number, as id -u prints it.
func uid() string { return strconv.Itoa(os.Getuid()) }

// closeOutput has nobody listen to the script any more.
func (r *run) closeOutput() error { return r.pipe.Close() }
