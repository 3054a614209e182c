//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestChildrenAreInTheSandboxToo(t *testing.T) {
	own, outside := folders(t)
	b := start(t, &box{}, own, exec.Command("/bin/sh", "-c", "echo x > "+outside+"/shell; (sh -c 'echo y > "+outside+"/deeper'); echo z > inside"))
	_ = b.cmd.Wait() // how a shell ends that can't write does not matter
	if !b.End(10 * time.Second) {
		t.Error("somebody was left")
	}
	if saw := b.attempts(); !slices.Equal(saw, []Attempt{{Write, outside + "/shell"}, {Write, outside + "/deeper"}}) {
		t.Errorf("seen %v", saw)
	}
	if _, err := os.Stat(own + "/inside"); err != nil {
		t.Error(err)
	}
}

func TestPythonIsInTheSandboxToo(t *testing.T) {
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		t.Skip("needs Debian's python3: ", err)
	}
	own, outside := folders(t)
	modules := t.TempDir()
	if err := os.WriteFile(modules+"/module.py", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`
import os, socket, sys, tempfile
def refused(f, *args):
    try:
        f(*args)
    except OSError:
        return
    print("allowed:", f, args)
refused(open, %[1]q + "/there", "a")
refused(os.replace, "mine", %[1]q + "/new")
refused(socket.create_connection, ("127.0.0.1", 9))
refused(socket.getaddrinfo, "host.invalid", 80)
os.makedirs(%[1]q, exist_ok=True)
tempfile.mkdtemp(dir=".")
sys.path.insert(0, %[2]q)
import module
`, outside, modules)
	cmd := exec.Command(python, "-c", script)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	b := start(t, &box{}, own, cmd)
	err := cmd.Wait()
	b.End(10 * time.Second)
	if err != nil || out.Len() > 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	saw := b.attempts()
	for _, want := range []Attempt{{Write, outside + "/there"}, {Write, outside + "/new"}, {Network, "127.0.0.1:9"}} {
		if !slices.Contains(saw, want) {
			t.Errorf("%v was not seen", want)
		}
	}
	if slices.ContainsFunc(saw, func(a Attempt) bool { return strings.Contains(a.What, "__pycache__") }) {
		t.Errorf("seen %v", saw)
	}
	if entries, _ := os.ReadDir(modules); len(entries) != 1 {
		t.Errorf("Python left %v", entries)
	}
}

func TestAChildThatOutlivesItsParentIsJudged(t *testing.T) {
	own, outside := folders(t)
	script := "(while [ ! -e go ]; do sleep 0.01; done; echo x > " + outside + "/late; echo x > late) & exit 0"
	b := start(t, &box{}, own, exec.Command("/bin/sh", "-c", script))
	if err := b.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !b.End(10 * time.Second) {
		t.Error("it was left")
	}
	if saw := b.attempts(); !slices.Equal(saw, []Attempt{{Write, outside + "/late"}}) {
		t.Errorf("seen %v", saw)
	}
}

