package remote_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

func TestAScriptSaysWhatItSaysAndItsStatusIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "echo out; echo err >&2; read -r line || echo no input; exit 3\n")
		r := run(t.Context(), c, j)
		check(t, r.err)
		if want := (remote.Exit{Status: 3}); r.exit != want {
			t.Errorf("exit %+v, want %+v", r.exit, want)
		}
		if r.stdout != "out\nno input\n" || r.stderr != "err\n" {
			t.Errorf("said %q and %q", r.stdout, r.stderr)
		}
	})
}

func TestASignalThatEndsTheScriptIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		r := run(t.Context(), c, installed(t, c, a, "kill -KILL $$\n"))
		check(t, r.err)
		if want := (remote.Exit{Status: 137, Signal: "KILL"}); r.exit != want {
			t.Errorf("exit %+v, want %+v", r.exit, want)
		}
		if r.stderr != "" {
			t.Errorf("the shells said %q", r.stderr)
		}
	})
}

func TestArgumentsAndVariablesArriveAsTheyAre(t *testing.T) {
	hostile := []string{
		"", " ", "-n", "--", "-c", "'", `"`, `\`, "a'b'c", "$(touch /tmp/pwned)", "`id`", "a\nb\n", "*", "~",
		"; exit 9", "&& false", "#", "!!", "\t", "\x01\x7f\x81\x88\xff", "ünïcödé", "END\n}\n", "%s%n",
	}
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		script := "for a in \"$@\"; do printf '%s\\1' \"$a\"; done\n"
		j := jobOf(a, "")
		j.Args = hostile
		j.Env = map[string]string{}
		for i, value := range hostile {
			j.Env[fmt.Sprintf("V_%d", i)] = value
			script += fmt.Sprintf("printf '%%s\\1' \"$V_%d\"\n", i)
		}
		j.Script = []byte("#!/bin/sh\n" + script)
		check(t, c.Install(t.Context(), j))
		r := run(t.Context(), c, j)
		check(t, r.err)
		want := strings.Join(append(append([]string{}, hostile...), hostile...), "\x01") + "\x01"
		if r.stdout != want || r.stderr != "" {
			t.Errorf("arrived: %q\nwant:    %q\nstderr: %q", r.stdout, want, r.stderr)
		}
	})
}

func TestVariablesAreOnNoCommandLine(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := jobOf(a, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'\n")
	j.Env = map[string]string{"TOKEN": "a-secret-word"}
	check(t, c.Install(t.Context(), j))
	r := run(t.Context(), c, j)
	check(t, r.err)
	if strings.Contains(r.stdout, "a-secret-word") {
		t.Error("the variable is on a command line")
	}
	contains(t, r.stdout, "/script")
}

func TestWhatLoginScriptsSayIsNotTheScripts(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{Banner: "Welcome to this machine!\n@cmed-\nIt has no news"}).Access
	c := dial(t, a)
	j := installed(t, c, a, "echo mine\n")
	r := run(t.Context(), c, j)
	check(t, r.err)
	if r.stdout != "mine\n" || r.stderr != "" {
		t.Errorf("said %q and %q", r.stdout, r.stderr)
	}
	removed, err := c.Uninstall(t.Context(), j)
	check(t, err)
	if removed != remote.Removed {
		t.Errorf("the script is %s", removed)
	}
}

func TestARealBashrcMaySayWhatItLikes(t *testing.T) {
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	check(t, os.WriteFile(a.Home+"/.bashrc", []byte("echo welcome\necho careful >&2\n"), 0o600))
	c := dial(t, a)
	r := run(t.Context(), c, installed(t, c, a, "echo mine\n"))
	check(t, r.err)
	if r.stdout != "mine\n" || r.stderr != "" {
		t.Errorf("said %q and %q", r.stdout, r.stderr)
	}
}

var errStopped = errors.New("the plan was halted")

func TestTheContextsEndEndsTheScript(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "trap 'echo bye; exit 7' TERM; sleep 300 & echo ready; wait\n")
		b := runInBackground(t, c, j, 20*time.Second)
		b.stdout.waitFor(t, "ready")
		b.cancel(errStopped)
		r := b.wait(t)
		if !errors.Is(r.err, errStopped) || r.exit.Status != 7 {
			t.Errorf("ended with %+v, %v", r.exit, r.err)
		}
		contains(t, r.stdout, "bye")
		nothingRuns(t, a)
	})
}

func TestADeafScriptIsKilledAfterTheGrace(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "trap '' TERM INT HUP; echo ready; while :; do sleep 300; done\n")
		b := runInBackground(t, c, j, 100*time.Millisecond)
		b.stdout.waitFor(t, "ready")
		b.cancel(errStopped)
		r := b.wait(t)
		if !errors.Is(r.err, errStopped) || r.exit.Signal != "KILL" {
			t.Errorf("ended with %+v, %v", r.exit, r.err)
		}
		nothingRuns(t, a)
	})
}

func TestATimeoutIsTheContextsCause(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "sleep 300\n")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errStopped)
	defer cancel()
	r := run(ctx, c, j)
	if !errors.Is(r.err, errStopped) {
		t.Errorf("ended with %+v, %v", r.exit, r.err)
	}
	nothingRuns(t, a)
}

func TestADaemonOfTheScriptDoesNotHoldTheRunAndIsEnded(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "setsid sh -c 'trap \"\" TERM; sleep 300' &\nsleep 300 &\necho started\n")
		r := run(t.Context(), c, j)
		check(t, r.err)
		if r.stdout != "started\n" || r.exit != (remote.Exit{}) {
			t.Errorf("said %q, ended with %+v", r.stdout, r.exit)
		}
		if len(jobProcesses(j)) == 0 {
			t.Fatal("the daemon is gone before it was ended")
		}
		ended, err := c.End(t.Context(), j, 200*time.Millisecond)
		if err != nil || !ended {
			t.Errorf("End: %v, %v", ended, err)
		}
		if left := jobProcesses(j); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestAStoppedScriptIsEndedGently(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "trap 'echo bye; exit 7' TERM; echo ready; kill -STOP $$; sleep 300\n")
	b := runInBackground(t, c, j, 20*time.Second)
	b.stdout.waitFor(t, "ready")
	eventually(t, "the script is stopped", func() bool {
		for _, pid := range jobProcesses(j) {
			stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if strings.Contains(string(stat), ") T ") {
				return true
			}
		}
		return false
	})
	b.cancel(errStopped)
	if r := b.wait(t); r.exit.Status != 7 || !errors.Is(r.err, errStopped) {
		t.Errorf("ended with %+v, %v", r.exit, r.err)
	}
}

// counting counts bytes and remembers the largest heap it saw.
type counting struct {
	bytes atomic.Int64
	calls int
	heap  uint64
}

func (c *counting) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	if c.calls++; c.calls%256 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.heap = max(c.heap, m.HeapAlloc)
	}
	return len(p), nil
}

func TestAFloodArrivesWholeAndNeedsLittleMemory(t *testing.T) {
	const size = 100 << 20
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	c := dial(t, a)
	j := installed(t, c, a, fmt.Sprintf("head -c %d /dev/zero\nhead -c %d /dev/zero >&2\n", size, size/10))
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var stdout, stderr counting
	_, err := c.Run(t.Context(), j, time.Second, &stdout, &stderr)
	check(t, err)
	if stdout.bytes.Load() != size || stderr.bytes.Load() != size/10 {
		t.Errorf("%d and %d bytes arrived", stdout.bytes.Load(), stderr.bytes.Load())
	}
	if most := before.HeapAlloc + 40<<20; stdout.heap > most {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, stdout.heap)
	}
}

// gate is a writer that takes nothing until it is opened.
type gate struct {
	opened  chan struct{}
	reached chan struct{}
	counting
}

func (g *gate) Write(p []byte) (int, error) {
	select {
	case g.reached <- struct{}{}:
	default:
	}
	<-g.opened
	return g.counting.Write(p)
}

func TestASlowWriterHoldsTheScriptUp(t *testing.T) {
	const size = 64 << 20
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, fmt.Sprintf("echo go; head -c %d /dev/zero\n", size))
	g := &gate{opened: make(chan struct{}), reached: make(chan struct{}, 1)}
	over := make(chan error, 1)
	go func() {
		_, err := c.Run(t.Context(), j, time.Second, g, nil)
		over <- err
	}()
	<-g.reached
	eventually(t, "the script waits for its output to be read", func() bool {
		for _, pid := range jobProcesses(j) {
			where, _ := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
			if strings.Contains(string(where), "pipe_write") {
				return true
			}
			stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if strings.Contains(string(stat), "(head) S ") {
				return true
			}
		}
		return false
	})
	close(g.opened)
	check(t, <-over)
	if got := g.bytes.Load(); got != size+3 {
		t.Errorf("%d bytes arrived", got)
	}
}

func TestOneStreamsBytesStayInOrder(t *testing.T) {
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "i=0; while [ $i -lt 5000 ]; do echo $i; echo $i >&2; i=$((i+1)); done\n")
	r := run(t.Context(), c, j)
	check(t, r.err)
	var want strings.Builder
	for i := range 5000 {
		fmt.Fprintln(&want, i)
	}
	if r.stdout != want.String() || r.stderr != want.String() {
		t.Error("the lines are not in order, or not all there")
	}
}

// failing is a writer that always fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("the log is closed") }

func TestAWriterThatFailsDoesNotStopTheScript(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "head -c 5000000 /dev/zero; echo done >\"$HOME/flag\"; exit 4\n")
	exit, err := c.Run(t.Context(), j, time.Second, failing{}, nil)
	if err == nil || exit.Status != 4 {
		t.Fatalf("ended with %+v, %v", exit, err)
	}
	contains(t, err.Error(), "the log is closed")
	_, err = os.Stat(a.Home + "/flag")
	check(t, err)
}

func TestAJobRunsOnce(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "echo again\n")
	check(t, run(t.Context(), c, j).err)
	r := run(t.Context(), c, j)
	if !errors.Is(r.err, remote.ErrNotStarted) || !errors.Is(r.err, remote.ErrUsed) || r.stdout != "" {
		t.Errorf("the second time: %q, %v", r.stdout, r.err)
	}
	if err := c.Install(t.Context(), j); !errors.Is(err, remote.ErrUsed) {
		t.Errorf("installed again: %v", err)
	}
	_, err := c.Uninstall(t.Context(), j)
	check(t, err)
	check(t, c.Install(t.Context(), j))
	check(t, run(t.Context(), c, j).err)
}

func TestWhyAScriptIsNotStarted(t *testing.T) {
	start := func(t *testing.T, o sshtest.Options) (sshtest.Access, *remote.Client) {
		a := sshtest.Start(t, o).Access
		return a, dial(t, a)
	}
	refused := func(t *testing.T, c *remote.Client, j remote.Job, words string) {
		t.Helper()
		r := run(t.Context(), c, j)
		if !errors.Is(r.err, remote.ErrNotStarted) {
			t.Fatalf("ended with %+v, %v", r.exit, r.err)
		}
		contains(t, r.err.Error(), words)
	}
	t.Run("it is not installed", func(t *testing.T) {
		a, c := start(t, sshtest.Options{})
		refused(t, c, jobOf(a, ""), "not installed")
	})
	t.Run("the file is gone", func(t *testing.T) {
		a, c := start(t, sshtest.Options{})
		j := installed(t, c, a, "")
		check(t, os.Remove(j.Path))
		refused(t, c, j, "not at its path any more")
	})
	t.Run("the file can't be executed", func(t *testing.T) {
		a, c := start(t, sshtest.Options{})
		j := installed(t, c, a, "")
		check(t, os.Chmod(j.Path, 0o600))
		refused(t, c, j, "noexec")
	})
	t.Run("the account runs something else", func(t *testing.T) {
		a, c := start(t, sshtest.Options{Shell: []string{"/bin/echo", "This account is currently not available.", "#"}})
		refused(t, c, jobOf(a, ""), "This account is currently not available.")
	})
	t.Run("the machine runs nothing", func(t *testing.T) {
		a, c := start(t, sshtest.Options{Fault: sshtest.RefusesExec})
		refused(t, c, jobOf(a, ""), "refuses to run")
	})
	t.Run("sudo wants a password", func(t *testing.T) {
		options := withShell(t, "dash")
		program(t, options, "sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
		a, c := start(t, options)
		j := jobOf(a, "")
		j.Sudo = true
		check(t, c.Install(t.Context(), j))
		refused(t, c, j, "sudo: a password is required")
		if _, err := c.End(t.Context(), j, 0); err == nil || !strings.Contains(err.Error(), "a password is required") {
			t.Errorf("End: %v", err)
		}
	})
	t.Run("a variable has a name that a shell can't take", func(t *testing.T) {
		a, c := start(t, sshtest.Options{})
		j := jobOf(a, "")
		j.Env = map[string]string{"a b": ""}
		refused(t, c, j, `"a b" can't be the name of an environment variable`)
	})
}

