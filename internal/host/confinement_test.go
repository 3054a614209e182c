//go:build linux

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
)

// needsLandlock skips a test that the kernel can't run.
func needsLandlock(t testing.TB) {
	t.Helper()
	if _, err := landlock.Version(); err != nil {
		t.Skip("needs Landlock: ", err)
	}
}

func TestAConfinedRunIsKeptToItsPlaces(t *testing.T) {
	needsLandlock(t)
	outside, given := t.TempDir(), t.TempDir()
	database := filepath.Join(outside, "cmed.db")
	write(t, database, "records", 0o600)
	write(t, filepath.Join(given, "there"), "here", 0o600)
	cfg := newConfig(t)
	cfg.Confine = []Confinement{
		{Ref: "odd:*", Paths: []string{given}},
		{Ref: "odd:Odd", Paths: []string{filepath.Join(outside, "missing")}},
		{Ref: "other:*", Paths: []string{outside}},
	}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	write(t, filepath.Join(b.cfg.AttacksDir, ".targets"), "beside", 0o600)
	write(t, filepath.Join(b.cfg.StateDir, "token"), "secret", 0o600)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}

	may := []string{
		"write here", "read here", "write " + given + "/new", "read " + given + "/there", "exec /bin/sh -c true",
		"read /etc/passwd", "read /proc/self/status", "list /usr", "sink /dev/null",
		"read " + b.cfg.AttacksDir + "/.targets",
	}
	mayNot := []string{
		"write " + outside + "/new", "read " + database, "list " + outside, "list " + b.cfg.StateDir,
		"read " + b.cfg.StateDir + "/token", "list " + b.runRoot, "list " + home, "list /", "list /dev",
		"write /etc/cmed-was-here", "write " + b.cfg.AttacksDir + "/dropped", "link " + database,
		"disk disk", "write " + b.copies.path("new"),
		"read /proc/1/environ", "read /proc/1/root" + database,
		"exec /bin/cat " + database,
	}
	got, isolation, exit := b.attempting(slices.Concat(may, mayNot)...)
	if !exit.Finished {
		t.Fatalf("%+v", exit)
	}
	for _, what := range may {
		allowed(t, got, what)
	}
	for _, what := range mayNot {
		if strings.HasPrefix(what, "exec ") {
			if !strings.HasPrefix(got[what], "error: exit status") {
				t.Errorf("%s: %q", what, got[what])
			}
			continue
		}
		if what == "link "+database && strings.Contains(got[what], "cross-device link") {
			continue // how Landlock says it before a right to link is looked at
		}
		denied(t, got, what)
	}
	if !slices.ContainsFunc(isolation, func(s string) bool { return strings.HasPrefix(s, "landlock:abi") }) {
		t.Errorf("isolation %v", isolation)
	}
}

func TestOnlyWhatIsToBeConfinedIs(t *testing.T) {
	needsLandlock(t)
	cfg := newConfig(t)
	cfg.Confine = []Confinement{{Ref: "other:*"}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	outside := filepath.Join(t.TempDir(), "free")
	// A confined process before must leave nothing on a thread that is used again.
	for range 3 {
		got, isolation, _ := b.attempting("write " + outside)
		allowed(t, got, "write "+outside)
		if strings.Contains(strings.Join(isolation, " "), "landlock") {
			t.Errorf("isolation %v", isolation)
		}
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "host"), nil, 0o600); err != nil {
		t.Errorf("the host itself is confined: %v", err)
	}
}

func TestAConfinedRunAsAnotherUser(t *testing.T) {
	needsLandlock(t)
	b := openAsNobody(t, func(c *Config) { c.Confine = []Confinement{{Ref: "odd:Odd"}} })
	got, isolation, exit := b.attempting("write here", "write /tmp/cmed-was-here", "exec /bin/sh -c true")
	if !exit.Finished {
		t.Fatalf("%+v", exit)
	}
	allowed(t, got, "write here")
	allowed(t, got, "exec /bin/sh -c true")
	denied(t, got, "write /tmp/cmed-was-here")
	if n := len(isolation); n < 2 || isolation[n-1] != "user:nobody" || !strings.HasPrefix(isolation[n-2], "landlock:abi") {
		t.Errorf("isolation %v", isolation)
	}
}

