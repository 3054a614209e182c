//go:build linux

package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// attempting runs the test plugin with things to try, and returns what came of
// each and what confines the process.
func (b *bench) attempting(what ...string) (answers map[string]string, isolation []string, exit engine.Exit) {
	b.t.Helper()
	p := b.launch("odd:Odd")
	doc, _ := json.Marshal(map[string]any{"ref": "odd:Odd", "args": map[string]any{"mode": "attempt", "attempts": what}})
	start := startIn("attempt")
	start.Config.Doc = doc
	sink := &record{}
	exit = p.Run(b.t.Context(), start, sink)
	var list []string
	if sink.result != nil {
		if err := json.Unmarshal(sink.result, &list); err != nil {
			b.t.Fatal(err)
		}
	}
	answers = map[string]string{}
	for i, a := range list {
		answers[what[i]] = a
	}
	return answers, p.Isolation(), exit
}

// allowed and denied check answers.
func allowed(t *testing.T, answers map[string]string, what string) {
	t.Helper()
	if a, ok := answers[what]; !ok || strings.HasPrefix(a, "error: ") {
		t.Errorf("%s: %q; it should be allowed", what, a)
	}
}

func denied(t *testing.T, answers map[string]string, what string) {
	t.Helper()
	if a := answers[what]; !strings.HasPrefix(a, "error: ") ||
		!strings.Contains(a, "permission denied") && !strings.Contains(a, "operation not permitted") {
		t.Errorf("%s: %q; it should be denied", what, a)
	}
}

// common confines every process.
var common = []string{
	"process_group", "parent_death_signal", "no_new_privs", "no_core_dumps", "private_folder", "umask_077",
}

func TestEveryRunIsIsolated(t *testing.T) {
	cfg := newConfig(t)
	cfg.Cgroup = "off"
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	file := filepath.Join(t.TempDir(), "made")
	got, isolation, _ := b.attempting("leader", "core", "read /proc/self/status", "write "+file, "mode "+file, "mode .")
	if !slices.Equal(isolation, common) {
		t.Errorf("isolation %v", isolation)
	}
	for what, want := range map[string]string{"leader": "true", "core": "0 0", "mode " + file: "0600", "mode .": "0700"} {
		if got[what] != want {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
	if !strings.Contains(got["read /proc/self/status"], "NoNewPrivs:\t1\n") {
		t.Error("it can gain privileges")
	}
}

func TestDescribingIsIsolatedToo(t *testing.T) {
	cfg := newConfig(t)
	script := "#!/bin/sh\nexec >>'" + cfg.StateDir + "/seen' 2>&1\ngrep -E 'NoNewPrivs|Umask' /proc/self/status\nulimit -c\n"
	write(t, filepath.Join(cfg.AttacksDir, "script"), script, 0o700)
	b := open(t, cfg)
	seen, err := os.ReadFile(filepath.Join(b.cfg.StateDir, "seen"))
	if err != nil || !strings.HasPrefix(string(seen), "Umask:\t0077\nNoNewPrivs:\t1\n0\n") {
		t.Errorf("%q, %v", seen, err)
	}
}

// asRoot skips a test that needs root.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run the tests with sudo")
	}
}

// openAsNobody returns a host whose plugins run as nobody.
func openAsNobody(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	asRoot(t)
	cfg := newConfig(t)
	id, err := ParseIdentity("odd:*=nobody")
	if err != nil {
		t.Skip("needs a user nobody: ", err)
	}
	cfg.RunAs = []Identity{id}
	if change != nil {
		change(&cfg)
	}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	return b
}

