//go:build amd64 || arm64

package sandbox

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asUser runs the calling test in a process of a user who is not root, and says
// whether it did: then there is nothing more to do.
func asUser(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = []string{"GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &unix.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case err != nil:
		t.Errorf("%v\n%s", err, text)
	case strings.Contains(text, "--- SKIP"):
		t.Skip(text)
	case !strings.Contains(text, "--- PASS"):
		t.Errorf("it did not run: %s", text)
	}
	return true
}

// TestWhoClosesItsMemoryIsJudgedLikeOthers has a process ask the kernel to let
// nobody of its user look into it.
func TestWhoClosesItsMemoryIsJudgedLikeOthers(t *testing.T) {
	if asUser(t) {
		return
	}
	own, outside := folders(t)
	want := map[string]string{
		"undumpable": "ok", "create " + own + "/new": "ok", "create relative": "ok", "chmod mine": "ok", "listen " + own + "/socket": "ok",
		"create " + outside + "/new": "EACCES", "dial 127.0.0.1:9": "ENETUNREACH", "listen 127.0.0.1:0": "EACCES",
	}
	acts := []string{
		"undumpable", "create " + own + "/new", "create relative", "chmod mine", "listen " + own + "/socket",
		"create " + outside + "/new", "dial 127.0.0.1:9", "listen 127.0.0.1:0",
	}
	got, saw := acting(t, own, acts...)
	for act, answer := range want {
		if got[act] != answer {
			t.Errorf("%s: %s, want %s", act, got[act], answer)
		}
	}
	if len(saw) < 3 || !slices.Equal(saw[:2], []Attempt{{Write, outside + "/new"}, {Network, "127.0.0.1:9"}}) {
		t.Errorf("seen %v", saw)
	}
}

// TestWhatCanNotBeReadIsLeftToTheKernelOrRefused has a program whose file its user
// can't read: the kernel lets nobody look into the process.
func TestWhatCanNotBeReadIsLeftToTheKernelOrRefused(t *testing.T) {
	if asUser(t) {
		return
	}
	program := t.TempDir() + "/program"
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(program, text, 0o111)
	}
	if err != nil {
		t.Fatal(err)
	}
	own, outside := folders(t)
	acts := []string{
		"create new", "chmod mine", "create " + outside + "/new", "listen " + own + "/socket", "dial 127.0.0.1:9", "listen 127.0.0.1:0",
	}
	path, address := Attempt{Write, "a path " + unreadable}, "an address "+unreadable
	for _, test := range []struct {
		byKernel bool
		want     []string
		seen     []Attempt
	}{
		{
			false,
			[]string{"EACCES", "EACCES", "EACCES", "EACCES", "ENETUNREACH", "EACCES"},
			[]Attempt{path, {Write, address}, {Network, address}},
		},
		{ // there is no kernel that keeps it in here
			true,
			[]string{"ok", "EACCES", "ok", "EACCES", "ENETUNREACH", "EACCES"},
			[]Attempt{path, {Network, "listening on " + address}, {Network, address}},
		},
	} {
		got, saw := actingAs(t, &box{byKernel: test.byKernel}, program, own, acts...)
		for i, act := range acts {
			if got[act] != test.want[i] {
				t.Errorf("%t: %s: %s, want %s", test.byKernel, act, got[act], test.want[i])
			}
		}
		if !slices.Equal(saw, test.seen) {
			t.Errorf("%t: seen %v", test.byKernel, saw)
		}
	}
}
