package torture

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit and stopLimit bound what a daemon takes to start and to end; they
// are for a machine that does much else.
const (
	startLimit = 30 * time.Second
	stopLimit  = 45 * time.Second
)

// daemon is a cmed process with folders of its own. It can be stopped or killed
// and started again on the same folders.
type daemon struct {
	client
	t    *testing.T
	dir  string // cme.db, state, attacks, planners
	args []string

	process *exec.Cmd
	exited  chan struct{} // closed when the process has ended
	stderr  *lockedBuffer
}

// newDaemon makes the folders and puts the plugins into them: those named, by
// the base name of what main_test.go builds.
func newDaemon(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), args: args, stderr: &lockedBuffer{}}
	for _, folder := range []string{"attacks", "planners"} {
		if err := os.Mkdir(d.path(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.drop("attacks", "testplugin", "testplugin")
	d.drop("attacks", "api_request", "api_request")
	d.drop("planners", "exact_planner", "exact_planner")
	d.drop("planners", "simple_planner", "simple_planner")
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", d.stderr.tail(20_000))
		}
	})
	return d
}

// started is newDaemon, started.
func started(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := newDaemon(t, args...)
	d.start()
	return d
}

func (d *daemon) path(elements ...string) string {
	return filepath.Join(append([]string{d.dir}, elements...)...)
}

// drop copies a built plugin into a folder under a name, as a user does it: to
// a temporary name first.
func (d *daemon) drop(folder, built, name string) {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join(binaries, built))
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(filepath.Join(folder, name), content, 0o700)
}

func (d *daemon) write(name string, content []byte, mode os.FileMode) {
	d.t.Helper()
	hidden := d.path(filepath.Dir(name), "."+filepath.Base(name)+".new")
	if err := os.WriteFile(hidden, content, mode); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(hidden, d.path(name)); err != nil {
		d.t.Fatal(err)
	}
}

var readyLine = regexp.MustCompile(`is ready: (http://\S+)/ `)

// start starts the process and returns when it serves.
func (d *daemon) start() {
	d.t.Helper()
	if why := d.tryStart(); why != "" {
		d.t.Fatalf("the daemon did not start: %s", why)
	}
}

// tryStart returns why the daemon does not serve, "" when it does.
func (d *daemon) tryStart() string {
	d.t.Helper()
	d.process = exec.Command(filepath.Join(binaries, "cmed"), append([]string{
		"--port=0", "--timezone=UTC", "--log-level=debug", "--database-uri=" + d.path("cme.db"),
		"--state-folder=" + d.path("state"), "--attacks-folder=" + d.path("attacks"),
		"--planners-folder=" + d.path("planners"),
	}, d.args...)...)
	d.process.Stderr = d.stderr
	d.process.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	stdout, err := d.process.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.exited = make(chan struct{})
	lines := make(chan string, 1)
	go func(process *exec.Cmd, exited chan struct{}) {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- line
		_, _ = io.Copy(io.Discard, stdout)
		_ = process.Wait()
		close(exited)
	}(d.process, d.exited)
	select {
	case line := <-lines:
		found := readyLine.FindStringSubmatch(line)
		if found == nil {
			d.kill()
			return "it said " + line
		}
		d.base = found[1]
		return ""
	case <-time.After(startLimit):
		d.kill()
		return "it was not ready in time"
	}
}

// stop asks the daemon to end and expects it to end well.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	if !d.ended(stopLimit) {
		d.t.Fatal("the daemon did not end after SIGTERM")
	}
	if code := d.process.ProcessState.ExitCode(); code != 0 {
		d.t.Fatalf("the daemon ended with code %d after SIGTERM", code)
	}
}

// kill ends the daemon with SIGKILL, if it lives.
func (d *daemon) kill() {
	if d.process == nil || d.process.Process == nil {
		return
	}
	_ = d.process.Process.Kill()
	<-d.exited
}

func (d *daemon) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.process.Process.Signal(s); err != nil {
		d.t.Fatalf("send %s to the daemon: %v", s, err)
	}
}

// ended waits until the process is gone, and says whether it is.
func (d *daemon) ended(limit time.Duration) bool {
	select {
	case <-d.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// leftovers returns what the daemon's plugins have left: processes that were
// started from its folders, and files of runs.
func (d *daemon) leftovers() []string {
	d.t.Helper()
	var left []string
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, file := range environs {
		environ, err := os.ReadFile(file) //nolint:gosec // a file of /proc
		if err == nil && bytes.Contains(environ, []byte("CMED_PLUGIN_PATH="+d.dir)) {
			left = append(left, "process "+filepath.Base(filepath.Dir(file)))
		}
	}
	runs, err := filepath.Glob(d.path("state", "run", "*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return append(left, runs...)
}

// isClean waits until nothing is left of any run.
func (d *daemon) isClean() {
	d.t.Helper()
	var left []string
	if !eventually(20*time.Second, func() bool { left = d.leftovers(); return len(left) == 0 }) {
		d.t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}

// eventually asks until the answer is yes or the limit is over.
func eventually(limit time.Duration, yes func() bool) bool {
	deadline := time.Now().Add(limit)
	pause := time.Millisecond
	for !yes() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause) // between two looks at the world outside
		pause = min(2*pause, 50*time.Millisecond)
	}
	return true
}

// lockedBuffer takes what a process writes while others read it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