func TestRunAsAnotherUser(t *testing.T) {
	b := openAsNobody(t, nil)
	uid := b.cfg.RunAs[0].UID
	mine := filepath.Join(b.cfg.StateDir, "secret")
	write(t, mine, "secret", 0o644)
	got, isolation, exit := b.attempting("who", "write made", "read "+mine, "list "+b.runRoot, "list "+b.cfg.StateDir)
	if want := fmt.Sprint(uid, uid, b.cfg.RunAs[0].GID, []int{}); got["who"] != want {
		t.Errorf("it is %q, want %q; %+v", got["who"], want, exit)
	}
	if want := append(slices.Clone(common), "user:nobody"); !slices.Equal(isolation, want) {
		t.Errorf("isolation %v, want %v", isolation, want)
	}
	allowed(t, got, "write made")
	denied(t, got, "read "+mine)
	denied(t, got, "list "+b.runRoot)
	denied(t, got, "list "+b.cfg.StateDir)
}

func TestASetuidProgramGainsNothing(t *testing.T) {
	b := openAsNobody(t, nil)
	dir, err := os.MkdirTemp("", "setuid-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	id, err := exec.LookPath("id")
	if err != nil {
		t.Skip("needs the program id (coreutils)")
	}
	program, err := os.ReadFile(id)
	if err != nil {
		t.Fatal(err)
	}
	setuid := filepath.Join(dir, "id")
	write(t, setuid, string(program), 0o755)
	for path, mode := range map[string]os.FileMode{dir: 0o755, setuid: 0o755 | os.ModeSetuid} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	got, _, _ := b.attempting("exec " + setuid + " -u")
	if want := fmt.Sprint(b.cfg.RunAs[0].UID); got["exec "+setuid+" -u"] != want {
		t.Errorf("a setuid program runs as %q, want %s", got["exec "+setuid+" -u"], want)
	}
}

func TestAllCallsRunAsTheUser(t *testing.T) {
	b := openAsNobody(t, nil)
	uid := strconv.FormatUint(uint64(b.cfg.RunAs[0].UID), 10) + " "
	o := b.offer(engine.KindAttack, "odd:Odd")
	list, err := b.Targets(t.Context(), o, engine.TargetsCall{Config: configIn("who")})
	if err != nil || !strings.HasPrefix(list[0].ID, uid) {
		t.Errorf("targets: %v, %v", list, err)
	}
	a, err := b.Undo(t.Context(), engine.UndoCall{
		Record: engine.UndoRecord{Ref: "odd:Odd", Digest: o.Digest, Record: []byte("1")}, Config: configIn("who"),
	}, func(engine.LogEntry) {})
	if err != nil || !strings.HasPrefix(a.Message, uid) {
		t.Errorf("undo: %+v, %v", a, err)
	}
}

func TestAScriptRunsAsTheUserToo(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	write(t, seen, "", 0o666)
	for at := filepath.Dir(seen); at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := openAsNobody(t, func(cfg *Config) {
		write(t, filepath.Join(cfg.AttacksDir, "script"), "#!/bin/sh\nid -u >'"+seen+"'\n", 0o700)
	})
	got, err := os.ReadFile(seen)
	if want := fmt.Sprintln(b.cfg.RunAs[0].UID); err != nil || string(got) != want {
		t.Errorf("a script describes itself as %q, want %q; %v", got, want, err)
	}
}

func TestParseIdentity(t *testing.T) {
	for _, test := range []struct{ in, err string }{
		{"a:A=12345:23456", ""},
		{"a:A", `"a:A" is not of the form ref=user or ref=user:group`},
		{"a:A=", `"a:A=" is not of the form ref=user or ref=user:group`},
		{"[=nobody", `"[" is not a pattern for refs: syntax error in pattern`},
		{"=nobody", "a pattern for refs is missing"},
		{"a:A=nobody-of-this-name", `"nobody-of-this-name" is no user of this machine`},
		{"a:A=12345", `"12345" is no user of this machine`},
		{"a:A=12345:no-group-of-this-name", `"no-group-of-this-name" is no group of this machine`},
		{"a:A=0:1", `"0:1" is root: a plugin is to run as somebody with fewer rights`},
		{"a:A=1:0", `"1:0" is root: a plugin is to run as somebody with fewer rights`},
		{"a:A=root", `"root" is root: a plugin is to run as somebody with fewer rights`},
	} {
		i, err := ParseIdentity(test.in)
		if (err == nil) != (test.err == "") || (err != nil && err.Error() != test.err) {
			t.Errorf("%s: %+v, %v", test.in, i, err)
		}
	}
	i, err := ParseIdentity("a:A=12345:23456")
	if want := (Identity{Ref: "a:A", User: "12345", UID: 12345, GID: 23456}); err != nil || i != want {
		t.Errorf("%+v, %v", i, err)
	}
}

func TestAWrongIsolationIsNoConfig(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`host: cgroup "mine" is neither auto nor off nor an absolute path`:   func(c *Config) { c.Cgroup = "mine" },
		"host: cgroup /nowhere: look at /nowhere: no such file or directory": func(c *Config) { c.Cgroup = "/nowhere" },
		"host: cgroup /proc: /proc is not a cgroup of version 2":             func(c *Config) { c.Cgroup = "/proc" },
		"host: a bound of memory or processes can't be negative":             func(c *Config) { c.RunPids = -1 },
	} {
		cfg := newConfig(t)
		change(&cfg)
		if _, err := New(cfg); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestReapWhileRunsAreLiveLeavesThemAlone(t *testing.T) {
	b := openOdd(t)
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan engine.Exit, 1)
	begun := make(chan struct{})
	p := b.launch("odd:Odd")
	go func() { ended <- p.Run(ctx, startIn("obey"), &record{onStart: func() { close(begun) }}) }()
	<-begun
	waiting := b.launch("odd:Odd")
	churn := make(chan struct{})
	go func() { // folders come and go meanwhile
		defer close(churn)
		for range 20 {
			if _, err := b.Targets(context.Background(), b.offer(engine.KindAttack, "odd:Odd"), engine.TargetsCall{}); err != nil {
				t.Error(err)
			}
		}
	}()
	for open := true; open; {
		if r, err := b.Reap(t.Context()); err != nil || r.Processes != 0 || len(r.Stuck) != 0 {
			t.Errorf("reaped %+v, %v", r, err)
		}
		select {
		case <-churn:
			open = false
		default:
		}
	}
	if exit := waiting.Run(t.Context(), startIn("ok"), &record{}); !exit.Finished {
		t.Errorf("a launched process was disturbed: %+v", exit)
	}
	stop(&engine.StopReason{State: engine.Halted, Reason: "enough"})
	if exit := <-ended; !exit.Finished || !exit.Stopped {
		t.Errorf("a run was disturbed: %+v", exit)
	}
}

func TestReapClearsTheOtherRoot(t *testing.T) {
	b := openOdd(t)
	left := filepath.Join(b.cfg.temporaryRoot(), "plugin-dir1")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(b.cfg.temporaryRoot()); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Lstat(b.runRoot); err != nil {
		t.Errorf("and what is used is gone: %v", err)
	}
}

// TestAShortenedRootIsKnown: what is left in it is found by a daemon that uses another.
func TestAShortenedRootIsKnown(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", strings.Repeat("x", 20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	c := Config{StoreID: testStore, StateDir: "/" + strings.Repeat("s", maxSocketPath)}
	if root, err := c.openRunRoot(); err != nil || root != c.temporaryRoot() {
		t.Errorf("it is %s (%v), and known is %s", root, err, c.temporaryRoot())
	}
}

func TestExecutorsAreReadFromMarks(t *testing.T) {
	id := engine.NewExecutorID()
	for mark, want := range map[string]engine.ExecutorID{
		"store/" + string(id): id,
		"store/undo-" + engine.UndoID{Executor: id, Sequence: 7}.String() + "-0123456789abcdef": id,
		"store/describe-0123456789abcdef": "",
		"store/undo-":                     "",
		"store":                           "",
	} {
		if got, ok := executorOf(mark); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", mark, got, ok)
		}
	}
}