// TestWhoIsLeftAtTheEndCanDoNothing checks that ending a sandbox does not open it.
func TestWhoIsLeftAtTheEndCanDoNothing(t *testing.T) {
	own, _ := folders(t)
	cmd := exec.Command(os.Args[0], "wait "+own+"/go", "mkdir "+own+"/new")
	cmd.Env = []string{"SANDBOX_CHILD=1", "GORACE=atexit_sleep_ms=0"}
	var out strings.Builder
	cmd.Stdout = &out
	b := start(t, &box{}, own, cmd)
	if b.End(0) {
		t.Error("a sandbox with a process in it was said to be empty")
	}
	if err := os.WriteFile(own+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || out.String() != "[\"ok\",\"ENOSYS\"]\n" {
		t.Errorf("%v, %s", err, out.String())
	}
}

// TestItEndsWhileItIsFlooded checks that calls that never cease don't keep End.
func TestItEndsWhileItIsFlooded(t *testing.T) {
	own, outside := folders(t)
	cmd := exec.Command(os.Args[0], "flood "+outside)
	cmd.Env = []string{"SANDBOX_CHILD=1"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, &box{}, own, cmd)
	if _, err := io.ReadFull(out, make([]byte, len("begun"))); err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool, 1)
	go func() { ended <- b.End(50 * time.Millisecond) }()
	select {
	case empty := <-ended:
		if empty {
			t.Error("nobody was left")
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestKilledWhileItIsJudged(t *testing.T) {
	own, outside := folders(t)
	b := &box{held: make(chan struct{})}
	start(t, b, own, exec.Command("/bin/sh", "-c", "(while [ ! -e go ]; do sleep 0.01; done; mkdir after) & echo x > "+outside+"/new"))
	deadline := time.Now().Add(10 * time.Second)
	for len(b.attempts()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was seen")
		}
		time.Sleep(time.Millisecond)
	}
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
	close(b.held)
	if err := os.WriteFile(own+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !b.End(10 * time.Second) {
		t.Error("somebody was left")
	}
	if _, err := os.Stat(own + "/after"); err != nil {
		t.Errorf("the others were not served any more: %v", err)
	}
}

// TestAJudgementThatDoesNotEndIsLeftToItself checks that a file system that does not
// answer, say, keeps neither End nor the processes.
func TestAJudgementThatDoesNotEndIsLeftToItself(t *testing.T) {
	own, outside := folders(t)
	b := &box{held: make(chan struct{})}
	defer close(b.held)
	start(t, b, own, exec.Command("/bin/sh", "-c", "mkdir "+outside+"/new; exec sleep 600"))
	deadline := time.Now().Add(10 * time.Second)
	for len(b.attempts()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was seen")
		}
		time.Sleep(time.Millisecond)
	}
	ended := make(chan bool, 1)
	go func() { ended <- b.End(0) }()
	select {
	case empty := <-ended:
		if empty || b.Stuck() != "mkdir" && b.Stuck() != "mkdirat" {
			t.Errorf("empty %t, stuck %q", empty, b.Stuck())
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	for { // until mkdir has had its answer, and the shell goes on
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", b.cmd.Process.Pid))
		if string(name) == "sleep\n" {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it is %q, %v", name, err)
		}
		time.Sleep(time.Millisecond)
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// TestWhoIsGoneWhileACallOfHisIsStillJudgedIsGone checks that nobody is thought left.
func TestWhoIsGoneWhileACallOfHisIsStillJudgedIsGone(t *testing.T) {
	own, outside := folders(t)
	b := &box{held: make(chan struct{})}
	defer close(b.held)
	start(t, b, own, exec.Command("/bin/sh", "-c", "echo x > "+outside+"/new"))
	deadline := time.Now().Add(10 * time.Second)
	for len(b.attempts()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was seen")
		}
		time.Sleep(time.Millisecond)
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
	if !b.End(100*time.Millisecond) || b.Stuck() == "" {
		t.Errorf("somebody was left, or nothing was stuck: %q", b.Stuck())
	}
}

func TestNothingIsLeftOpen(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	own, outside := folders(t)
	acting(t, own, "listen") // whatever the runtime opens once
	before := count()
	for range 10 {
		acting(t, own, "create "+outside+"/new", "create new")
		b := start(t, &box{}, own, exec.Command("/bin/sleep", "600"))
		b.End(0)
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
	}
	if after := count(); after > before {
		t.Errorf("%d files were open, now %d", before, after)
	}
}

// TestASandboxInASandboxIsSaidNotToWork checks that what the kernel refuses is told:
// of filters with a listener there can be one.
func TestASandboxInASandboxIsSaidNotToWork(t *testing.T) {
	if err := Probe(onThread); err != nil {
		t.Skip("needs seccomp with user notification: ", err)
	}
	result := make(chan error, 1)
	onThread(func() {
		result <- func() error {
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				return err
			}
			fd, err := RestrictThread()
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return Probe(func(f func()) { f() })
		}()
	})
	if err := <-result; !errors.Is(err, ErrUnsupported) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("%v", err)
	}
}

// TestTheFilterKnowsEachCall checks that a program is as long as the kernel takes,
// and that no call is without a judge.
func TestTheFilterKnowsEachCall(t *testing.T) {
	if n := len(filter()); n > 4096 {
		t.Errorf("the program has %d instructions", n)
	}
	for nr, c := range calls {
		if c.name == "" || c.other != nil && c.files != nil || c.opens && len(c.files) != 1 {
			t.Errorf("call %d: %+v", nr, c)
		}
	}
}

// BenchmarkStart compares a start in a sandbox with one outside.
func BenchmarkStart(b *testing.B) {
	own, _ := folders(b)
	b.Run("free", func(b *testing.B) {
		for b.Loop() {
			_ = exec.Command("/bin/true").Run()
		}
	})
	b.Run("sandboxed", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command("/bin/true")
			cmd.Stdout = io.Discard
			s := start(b, &box{}, own, cmd)
			_ = cmd.Wait()
			s.End(time.Second)
		}
	})
}
