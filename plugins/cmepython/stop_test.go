package cmepython

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// hasSaid says whether a run has logged a line.
func hasSaid(line string) func(*sdktest.Recording) bool {
	return func(r *sdktest.Recording) bool {
		for _, e := range r.Log {
			if e.Message == line {
				return true
			}
		}
		return false
	}
}

// startBody starts an attack with this body and returns when it has said so.
func startBody(t *testing.T, body string, options ...sdktest.Option) *sdktest.Live {
	t.Helper()
	b := newBridge(t, "attack", files{"m.py": attackModule(body)})
	live := sdktest.Start(t, b.attack(t, "m:A"), nil, append(options, sdktest.Config(map[string]any{"ref": "m:A"}))...)
	live.Await(hasSaid("go"))
	return live
}

func TestAStopLetsFinallyBlocksRun(t *testing.T) {
	for rule, body := range map[string]string{
		"asleep":              `time.sleep(60)`,
		"in a child":          `os.system("sleep 60")`,
		"in a waited child":   `subprocess.run(["sleep", "60"])`,
		"busy":                `while True: pass`,
		"busy printing":       "while True:\n        print('x' * 100)",
		"with a stuck thread": "threading.Thread(target=time.sleep, args=(60,)).start()\n    time.sleep(60)",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			live := startBody(t, "try:\n    print('go')\n    "+body+"\nexcept Exception:\n    print('caught')\nfinally:\n    print('finally')")
			live.Stop(sdk.Halted)
			got := live.Wait()
			if got.Failure == nil || !strings.HasPrefix(got.Failure.Message, "stopped: halted") {
				t.Errorf("it ended with %v", got.Failure)
			}
			if !hasSaid("finally")(got) || hasSaid("caught")(got) {
				t.Errorf("the finally block did not run alone: %d entries", len(got.Log))
			}
		})
	}
}

func TestAStopThatIsIgnoredEndsInTheGrace(t *testing.T) {
	live := startBody(t, `
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"], stdout=subprocess.PIPE)
print("child", child.stdout.readline().decode().strip())
print("go")
while True:
    time.sleep(60)`, sdktest.Grace(time.Second))
	live.Stop(sdk.TimedOut)
	got := live.Wait() // fails the test if it is not over in the grace
	if got.Failure == nil || !strings.HasPrefix(got.Failure.Message, "stopped: timed out") {
		t.Errorf("it ended with %v", got.Failure)
	}
	for _, e := range got.Log {
		if pid, ok := strings.CutPrefix(e.Message, "child "); ok {
			expectGone(t, pid)
		}
	}
}

func TestChildrenOfARunAreGoneWithIt(t *testing.T) {
	got := runBody(t, `
child = subprocess.Popen(["sleep", "60"])
return child.pid`)
	expectGone(t, string(got.Result))
}

// expectGone waits until a process is gone; one that nobody has waited for yet
// counts as gone.
func expectGone(t *testing.T, pid string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for isAlive(t, pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %s still runs", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func isAlive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// TestPythonEndsWithThePlugin kills a process that has started a python3 in the
// plugin's way. Run again with CMEPYTHON_VICTIM, this test is that process.
func TestPythonEndsWithThePlugin(t *testing.T) {
	if folder := os.Getenv("CMEPYTHON_VICTIM"); folder != "" {
		b := bridge{kind: "attack", folder: folder}
		sdktest.Run(t, b.attack(t, "m:A"), nil, sdktest.Config(map[string]any{"ref": "m:A"}))
		return
	}
	for rule, body := range map[string]string{
		"it obeys":   "time.sleep(60)",
		"it ignores": "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(60)",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			notes := t.TempDir()
			pidFile, finally := filepath.Join(notes, "pid"), filepath.Join(notes, "finally")
			b := newBridge(t, "attack", files{"m.py": attackModule(`
import signal
with open("` + pidFile + `.new", "w") as f:
    f.write(str(os.getpid()))
os.rename("` + pidFile + `.new", "` + pidFile + `")
try:
    ` + body + `
finally:
    open("` + finally + `", "w").close()`)})
			victim := exec.Command(os.Args[0], "-test.run=^TestPythonEndsWithThePlugin$")
			victim.Env = append(os.Environ(), "CMEPYTHON_VICTIM="+b.folder, "TMPDIR="+t.TempDir())
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			pid := awaitFile(t, pidFile)
			_ = victim.Process.Kill()
			_ = victim.Wait()
			expectGone(t, pid)
			_, err := os.Stat(finally)
			if obeyed := err == nil; obeyed != (rule == "it obeys") {
				t.Errorf("the finally block ran: %t", obeyed)
			}
		})
	}
}

// awaitFile returns what is in a file as soon as it is there.
func awaitFile(t *testing.T, path string) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has not come", path)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
