//go:build amd64 || arm64

package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if os.Getenv("SANDBOX_CHILD") != "" {
		asChild(os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}

// onThread calls f on a thread that ends with it and is not the main one.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread() // not unlocked: the thread is lost
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		begun := make(chan struct{})
		onThread(func() { close(begun); f() })
		<-begun
		runtime.UnlockOSThread()
	}()
}

// box is a sandbox with a process in it.
type box struct {
	*Supervisor
	cmd  *exec.Cmd
	mu   sync.Mutex
	saw  []Attempt
	held chan struct{} // if set, Saw waits for it
	// byKernel is Policy.Held.
	byKernel bool
}

func (b *box) add(a Attempt) {
	b.mu.Lock()
	b.saw = append(b.saw, a)
	b.mu.Unlock()
	if b.held != nil {
		<-b.held
	}
}

func (b *box) attempts() []Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.saw)
}

// start runs a command in a sandbox and in its own folder.
func start(t testing.TB, b *box, own string, cmd *exec.Cmd) *box {
	t.Helper()
	if err := Probe(onThread); errors.Is(err, ErrUnsupported) {
		t.Skip("needs seccomp with user notification: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	cmd.Dir = own
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	b.cmd = cmd
	errs := make(chan error)
	onThread(func() {
		errs <- func() error {
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				return err
			}
			fd, err := RestrictThread()
			if err != nil {
				return err
			}
			var leader atomic.Int64
			b.Supervisor = Supervise(fd, Policy{Own: own, Held: b.byKernel, Saw: b.add, Mine: func(pid int) bool {
				group, err := unix.Getpgid(pid)
				return err == nil && int64(group) == leader.Load()
			}})
			if err := cmd.Start(); err != nil {
				b.End(0)
				return err
			}
			leader.Store(int64(cmd.Process.Pid))
			return nil
		}()
	})
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	return b
}

// acting runs the test binary as a child and returns what came of each act, and
// what was seen.
func acting(t testing.TB, own string, what ...string) (map[string]string, []Attempt) {
	t.Helper()
	return actingAs(t, &box{}, os.Args[0], own, what...)
}

// actingAs is acting with a sandbox and a program.
func actingAs(t testing.TB, b *box, program, own string, what ...string) (map[string]string, []Attempt) {
	t.Helper()
	cmd := exec.Command(program, what...)
	cmd.Env = []string{"SANDBOX_CHILD=1", "GORACE=atexit_sleep_ms=0"}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	start(t, b, own, cmd)
	err := cmd.Wait()
	if !b.End(10 * time.Second) {
		t.Error("somebody was left in the sandbox")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var list []string
	if err := json.Unmarshal([]byte(out.String()), &list); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for i, a := range list {
		answers[what[i]] = a
	}
	return answers, b.attempts()
}
