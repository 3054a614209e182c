//go:build linux

package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// cgroupRoot is where cgroup2 is mounted, "" if it is not.
func cgroupRoot() string {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if fields, rest, _ := strings.Cut(line, " - "); strings.HasPrefix(rest, "cgroup2 ") {
			return strings.Fields(fields)[4]
		}
	}
	return ""
}

// newCgroup makes a cgroup for a test.
func newCgroup(t testing.TB) string {
	t.Helper()
	root := cgroupRoot()
	if root == "" {
		t.Skip("needs a mounted cgroup2")
	}
	dir := filepath.Join(root, "cmed-test-"+string(engine.NewPlanID()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("needs a cgroup to write to; run the tests as root: ", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil {
		_ = os.Remove(dir)
		t.Skip("needs cgroup.kill (Linux 5.14)")
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("cgroups left: %v", err)
		}
	})
	return dir
}

// alive says whether a process that was told by its number lives.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("no process was started: %q", pid)
	}
	state, _ := processState(n)
	return state != 0 && state != 'Z'
}

func openGrouped(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	cfg := newConfig(t)
	cfg.Cgroup = newCgroup(t)
	if change != nil {
		change(&cfg)
	}
	install(t, cfg.AttacksDir, "odd", "")
	return open(t, cfg)
}

func TestNothingEscapesACgroup(t *testing.T) {
	b := openGrouped(t, nil)
	got, isolation, exit := b.attempting("escape", "read /proc/self/cgroup")
	if alive(t, got["escape"]) {
		t.Errorf("a process of its own session, without the mark, lives on: %+v", exit)
	}
	if want := append(slices.Clone(common), "cgroup:kill"); !slices.Equal(isolation, want) {
		t.Errorf("isolation %v", isolation)
	}
	if tree := "/cmed-" + testStore + "/"; !strings.Contains(got["read /proc/self/cgroup"], tree) {
		t.Errorf("it is in %q", got["read /proc/self/cgroup"])
	}
	if groups, err := b.tree.Groups(); err != nil || len(groups) != 0 {
		t.Errorf("groups left: %v, %v", groups, err)
	}
}

func TestEveryCallHasItsCgroup(t *testing.T) {
	b := openGrouped(t, nil)
	o := b.offer(engine.KindAttack, "odd:Odd")
	for range 3 {
		p := b.launch("odd:Odd")
		if !slices.Contains(p.Isolation(), "cgroup:kill") {
			t.Errorf("isolation %v", p.Isolation())
		}
		p.Discard()
	}
	_, err := b.Undo(t.Context(), engine.UndoCall{
		Record: engine.UndoRecord{Ref: "odd:Odd", Digest: o.Digest, Record: []byte("1")}, Config: configIn("escape"),
	}, func(engine.LogEntry) {})
	if err != nil {
		t.Error(err)
	}
	if kids, err := orphans(); err != nil || len(kids) != 0 {
		t.Errorf("an undo left %v, %v", kids, err)
	}
}

func TestAGroupThatCanNotBeMadeKeepsNothingFromRunning(t *testing.T) {
	b := openGrouped(t, nil)
	if err := b.tree.Close(); err != nil { // somebody else removes it
		t.Fatal(err)
	}
	_, isolation, exit := b.attempting("who")
	if !exit.Finished || !slices.Equal(isolation, common) {
		t.Errorf("%v, %+v", isolation, exit)
	}
}

