package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// beVictim is a host in a process of its own, which is killed.
func beVictim(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	h, err := New(Config{
		AttacksDir: dir + "/attacks", PlannersDir: dir + "/planners", StateDir: dir + "/state",
		StoreID: testStore, Cache: newMapCache(),
		Cgroup: os.Getenv("HOST_TEST_CGROUP"),
	})
	if err != nil {
		fail(err)
	}
	if err := h.Start(context.Background()); err != nil {
		fail(err)
	}
	o, err := h.Offer(engine.KindAttack, "odd:Odd")
	if err != nil {
		fail(err)
	}
	for mode := range strings.SplitSeq(os.Getenv("HOST_TEST_MODES"), ",") {
		p, err := h.Launch(context.Background(), o, engine.NewExecutorID())
		if err != nil {
			fail(err)
		}
		go p.Run(context.Background(), startIn(mode), &record{})
	}
	time.Sleep(time.Hour)
}

// beginVictim starts a host that is to die, with a run in each of the modes.
func beginVictim(t *testing.T, cfg Config, modes string) *exec.Cmd {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), "HOST_TEST_VICTIM="+cfg.AttacksDir+"/..", "HOST_TEST_STORE="+testStore,
		"HOST_TEST_MODES="+modes)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if victim.ProcessState == nil { // the test failed
			_ = victim.Process.Kill()
			_ = victim.Wait()
		}
	})
	return victim
}

