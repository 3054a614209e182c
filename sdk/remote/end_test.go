package remote_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// ends fails the test unless End reports what is wanted.
func ends(t *testing.T, c *remote.Client, j remote.Job, want bool) {
	t.Helper()
	got, err := c.End(t.Context(), j, 100*time.Millisecond)
	check(t, err)
	if got != want {
		t.Errorf("End found something: %v, want %v", got, want)
	}
}

func TestAnotherConnectionEndsAJob(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "trap '' TERM; sleep 300 & echo ready; while :; do wait; done\n")
		b := runInBackground(t, c, j, time.Second)
		b.stdout.waitFor(t, "ready")
		fresh := dial(t, a)
		// Who ends a job needs only its key.
		known := remote.Job{Key: j.Key, Path: j.Path}
		ends(t, fresh, known, true)
		if r := b.wait(t); r.err != nil || r.exit.Signal != "KILL" {
			t.Errorf("the run ended with %+v, %v", r.exit, r.err)
		}
		ends(t, fresh, known, false)
		uninstalls(t, fresh, j, remote.Removed)
		ends(t, fresh, known, false)
		isEmpty(t, a.Home)
	})
}

func TestAJobEndedBeforeItStartsNeverStarts(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "touch \"$HOME/flag\"\n")
		ends(t, c, j, false)
		r := run(t.Context(), c, j)
		if !errors.Is(r.err, remote.ErrNotStarted) || !errors.Is(r.err, remote.ErrUsed) {
			t.Errorf("ended with %v", r.err)
		}
		contains(t, r.err.Error(), "ended before it started")
		if _, err := os.Stat(a.Home + "/flag"); err == nil {
			t.Error("it started")
		}
	})
}

// stuckSudo holds its first caller up until there is a file.
const stuckSudo = `#!/bin/sh
if mkdir "$HOME/first" 2>/dev/null; then
	echo stuck >&2
	while [ ! -e "$HOME/go" ]; do sleep 0.05; done
fi
shift 2
exec "$@"
`

// A start that got stuck on its way must find out that the job was ended in the
// meantime, and that it was removed.
func TestAStartThatGotStuckFindsTheJobEnded(t *testing.T) {
	for name, removed := range map[string]bool{"ended": false, "ended and removed": true} {
		t.Run(name, func(t *testing.T) {
			options := withShell(t, "dash")
			program(t, options, "sudo", stuckSudo)
			a := sshtest.Start(t, options).Access
			c := dial(t, a)
			j := jobOf(a, "touch \"$HOME/flag\"\n")
			j.Sudo = true
			check(t, c.Install(t.Context(), j))
			b := runInBackground(t, c, j, time.Second)
			eventually(t, "the start is stuck", func() bool {
				_, err := os.Stat(a.Home + "/first")
				return err == nil
			})
			other := dial(t, a)
			ends(t, other, j, false)
			if removed {
				uninstalls(t, other, j, remote.Removed)
			}
			check(t, os.WriteFile(a.Home+"/go", nil, 0o600))
			r := b.wait(t)
			if !errors.Is(r.err, remote.ErrNotStarted) || !removed && !errors.Is(r.err, remote.ErrUsed) {
				t.Errorf("ended with %+v", r)
			}
			if _, err := os.Stat(a.Home + "/flag"); err == nil {
				t.Error("it started")
			}
			if _, err := os.Stat(a.Home + "/.cmed"); removed && err == nil {
				t.Error("there is a state again")
			}
		})
	}
}

func TestTheContextsEndBeforeTheStart(t *testing.T) {
	options := withShell(t, "dash")
	program(t, options, "setsid", "#!/bin/sh\ntouch \"$HOME/first\"\nexec sleep 300\n")
	a := sshtest.Start(t, options).Access
	c := dial(t, a)
	j := installed(t, c, a, "echo never\n")
	b := runInBackground(t, c, j, time.Second)
	eventually(t, "the start is stuck", func() bool {
		_, err := os.Stat(a.Home + "/first")
		return err == nil
	})
	b.cancel(errStopped)
	if r := b.wait(t); !errors.Is(r.err, errStopped) || !errors.Is(r.err, remote.ErrNotStarted) {
		t.Errorf("ended with %+v", r)
	}
	nothingRuns(t, a)
}

