//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// folders are the own one and one outside, with a file "mine" and a file "there".
func folders(t testing.TB) (own, outside string) {
	t.Helper()
	own, outside = t.TempDir(), t.TempDir()
	for _, path := range []string{own + "/mine", outside + "/there"} {
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return own, outside
}

var (
	making   = []string{"create", "exclusive", "beneath", "mkdir", "fifo", "symlink", "link-to", "put"}
	touching = []string{
		"write", "truncing", "create", "beneath", "anew", "link", "unlink", "take", "put", "swap", "truncate", "chmod", "fchmod",
		"fchmodat2", "chown", "lchown", "fchown", "utimes", "touch", "futimens", "setxattr", "fsetxattr", "removexattr",
	}
)

func TestEveryChangeOutsideIsRefusedAndSeen(t *testing.T) {
	own, outside := folders(t)
	if err := os.Mkdir(outside+"/folder", 0o700); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, outside)
	for _, act := range making {
		refusedAndSeen(t, own, act+" "+outside+"/new", outside+"/new")
	}
	for _, act := range touching {
		refusedAndSeen(t, own, act+" "+outside+"/there", outside+"/there")
	}
	refusedAndSeen(t, own, "rmdir "+outside+"/folder", outside+"/folder")
	refusedAndSeen(t, own, "nameless "+outside, outside)
	if after := snapshot(t, outside); after != before {
		t.Errorf("outside was %s, is %s", before, after)
	}
}

// snapshot is what a folder holds, with what the calls would change.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		err = unix.Lstat(path, &st)
		fmt.Fprintln(&b, path, st.Ino, st.Mode, st.Nlink, st.Size, st.Mtim, st.Ctim)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func refusedAndSeen(t *testing.T, own, act, path string) {
	t.Helper()
	got, saw := acting(t, own, act)
	if got[act] != "EACCES" || !slices.Equal(saw, []Attempt{{Write, path}}) {
		t.Errorf("%s: %s, seen %v", act, got[act], saw)
	}
}