// program puts a program into the first folder of the machine's path.
func program(t *testing.T, options sshtest.Options, name, script string) {
	t.Helper()
	for _, e := range options.Env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			folder, _, _ := strings.Cut(path, ":")
			check(t, os.WriteFile(folder+"/"+name, []byte(script), 0o700))
		}
	}
}

func TestAMachineThatHangsIsBoundedByTheContext(t *testing.T) {
	for _, fault := range []sshtest.Fault{sshtest.HangsAtOpen, sshtest.HangsAtExec} {
		t.Run(string(fault), func(t *testing.T) {
			a := sshtest.Start(t, sshtest.Options{Fault: fault}).Access
			c := dial(t, a)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errStopped)
			defer cancel()
			j := jobOf(a, "")
			if err := c.Install(ctx, j); !errors.Is(err, errStopped) {
				t.Errorf("Install: %v", err)
			}
			if r := run(ctx, c, j); !errors.Is(r.err, errStopped) || !errors.Is(r.err, remote.ErrNotStarted) {
				t.Errorf("Run: %v", r.err)
			}
			if _, err := c.End(ctx, j, 0); !errors.Is(err, errStopped) {
				t.Errorf("End: %v", err)
			}
			if _, err := c.Uninstall(ctx, j); !errors.Is(err, errStopped) {
				t.Errorf("Uninstall: %v", err)
			}
		})
	}
}

// The variables of the programs that start a script are names like any other.
func TestVariablesMayHaveTheNamesOfOurOwn(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		for _, name := range []string{"mark", "d", "key", "path", "proc", "enter", "usual", "start", "session"} {
			j := jobOf(a, "echo \"$"+name+"\"")
			j.Env = map[string]string{name: "a value"}
			check(t, c.Install(t.Context(), j))
			if r := run(t.Context(), c, j); r.err != nil || r.stdout != "a value\n" {
				t.Errorf("%s: %+v", name, r)
			}
			uninstalls(t, c, j, remote.Removed)
		}
	})
}

func TestAVariableThatAShellKeepsToItselfIsRefused(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	for _, name := range []string{"OPTIND", "UID", "PPID", "CMED_JOB"} {
		j := jobOf(a, "echo on\n")
		j.Env = map[string]string{name: "a value"}
		if err := c.Install(t.Context(), j); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