// Whatever the moment: once End has returned, nothing of the job runs or starts.
func TestEndRacesWithTheStart(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c, other := dial(t, a), dial(t, a)
	started := 0
	for i := range 40 {
		j := jobOf(a, "echo ready\nsleep 300\n")
		j.Path = fmt.Sprintf("%s/script-%d", a.Home, i)
		check(t, c.Install(t.Context(), j))
		b := runInBackground(t, c, j, time.Second)
		if i%2 == 1 {
			timer := time.NewTimer(time.Duration(i) * time.Millisecond / 2)
			<-timer.C
		}
		_, err := other.End(t.Context(), j, 5*time.Second)
		check(t, err)
		if left := jobProcesses(j); len(left) > 0 && strings.Contains(b.stdout.text(), "ready") {
			t.Errorf("left: %v", left)
		}
		r := b.wait(t)
		switch {
		case r.err == nil && r.exit.Signal == "TERM":
			started++
		case errors.Is(r.err, remote.ErrNotStarted):
		default:
			t.Errorf("the run ended with %+v, %v", r.exit, r.err)
		}
		if left := jobProcesses(j); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		_, err = c.Uninstall(t.Context(), j)
		check(t, err)
	}
	t.Logf("%d of 40 had started", started)
}

// A full or damaged disk must not keep a job from being ended: filling one is
// what some jobs do.
func TestAFolderThatTakesNothingMoreDoesNotKeepAJobFromItsEnd(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := installed(t, c, a, "echo ready; sleep 300\n")
		b := runInBackground(t, c, j, time.Second)
		b.stdout.waitFor(t, "ready")
		check(t, os.Mkdir(filepath.Join(a.Home, ".cmed", j.Key, "ended"), 0o500))
		ends(t, c, j, true)
		if r := b.wait(t); r.err != nil || r.exit.Signal != "TERM" {
			t.Errorf("ended with %+v, %v", r.exit, r.err)
		}
	})
}

// bystander starts a process in a session of its own that has nothing to do with
// any job.
func bystander(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	check(t, cmd.Start())
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("the bystander is gone: %v", err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

func TestAPidThatIsSomebodyElsesNowIsLeftAlone(t *testing.T) {
	for name, proc := range map[string]string{"by /proc": "/proc", "by ps": "/nonexistent"} {
		t.Run(name, func(t *testing.T) {
			remote.SetProc(t, proc)
			a := sshtest.Start(t, sshtest.Options{}).Access
			c := dial(t, a)
			j := installed(t, c, a, "exit 0\n")
			if proc == "/proc" {
				check(t, run(t.Context(), c, j).err)
			}
			boot := "-"
			if proc == "/proc" {
				id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
				check(t, err)
				boot = strings.TrimSpace(string(id))
			}
			pid := bystander(t)
			state := filepath.Join(a.Home, ".cmed", j.Key, fmt.Sprintf("pid.%d", pid))
			check(t, os.WriteFile(state, fmt.Appendf(nil, "%d 12345 %s\n", pid, boot), 0o600))
			ends(t, c, j, false)
		})
	}
}

func TestAPidOfAnEarlierBootIsLeftAlone(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "exit 0\n")
	pid := bystander(t)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	check(t, err)
	fields := strings.Fields(string(stat)[strings.LastIndex(string(stat), ")")+1:])
	state := filepath.Join(a.Home, ".cmed", j.Key, fmt.Sprintf("pid.%d", pid))
	check(t, os.WriteFile(state, fmt.Appendf(nil, "%d %s %s\n", pid, fields[19], "another-boot"), 0o600))
	ends(t, c, j, false)
}

// A group whose first process has gone is the job's only if one of it says so.
func TestAGroupOfOthersWithoutALeaderIsLeftAlone(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "sleep 300 & exit 0\n")
	check(t, run(t.Context(), c, j).err)
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	check(t, err)
	folder := t.TempDir()
	leader := exec.Command("sh", "-c", "sleep 300 & echo $! >"+folder+"/pid")
	leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	check(t, leader.Run())
	group := leader.Process.Pid
	defer func() { _ = syscall.Kill(-group, syscall.SIGKILL) }()
	state := filepath.Join(a.Home, ".cmed", j.Key, fmt.Sprintf("pid.%d", group))
	check(t, os.WriteFile(state, fmt.Appendf(nil, "%d 1 %s", group, id), 0o600))
	ends(t, c, j, true) // the job's own sleep
	if left := jobProcesses(j); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	check(t, syscall.Kill(-group, 0))
}

func TestWithoutProcPsDoes(t *testing.T) {
	remote.SetProc(t, "/nonexistent")
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "trap '' TERM; sleep 300 & echo ready; while :; do wait; done\n")
	b := runInBackground(t, c, j, 100*time.Millisecond)
	b.stdout.waitFor(t, "ready")
	b.cancel(errStopped)
	if r := b.wait(t); !errors.Is(r.err, errStopped) || r.exit.Signal != "KILL" {
		t.Errorf("ended with %+v, %v", r.exit, r.err)
	}
	nothingRuns(t, a)
}

