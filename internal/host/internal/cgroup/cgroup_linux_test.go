package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain is also a process that says where it was delegated to.
func TestMain(m *testing.M) {
	if os.Getenv("CGROUP_TEST_FIND") == "" {
		os.Exit(m.Run())
	}
	dir, err := Find()
	if err != nil {
		dir = "error: " + err.Error()
	}
	_, _ = os.Stdout.WriteString(dir)
}

// newParent makes a cgroup for a test.
func newParent(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		_, point, ok := readMount(line)
		if !ok {
			continue
		}
		dir, err := os.MkdirTemp(point, "cmed-test-")
		if err != nil {
			t.Skip("needs a cgroup to write to; run the tests as root: ", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil {
			_ = os.Remove(dir)
			t.Skip("needs cgroup.kill (Linux 5.14)")
		}
		t.Cleanup(func() {
			if err := remove(dir); err != nil {
				t.Errorf("cgroups left: %v", err)
			}
		})
		return dir
	}
	t.Skip("needs a mounted cgroup2")
	return ""
}

// born starts a command in a cgroup.
func born(t *testing.T, dir string, cmd *exec.Cmd) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd()), Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func TestAGroupEndsWithAllInIt(t *testing.T) {
	tree, err := Open(newParent(t), "tree")
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.New("call")
	if err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(g.dir, "made-by-the-process")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	one, two := exec.CommandContext(t.Context(), "sleep", "600"), exec.CommandContext(t.Context(), "sleep", "600")
	born(t, g.dir, one)
	born(t, below, two)
	g.Started()
	pids, err := g.Processes()
	slices.Sort(pids)
	want := []int{one.Process.Pid, two.Process.Pid}
	slices.Sort(want)
	if err != nil || !slices.Equal(pids, want) {
		t.Errorf("processes %v, want %v; %v", pids, want, err)
	}
	if !g.Holds(one.Process.Pid) || !g.Holds(two.Process.Pid) || g.Holds(os.Getpid()) {
		t.Error("it does not know whom it holds")
	}
	if err := tree.Close(); err == nil {
		t.Error("a tree with groups was removed")
	}
	if gone, err := g.End(); gone || err != nil {
		t.Errorf("the first end of a group that is not empty: %v, %v", gone, err)
	}
	for _, cmd := range []*exec.Cmd{one, two} {
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Errorf("ended by %v", err)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	gone := false
	for !gone && time.Now().Before(deadline) {
		if gone, err = g.End(); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := tree.Groups(); !gone || err != nil || len(names) != 0 {
		t.Errorf("gone %v, groups %v, %v", gone, names, err)
	}
	if pids, err := g.Processes(); err != nil || len(pids) != 0 {
		t.Errorf("who is in a group that is gone: %v, %v", pids, err)
	}
	if gone, err := g.End(); !gone || err != nil {
		t.Errorf("the end of a group that is gone: %v, %v", gone, err)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	if names, err := tree.Groups(); err != nil || len(names) != 0 {
		t.Errorf("the groups of a tree that is gone: %v, %v", names, err)
	}
}

func TestATreeIsTakenOver(t *testing.T) {
	parent := newParent(t)
	before, err := Open(parent, "tree")
	if err != nil {
		t.Fatal(err)
	}
	left, err := before.New("left")
	if err != nil {
		t.Fatal(err)
	}
	left.Started()
	after, err := Open(parent, "tree")
	if err != nil {
		t.Fatal(err)
	}
	if names, err := after.Groups(); err != nil || !slices.Equal(names, []string{"left"}) {
		t.Errorf("groups %v, %v", names, err)
	}
	if _, err := after.New("left"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a group was made twice: %v", err)
	}
}

func TestOnlyADelegatedCgroupIsFound(t *testing.T) {
	parent := newParent(t)
	inner := func(name string) string {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	plain, own, control := inner("plain"), inner(leaf), inner(".control")
	find := func(in string) string {
		var out strings.Builder
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "CGROUP_TEST_FIND=1")
		cmd.Stdout = &out
		born(t, in, cmd)
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got, want := find(parent), "error: "+parent+" is not delegated (systemd: Delegate=yes)"; got != want {
		t.Errorf("not delegated: %s", got)
	}
	if err := unix.Setxattr(parent, "user.delegate", []byte("1"), 0); err != nil {
		if err = unix.Setxattr(parent, "trusted.delegate", []byte("1"), 0); err != nil {
			t.Skip("needs extended attributes of cgroups: ", err)
		}
	}
	for in, want := range map[string]string{
		parent: parent, own: parent, control: parent,
		plain: "error: " + plain + " is not delegated (systemd: Delegate=yes)",
	} {
		if got := find(in); got != want {
			t.Errorf("in %s: %s, want %s", in, got, want)
		}
	}
}

func TestALimitThatCanNotBeSetIsNamed(t *testing.T) {
	parent := newParent(t)
	tree, err := Open(parent, "tree")
	if err != nil {
		t.Fatal(err)
	}
	err = tree.Limit(Limits{Memory: 64 << 20, Processes: 32})
	for _, controller := range []string{"memory", "pids"} {
		enabled := lists(tree.dir, "cgroup.subtree_control", controller)
		named := err != nil && strings.Contains(err.Error(), "no limit of "+controller+": ")
		if enabled == named || enabled != slices.Contains(tree.Active(), controller) {
			t.Errorf("%s: enabled %v, active %v, error %v", controller, enabled, tree.Active(), err)
		}
	}
	g, err := tree.New("call")
	if err != nil {
		t.Fatal(err)
	}
	g.Started()
	if slices.Contains(tree.Active(), "pids") {
		text, err := os.ReadFile(filepath.Join(g.dir, "pids.max"))
		if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(32) {
			t.Errorf("pids.max %s, %v", text, err)
		}
	}
}

func TestReadMount(t *testing.T) {
	for _, test := range []struct {
		line, root, point string
		ok                bool
	}{
		{"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n", "/", "/sys/fs/cgroup/unified", true},
		{"41 31 0:38 /a\\040b /mnt/c\\134d rw shared:1 - cgroup2 none rw\n", "/a b", `/mnt/c\d`, true},
		{"41 31 0:38 / /sys/fs/cgroup rw - cgroup cgroup rw,pids\n", "", "", false},
		{"garbage", "", "", false},
		{"41 - cgroup2 x", "", "", false},
	} {
		if root, point, ok := readMount(test.line); root != test.root || point != test.point || ok != test.ok {
			t.Errorf("%q: %q, %q, %v", test.line, root, point, ok)
		}
	}
}