func TestAConfinedRunIsStoppedAndLeavesNothing(t *testing.T) {
	needsLandlock(t)
	cfg := newConfig(t)
	cfg.Confine = []Confinement{{Ref: "*:*"}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	for _, mode := range []string{"ok", "session", "die"} {
		b.perform(t.Context(), mode)
		b.checkNothingLeft(t)
	}
	p := b.launch("odd:Odd")
	for range 50 { // a thread that ended would have taken its child with it
		runtime.GC()
	}
	if exit := p.Run(t.Context(), startIn("ok"), &record{}); !exit.Finished {
		t.Errorf("%+v", exit)
	}
}

func TestHiddenPathsInSystemFoldersAreLeftOut(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/b/state", "a/c", "d"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "a/b/state"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	at := func(names ...string) []string {
		var out []string
		for _, n := range names {
			out = append(out, filepath.Join(root, n))
		}
		return out
	}
	for _, test := range []struct{ root, hidden, want []string }{
		{at(""), at("a/b/state"), at("a/c", "d")},
		{at("d"), at("a/b/state"), at("d")},
		{at("a/b/state"), at("a/b/state"), nil},
		{at("link"), at("a/b/state"), nil},
		{at("a/b/state/deeper"), at("a/b/state"), nil},
		{at("a"), at("a/b/state", "a/c"), nil},
	} {
		if got := around(test.root[0], test.hidden); !slices.Equal(got, test.want) {
			t.Errorf("around %s: %v, want %v", test.root, got, test.want)
		}
	}
}

func TestTheStateCanNotBeGivenAway(t *testing.T) {
	for _, path := range []string{"", "..", "plugins"} {
		cfg := newConfig(t)
		cfg.Confine = []Confinement{{Ref: "a:*", Paths: []string{filepath.Join(cfg.StateDir, path)}}}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "the daemon's own") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestParseConfinement(t *testing.T) {
	for _, test := range []struct {
		in    string
		paths []string
		err   string
	}{
		{"a:*=/x,/y/../z", []string{"/x", "/z"}, ""},
		{"a:*", nil, ""},
		{"a:*=", nil, ""},
		{"=/x", nil, "a pattern for refs is missing"},
		{"[=/x", nil, `"[" is not a pattern for refs: syntax error in pattern`},
		{"a:*=x", nil, `"x" is not an absolute path`},
		{"a:*=/x,", nil, `"" is not an absolute path`},
	} {
		c, err := ParseConfinement(test.in)
		if (err == nil) != (test.err == "") || (err != nil && err.Error() != test.err) || !slices.Equal(c.Paths, test.paths) {
			t.Errorf("%s: %v, %v", test.in, c, err)
		}
	}
}

// forbidLandlock makes the kernel look, to this process, as if it had none.
func forbidLandlock() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

func TestWithoutLandlockAConfinedPluginIsRefused(t *testing.T) {
	if os.Getenv("HOST_TEST_NO_LANDLOCK") == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), "HOST_TEST_NO_LANDLOCK=1", "HOST_TEST_STORE="+testStore)
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := forbidLandlock(); err != nil {
		t.Fatal(err)
	}
	cfg := newConfig(t)
	cfg.Confine = []Confinement{{Ref: "odd:*"}}
	install(t, cfg.AttacksDir, "odd", "")
	install(t, cfg.AttacksDir, "free", "")
	b := open(t, cfg)
	_, err := b.Launch(t.Context(), b.offer(engine.KindAttack, "odd:Odd"), engine.NewExecutorID())
	if err == nil || !strings.HasPrefix(err.Error(), "start plugin odd: must be confined and can't be: this kernel has no Landlock") {
		t.Errorf("a confined plugin: %v", err)
	}
	b.checkNothingLeft(t)
	p := b.launch("free:Odd")
	if exit := p.Run(t.Context(), startIn("ok"), &record{}); !exit.Finished {
		t.Errorf("one that is not to be confined: %+v", exit)
	}
	if n := b.executions("odd", "run"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}