func TestWithoutSetsidPerlOrPythonDoes(t *testing.T) {
	for _, other := range []string{"perl", "python3"} {
		t.Run(other, func(t *testing.T) {
			path := "/usr/bin/" + other // not a wrapper in the path that needs more
			if _, err := os.Stat(path); err != nil {
				t.Skipf("no %s on this machine; it comes with: apt-get install %s", other, other)
			}
			options := withShell(t, "dash")
			folder := strings.TrimPrefix(strings.SplitN(options.Env[0], ":", 2)[0], "PATH=")
			for _, name := range []string{"id", "ls", "cat", "grep", "wc", "mkdir", "ln", "rm", "rmdir", "mv", "chmod", "sleep", "tr", "date"} {
				tool, err := exec.LookPath(name)
				check(t, err)
				check(t, os.Symlink(tool, filepath.Join(folder, name)))
			}
			check(t, os.Symlink(path, filepath.Join(folder, other)))
			options.Env = []string{"PATH=" + folder}
			a := sshtest.Start(t, options).Access
			c := dial(t, a)
			j := installed(t, c, a, "sleep 300 & echo ready; wait\n")
			b := runInBackground(t, c, j, 10*time.Second)
			b.stdout.waitFor(t, "ready")
			b.cancel(errStopped)
			if r := b.wait(t); !errors.Is(r.err, errStopped) || r.exit.Signal != "TERM" {
				t.Errorf("ended with %+v, %v", r.exit, r.err)
			}
			check(t, os.Remove(filepath.Join(folder, other)))
			uninstalls(t, c, j, remote.Removed)
			check(t, c.Install(t.Context(), j))
			r := run(t.Context(), c, j)
			if !errors.Is(r.err, remote.ErrNotStarted) {
				t.Fatalf("without any: %+v", r)
			}
			contains(t, r.err.Error(), "none of setsid, perl and python3")
		})
	}
}

// fakeSudo does what sudo does to an environment, without root.
const fakeSudo = `#!/bin/sh
[ "$1 $2" = "-n --" ] || exit 9
shift 2
echo "$@" >>"$HOME/sudo.log"
exec env -i PATH="$PATH" HOME="$HOME" SSHTEST_SERVER="$SSHTEST_SERVER" "$@"
`

func TestSudoRunsAndEndsIt(t *testing.T) {
	options := withShell(t, "dash")
	program(t, options, "sudo", fakeSudo)
	a := sshtest.Start(t, options).Access
	c := dial(t, a)
	j := jobOf(a, "trap '' TERM; echo \"$WORD\"; echo ready; while :; do sleep 300; done\n")
	j.Sudo = true
	j.Env = map[string]string{"WORD": "a 'secret'\nword"}
	check(t, c.Install(t.Context(), j))
	b := runInBackground(t, c, j, 100*time.Millisecond)
	b.stdout.waitFor(t, "ready")
	b.cancel(errStopped)
	r := b.wait(t)
	if !errors.Is(r.err, errStopped) || r.exit.Signal != "KILL" || r.stdout != "a 'secret'\nword\nready\n" {
		t.Errorf("ended with %+v", r)
	}
	log, err := os.ReadFile(a.Home + "/sudo.log")
	check(t, err)
	if strings.Count(string(log), "\n") != 2 || strings.Contains(string(log), "secret") {
		t.Errorf("sudo was asked for %q", log)
	}
	nothingRuns(t, a)
}

func TestARealSudo(t *testing.T) {
	if err := exec.Command("sudo", "-n", "--", "true").Run(); err != nil {
		t.Skip("no sudo without a password on this machine; it comes with apt-get install sudo and a NOPASSWD line in sudoers")
	}
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	c := dial(t, a)
	j := jobOf(a, "id -u; echo \"$WORD\"; echo ready; sleep 300\n")
	j.Sudo = true
	j.Env = map[string]string{"WORD": "a 'secret'\nword"}
	check(t, c.Install(t.Context(), j))
	b := runInBackground(t, c, j, 10*time.Second)
	b.stdout.waitFor(t, "ready")
	b.cancel(errStopped)
	if r := b.wait(t); !errors.Is(r.err, errStopped) || r.stdout != "0\na 'secret'\nword\nready\n" {
		t.Errorf("ended with %+v", r)
	}
	uninstalls(t, c, j, remote.Removed)
}

func TestACutConnectionIsLostAndTheJobEnded(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (sshtest.Access, func()){
		"own": func(t *testing.T) (sshtest.Access, func()) {
			s := sshtest.Start(t, sshtest.Options{})
			return s.Access, s.Cut
		},
		"openssh": func(t *testing.T) (sshtest.Access, func()) {
			s := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{})
			return s.Access, s.Cut
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, cut := start(t)
			c := dial(t, a)
			j := installed(t, c, a, "echo ready; sleep 300\n")
			b := runInBackground(t, c, j, time.Second)
			b.stdout.waitFor(t, "ready")
			cut()
			r := b.wait(t)
			if !errors.Is(r.err, remote.ErrLost) {
				t.Fatalf("ended with %+v, %v", r.exit, r.err)
			}
			contains(t, r.err.Error(), "the job was ended")
			if left := jobProcesses(j); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if _, err := c.End(t.Context(), j, 0); !errors.Is(err, remote.ErrLost) {
				t.Errorf("End: %v", err)
			}
			uninstalls(t, dial(t, a), j, remote.Removed)
		})
	}
}