func TestReapFindsWhatAKilledHostLeft(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	victim := beginVictim(t, cfg, "hold-session,hold-stubborn")
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	eventually(t, func() error {
		left, err := h.leftovers()
		holding, _ := os.ReadFile(cfg.AttacksDir + "/.odd.hold") // before that, the signal of their parent's death ends them all
		if n := strings.Count(string(holding), "\n"); len(left) < 3 || n < 2 {
			return fmt.Errorf("the victim runs %d processes, %d of them are ready: %w", len(left), n, err)
		}
		return nil
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	left, err := h.leftovers()
	if err != nil || len(left) == 0 {
		t.Fatalf("nothing was left: %v", err)
	}
	reaped, err := h.Reap(t.Context())
	if err != nil || reaped.Processes < 1 || len(reaped.Stuck) > 0 {
		t.Fatalf("reaped %+v: %v", reaped, err)
	}
	// What was found was not ours by birth but by adoption.
	eventually(t, func() error {
		_, err := h.live.strays("none", map[int]bool{}, false)
		if kids, _ := orphans(); len(kids) > 0 {
			return fmt.Errorf("children left: %v", kids)
		}
		return err
	})
	h.checkNothingLeft(t)
}

// TestReapLeavesTheRunsOfAnotherHostThatLives: a copy of a store has the id of the
// original, which may be at work on the same machine.
func TestReapLeavesTheRunsOfAnotherHostThatLives(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	original := beginVictim(t, cfg, "hold-session")
	cfg.StateDir = t.TempDir() // the copy's own
	copied, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	var living []leftover
	eventually(t, func() error {
		living, err = copied.leftovers()
		holding, _ := os.ReadFile(cfg.AttacksDir + "/.odd.hold")
		if len(living) < 2 || len(holding) == 0 {
			return fmt.Errorf("%d processes: %w", len(living), err)
		}
		return nil
	})
	run, _ := executorOf(living[0].mark)
	reaped, err := copied.Reap(t.Context())
	if err != nil || reaped.Processes != 0 || !slices.Equal(reaped.Stuck, []engine.ExecutorID{run}) {
		t.Errorf("while the original lives: %+v, %v; its run is %s", reaped, err, run)
	}
	for _, l := range living {
		if !l.is() {
			t.Errorf("process %d of the original was ended", l.pid)
		}
	}
	if err := original.Process.Signal(unix.SIGSTOP); err != nil { // it lives still
		t.Fatal(err)
	}
	if reaped, err := copied.Reap(t.Context()); err != nil || reaped.Processes != 0 || len(reaped.Stuck) != 1 {
		t.Errorf("while the original is stopped: %+v, %v", reaped, err)
	}
	if err := original.Process.Kill(); err != nil { // and not waited for, so its number is taken
		t.Fatal(err)
	}
	eventually(t, func() error {
		if lives(living[0].host) {
			return errors.New("it is said to live")
		}
		return nil
	})
	if reaped, err := copied.Reap(t.Context()); err != nil || reaped.Processes == 0 || len(reaped.Stuck) != 0 {
		t.Errorf("when it is dead: %+v, %v", reaped, err)
	}
	_ = original.Wait()
}

func TestAHostIsKnownByItsNumberAndItsBeginning(t *testing.T) {
	sleeper := exec.CommandContext(t.Context(), "/bin/sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	began := beganAt(processStat(sleeper.Process.Pid))
	name := fmt.Sprintf("%d.%s", sleeper.Process.Pid, began)
	if !lives(name) {
		t.Errorf("%s does not live", name)
	}
	for _, other := range []string{
		"", ".", "1", "1.", "x." + began, fmt.Sprintf("%d.%s0", sleeper.Process.Pid, began),
		"4194305." + began, thisHost(), // no number is so large (proc_sys_kernel(5), pid_max)
	} {
		if lives(other) {
			t.Errorf("%q lives", other)
		}
	}
	_ = sleeper.Process.Kill()
	_ = sleeper.Wait()
	if lives(name) {
		t.Errorf("%s lives when it is gone", name)
	}
}

// TestAHostInAContainerIsKnown has one that is number 1 where it is.
func TestAHostInAContainerIsKnown(t *testing.T) {
	sleeper := exec.CommandContext(t.Context(), "/bin/sleep", "600")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	if err := sleeper.Start(); err != nil {
		t.Skip("needs the right to make a pid namespace: ", err)
	}
	name := "1." + beganAt(processStat(sleeper.Process.Pid))
	if !lives(name) {
		t.Errorf("%s does not live", name)
	}
	_ = sleeper.Process.Kill()
	_ = sleeper.Wait()
	if lives(name) {
		t.Errorf("%s lives when it is gone", name)
	}
}

func TestReapNamesWhatOutlivesSIGKILL(t *testing.T) {
	const freezer = "/sys/fs/cgroup/freezer"
	dir := freezer + "/cmed-test-" + string(engine.NewPlanID())
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("needs the freezer of cgroup v1, whose processes SIGKILL does not reach: ", err)
	}
	set := func(file, value string) {
		t.Helper()
		if err := os.WriteFile(dir+"/"+file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := openOdd(t)
	ran, undid := engine.NewExecutorID(), engine.UndoID{Executor: engine.NewExecutorID(), Sequence: 3}
	var stuck []*exec.Cmd
	for _, what := range []string{string(ran), "undo-" + undid.String() + "-0123456789abcdef", "describe-0123456789abcdef"} {
		cmd := exec.CommandContext(t.Context(), "/bin/sleep", "600")
		cmd.Env = []string{"CMED_RUN=" + testStore + "/" + what}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stuck = append(stuck, cmd)
		set("cgroup.procs", fmt.Sprint(cmd.Process.Pid))
	}
	set("freezer.state", "FROZEN")
	reaped, err := b.Reap(t.Context())
	if want := []engine.ExecutorID{ran, undid.Executor}; err != nil || reaped.Processes != 3 || !slices.Equal(reaped.Stuck, want) {
		t.Errorf("reaped %+v, %v; want %v stuck", reaped, err, want)
	}
	set("freezer.state", "THAWED")
	for _, cmd := range stuck {
		_ = cmd.Wait()
	}
	if reaped, err := b.Reap(t.Context()); err != nil || reaped.Processes != 0 || len(reaped.Stuck) != 0 {
		t.Errorf("when they are gone: %+v, %v", reaped, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Error(err)
	}
}