func TestReapFindsWhatIsOnlyInACgroup(t *testing.T) {
	cfg := newConfig(t)
	cfg.Cgroup = newCgroup(t)
	install(t, cfg.AttacksDir, "odd", "")
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), "HOST_TEST_VICTIM="+filepath.Dir(cfg.AttacksDir), "HOST_TEST_STORE="+testStore,
		"HOST_TEST_CGROUP="+cfg.Cgroup, "HOST_TEST_MODES=hold-escape")
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(cfg.Cgroup, "cmed-"+testStore)
	var escaped string
	eventually(t, func() error {
		dirs, err := filepath.Glob(filepath.Join(tree, "*", "cgroup.procs"))
		for _, d := range dirs {
			procs, _ := os.ReadFile(d)
			for pid := range strings.FieldsSeq(string(procs)) {
				if line, _ := os.ReadFile("/proc/" + pid + "/cmdline"); strings.HasPrefix(string(line), "/bin/sleep\x00") {
					escaped = pid
					return nil
				}
			}
		}
		return fmt.Errorf("nothing has escaped yet: %v, %w", dirs, err)
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	reaped, err := h.Reap(t.Context())
	if err != nil || reaped.Processes < 1 || len(reaped.Stuck) != 0 {
		t.Errorf("reaped %+v, %v", reaped, err)
	}
	if alive(t, escaped) {
		t.Errorf("process %s lives on", escaped)
	}
	if groups, err := h.tree.Groups(); err != nil || len(groups) != 0 {
		t.Errorf("groups left: %v, %v", groups, err)
	}
	eventually(t, func() error { // they became ours by adoption
		_, err := h.live.strays("none", map[int]bool{}, false)
		if kids, _ := orphans(); len(kids) > 0 {
			return fmt.Errorf("children left: %v", kids)
		}
		return err
	})
	h.checkNothingLeft(t)
}

func TestWhatARunUsesIsBounded(t *testing.T) {
	for _, test := range []struct {
		controller, attempt string
		change              func(*Config)
		check               func(t *testing.T, got string, exit engine.Exit)
	}{
		{
			"memory", "hoard", func(c *Config) { c.RunMemory = 64 << 20 },
			func(t *testing.T, _ string, exit engine.Exit) {
				if exit.Finished || exit.Status.Signal != "killed" {
					t.Errorf("it had all the memory it wanted: %+v", exit)
				}
			},
		},
		{
			"pids", "swarm", func(c *Config) { c.RunPids = 64 },
			func(t *testing.T, got string, _ engine.Exit) {
				if !strings.Contains(got, "resource temporarily unavailable") {
					t.Errorf("it had all the processes it wanted: %s", got)
				}
			},
		},
	} {
		t.Run(test.controller, func(t *testing.T) {
			parent := newCgroup(t)
			list, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
			if err != nil || !slices.Contains(strings.Fields(string(list)), test.controller) {
				t.Skipf("needs the controller %s in cgroup2: boot with systemd.unified_cgroup_hierarchy=1", test.controller)
			}
			cfg := newConfig(t)
			cfg.Cgroup = parent
			test.change(&cfg)
			install(t, cfg.AttacksDir, "odd", "")
			b := open(t, cfg)
			got, isolation, exit := b.attempting(test.attempt)
			if !slices.Contains(isolation, "cgroup:kill,"+test.controller) {
				t.Errorf("isolation %v", isolation)
			}
			test.check(t, got[test.attempt], exit)
		})
	}
}

func TestAMissingControllerIsNoBoundAndSaysSo(t *testing.T) {
	parent := newCgroup(t)
	if list, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers")); err != nil || strings.Contains(string(list), "memory") {
		t.Skip("needs a cgroup2 without the memory controller")
	}
	cfg := newConfig(t)
	cfg.Cgroup = parent
	cfg.RunMemory = 64 << 20
	log := &logged{}
	cfg.Logger = log.logger()
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	if _, isolation, _ := b.attempting("who"); !slices.Contains(isolation, "cgroup:kill") {
		t.Errorf("isolation %v", isolation)
	}
	if !strings.Contains(log.String(), "what plugins use is not bounded as configured") {
		t.Errorf("log: %s", log)
	}
}

func TestAnExecIsToldFromAnEmptyEnvironment(t *testing.T) {
	cmd := exec.CommandContext(context.Background(), "/bin/sleep", "600")
	cmd.Env = []string{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	eventually(t, func() error {
		if execing(pid) {
			return fmt.Errorf("%d has been executed and counts as being", pid)
		}
		return nil
	})
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if state, _ := processState(pid); state != 'Z' {
			return fmt.Errorf("%d is in state %c", pid, state)
		}
		return nil
	})
	if execing(pid) {
		t.Error("a process that has ended counts as being executed")
	}
	_ = cmd.Wait()
	if execing(pid) {
		t.Error("a process that is gone counts as being executed")
	}
}