func TestAConnectionCutInTheMiddleOfTheOutput(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{CutAfter: 1 << 20})
	c := dial(t, s.Access)
	j := installed(t, c, s.Access, "head -c 100000000 /dev/zero; sleep 300\n")
	r := run(t.Context(), c, j)
	if !errors.Is(r.err, remote.ErrLost) {
		t.Fatalf("ended with %+v, %v", r.exit, r.err)
	}
	nothingRuns(t, s.Access)
}

func TestWhatRunsGoesOnAfterClose(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c, err := remote.Dial(t.Context(), a.Addr, loginOf(t, a))
	check(t, err)
	j := installed(t, c, a, "echo ready; sleep 300\n")
	b := runInBackground(t, c, j, time.Second)
	b.stdout.waitFor(t, "ready")
	check(t, c.Close())
	check(t, c.Close())
	if r := b.wait(t); !errors.Is(r.err, remote.ErrLost) {
		t.Errorf("ended with %v", r.err)
	}
	if len(jobProcesses(j)) == 0 {
		t.Error("it was ended")
	}
	if err := c.Install(t.Context(), j); !errors.Is(err, remote.ErrLost) {
		t.Errorf("Install: %v", err)
	}
	ends(t, dial(t, a), j, true)
}

func TestAJobWhoseShellIsKilledIsEnded(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "echo ready; sleep 300\n")
	b := runInBackground(t, c, j, time.Second)
	b.stdout.waitFor(t, "ready")
	ours := jobProcesses(j)
	for _, pid := range a.Processes() {
		if !slices.Contains(ours, pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	r := b.wait(t)
	if r.err == nil {
		t.Fatalf("ended with %+v", r)
	}
	contains(t, r.err.Error(), "SIGKILL", "the job was ended")
	if left := jobProcesses(j); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAMachineThatStopsAnsweringEndsTheRun(t *testing.T) {
	remote.SetAliveInterval(t, 50*time.Millisecond)
	a := sshtest.Start(t, sshtest.Options{}).Access
	line := newLine(t, a.Addr)
	through := a
	through.Addr = line.addr
	login := loginOf(t, through)
	login.Timeout = 200 * time.Millisecond
	c, err := remote.Dial(t.Context(), line.addr, login)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	j := installed(t, c, a, "echo ready; sleep 300\n")
	b := runInBackground(t, c, j, 0)
	b.stdout.waitFor(t, "ready")
	line.silence()
	r := b.wait(t)
	if !errors.Is(r.err, remote.ErrLost) || !errors.Is(r.err, remote.ErrUnreachable) {
		t.Fatalf("ended with %+v, %v", r.exit, r.err)
	}
	contains(t, r.err.Error(), "no answer for 150ms")
	ends(t, dial(t, a), j, true)
}

func TestTheContextsEndOnADeadConnectionEndsOverANewOne(t *testing.T) {
	s := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{Lines: []string{"MaxSessions 1"}})
	c := dial(t, s.Access)
	j := installed(t, c, s.Access, "echo ready; sleep 300\n")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stdout := newSaying()
	over := make(chan error, 1)
	go func() {
		_, err := c.Run(ctx, j, time.Second, stdout, nil)
		over <- err
	}()
	stdout.waitFor(t, "ready")
	cancel(errStopped)
	if err := <-over; !errors.Is(err, errStopped) || strings.Contains(err.Error(), "; and") {
		t.Errorf("ended with %v", err)
	}
	if left := jobProcesses(j); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What is to outlive a job has a session of its own and no mark.
func TestAProgramThatIsToOutliveTheJob(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	for start, outlives := range map[string]bool{
		"env -u CMED_JOB setsid sleep 300": true, "setsid sleep 300": false, "env -u CMED_JOB sleep 300": false,
	} {
		pidFile := t.TempDir() + "/pid"
		j := installed(t, c, a, start+" >/dev/null 2>&1 &\necho $! >"+pidFile+"\nsleep 300 >/dev/null 2>&1 &\nexit 0\n")
		check(t, run(t.Context(), c, j).err)
		_, err := c.End(t.Context(), j, 0)
		check(t, err)
		pid, err := os.ReadFile(pidFile)
		check(t, err)
		if alive := isAlive(strings.TrimSpace(string(pid))); alive != outlives {
			t.Errorf("%s: it is alive: %t", start, alive)
		}
		uninstalls(t, c, j, remote.Removed)
	}
}

// isAlive reports whether a process runs, and is not only remembered.
func isAlive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