func TestEveryChangeInTheOwnFolderIsFree(t *testing.T) {
	for _, act := range append(slices.Clone(making), "nameless", "rmdir") {
		own, _ := folders(t)
		object := own + "/new"
		switch act {
		case "rmdir":
			if err := os.Mkdir(object, 0o700); err != nil {
				t.Fatal(err)
			}
		case "nameless":
			object = own
		}
		free(t, own, act+" "+object)
	}
	for _, act := range touching {
		own, _ := folders(t)
		if err := os.WriteFile(own+"/other", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		free(t, own, act+" "+own+"/other")
	}
}

func free(t *testing.T, own, act string) {
	t.Helper()
	got, saw := acting(t, own, act)
	if a := got[act]; a != "ok" && a != "ENODATA" && a != "ENOTSUP" || len(saw) > 0 {
		t.Errorf("%s: %s, seen %v", act, a, saw)
	}
}

// TestWherePathsLead checks that what counts is the file, not how it is called.
func TestWherePathsLead(t *testing.T) {
	own, outside := folders(t)
	for link, target := range map[string]string{
		own + "/out": outside, own + "/file": outside + "/there", own + "/dangling": outside + "/new", own + "/deep": "out/there",
		outside + "/in": own, own + "/round": "round", own + "/self": "/proc/self/cwd/mine",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	relative, err := filepath.Rel(own, outside)
	if err != nil {
		t.Fatal(err)
	}
	for act, want := range map[string]string{
		"create out/new":              outside + "/new",
		"write file":                  outside + "/there",
		"write deep":                  outside + "/there",
		"create dangling":             outside + "/new",
		"truncate file":               outside + "/there",
		"chmod file":                  outside + "/there",
		"create " + relative + "/new": outside + "/new",
		"create " + own + "/../" + relative[3:] + "/x": outside + "/x",
		"create /proc/self/root" + outside + "/new":    outside + "/new",
		"create /proc/thread-self/cwd/out/new":         outside + "/new",
		"mkdir out/new/":                               outside + "/new",
		"beneath " + own + "/out/new":                  outside + "/new",
	} {
		refusedAndSeen(t, own, act, want)
	}
	for _, act := range []string{
		"write mine", "write self", "unlink " + outside + "/in/file", "lchown deep", "touch dangling", "create " + outside + "/in/new", "exclusive /proc/self/cwd/other",
	} {
		free(t, own, act)
	}
	got, saw := acting(t, own, "write round", "cd "+outside, "create new", "cd "+own, "create new")
	if got["write round"] != "ELOOP" || got["cd "+outside] != "ok" || !slices.Equal(saw, []Attempt{{Write, outside + "/new"}}) {
		t.Errorf("%v, seen %v", got, saw)
	}
}

// TestWhatWouldFailAnywayIsNotHeldAgainstIt checks that the kernel's own answer
// comes, and nothing is seen.
func TestWhatWouldFailAnywayIsNotHeldAgainstIt(t *testing.T) {
	own, outside := folders(t)
	want := map[string]string{
		"mkdir " + outside: "EEXIST", "mkdir /": "EEXIST", "exclusive " + outside + "/there": "EEXIST",
		"unlink " + outside + "/none": "ENOENT", "write " + outside + "/none": "ENOENT", "chmod " + outside + "/none": "ENOENT",
		"take " + outside + "/none": "ENOENT", "rmdir " + outside + "/none": "ENOENT", "symlink " + outside + "/there": "EEXIST",
		"read " + outside + "/there": "ok", "path " + outside + "/there": "ok", "path " + outside + "/none": "ENOENT", "write ": "ENOENT", "mkdir " + strings.Repeat("long/", 1000): "ENAMETOOLONG",
		"openat2 /etc/passwd": "ENOSYS", "io_uring": "ENOSYS", "by-handle " + outside + "/there": "ENOSYS", "write /dev/null": "ok", "create /dev/null": "ok",
		"write /dev/stdout": "ok", "write /proc/self/oom_score_adj": "ok", "write /proc/thread-self/comm": "ok",
	}
	acts := make([]string, 0, len(want))
	for act := range want {
		acts = append(acts, act)
	}
	got, saw := acting(t, own, acts...)
	for act, answer := range want {
		if got[act] != answer {
			t.Errorf("%.50s: %s, want %s", act, got[act], answer)
		}
	}
	if len(saw) > 0 {
		t.Errorf("seen %v", saw)
	}
	refusedAndSeen(t, own, "write /proc/1/oom_score_adj", "/proc/1/oom_score_adj")
	refusedAndSeen(t, own, "chmod /dev/null", "/dev/null")
}

func TestTheMachineIsLeftAlone(t *testing.T) {
	own, _ := folders(t)
	got, saw := acting(t, own, "umount /nowhere", "module nothing", "reboot", "account /nowhere", "raw", "vsock", "tcp", "route")
	want := map[string]string{
		"umount /nowhere": "EPERM", "module nothing": "EPERM", "reboot": "EPERM", "account /nowhere": "EPERM", "raw": "ENETUNREACH", "vsock": "ENETUNREACH",
		"tcp": "ok", "route": "ok",
	}
	for act, answer := range want {
		if got[act] != answer && got[act] != "EAFNOSUPPORT" {
			t.Errorf("%s: %s, want %s", act, got[act], answer)
		}
	}
	if !slices.Equal(saw, []Attempt{
		{System, "umount2"}, {System, "delete_module"}, {System, "reboot"}, {System, "acct"}, {Network, "IPv4 (raw)"}, {Network, "vsock (stream)"},
	}) {
		t.Errorf("seen %v", saw)
	}
}

// TestTheFirstMessageDoesNotConnect checks that TCP's fast open is a connection.
func TestTheFirstMessageDoesNotConnect(t *testing.T) {
	own, _ := folders(t)
	for _, act := range []string{"send-fast", "send-message-fast", "send-several-fast"} {
		act += " 127.0.0.1:9"
		got, saw := acting(t, own, act)
		if got[act] != unix.ErrnoName(unix.EOPNOTSUPP) || !slices.Equal(saw, []Attempt{{Network, "127.0.0.1:9"}}) {
			t.Errorf("%s: %s, seen %v", act, got[act], saw)
		}
	}
	free(t, own, "talk")
}

func TestOthersAreNotSignalled(t *testing.T) {
	own, _ := folders(t)
	other := exec.Command("/bin/sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(other.Process.Pid)
	got, saw := acting(t, own, "term "+pid, "term -"+pid, "term-by-descriptor "+pid, "ask "+pid, "term-self")
	for act, want := range map[string]string{
		"term " + pid: "EPERM", "term-by-descriptor " + pid: "EPERM", "ask " + pid: "ok", "term-self": "ok",
	} {
		if got[act] != want {
			t.Errorf("%s: %s, want %s", act, got[act], want)
		}
	}
	if len(saw) == 0 || saw[0] != (Attempt{Signal, "SIGTERM to sleep (" + pid + ")"}) {
		t.Errorf("seen %v", saw)
	}
	if err := unix.Kill(other.Process.Pid, 0); err != nil {
		t.Errorf("it was signalled: %v", err)
	}
	_ = other.Process.Kill()
	if err := other.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("it ended by %v", err)
	}
}

func TestOthersAreNotChanged(t *testing.T) {
	own, _ := folders(t)
	other := exec.Command("/bin/sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	pid := strconv.Itoa(other.Process.Pid)
	for act, want := range map[string]Attempt{
		"queue-term": {Signal, "SIGTERM to"}, "seize": {System, "ptrace on"}, "renice": {System, "setpriority on"},
		"pin": {System, "sched_setaffinity on"}, "limit": {System, "prlimit64 on"},
	} {
		want.What += " sleep (" + pid + ")"
		got, saw := acting(t, own, act+" "+pid)
		if a := got[act+" "+pid]; a != "EPERM" || !slices.Equal(saw, []Attempt{want}) {
			t.Errorf("%s: %s, seen %v", act, a, saw)
		}
	}
	for _, act := range []string{"limits " + pid, "limit 0", "renice 0", "pin 0"} {
		free(t, own, act)
	}
}

func TestManyThreadsAtOnce(t *testing.T) {
	own, outside := folders(t)
	got, saw := acting(t, own, "threads "+outside)
	if got["threads "+outside] != "ok" || len(saw) != 32 {
		t.Errorf("%v, %d were seen", got, len(saw))
	}
}
