package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// handPlugin is a plugin that makes files, built once for all tests.
var handPlugin = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "cmed-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "plugin")
	build := exec.Command("go", "build", "-o", path, "../../internal/byhand/internal/plugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// hand is a place to run a plugin by hand.
type hand struct {
	plugin, state, area string
}

func newHand(t *testing.T) hand {
	t.Helper()
	binary, err := handPlugin()
	if err != nil {
		t.Fatal(err)
	}
	h := hand{plugin: filepath.Join(t.TempDir(), "maker"), state: t.TempDir(), area: t.TempDir()}
	put(t, filepath.Dir(h.plugin), "maker", string(binary), 0o700)
	return h
}

// files are args that make a file, and what is said besides.
func (h hand) files(more string) string {
	return fmt.Sprintf(`{"files": [%q]%s}`, filepath.Join(h.area, "made"), more)
}

func (h hand) made() bool {
	_, err := os.Lstat(filepath.Join(h.area, "made"))
	return err == nil
}

// begin runs files:Make.
func (h hand) begin(t *testing.T, args ...string) *call {
	t.Helper()
	return begin(t, append([]string{"plugin", "run", h.plugin, "files:Make", "--state-dir", h.state}, args...)...)
}

func (h hand) left(t *testing.T) []byhand.Leftover {
	t.Helper()
	left, err := byhand.Leftovers(h.state)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestRunByHand(t *testing.T) {
	h := newHand(t)
	c := h.begin(t, "--args", h.files(""), "--seed", "42", "--timezone", "UTC")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	if got, want := c.stdout.String(), "{\n  \"made\": 1,\n  \"word\": \"\"\n}\n"; got != want {
		t.Errorf("standard output is %q, want %q", got, want)
	}
	for _, want := range []string{
		`^files:Make of maker \(sha256 [0-9a-f]{12}\), seed 42, timeout 15m0s, process \d+\n`,
		`\n\d\d:\d\d:\d\d INFO  made files=1 env=""\n`,
		`\n\d\d:\d\d:\d\d INFO  \[target\] /\S+/made: hit\n`,
		`\nTARGET +NAME  STATE\n/\S+/made +hit\n`,
		`\nsucceeded after \S+\n1 harm is in place:\n  1  remove /\S+/made\nto take it back: cmed plugin undo /\S+\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(c.stderr.String()) {
			t.Errorf("it does not say %s:\n%s", want, c.stderr.String())
		}
	}
	list := begin(t, "plugin", "undo", "--state-dir", h.state)
	if code := list.end(t); code != 0 || !regexp.MustCompile(`\n/\S+ +files:Make +\S.* +1 record\n$`).MatchString(list.stdout.String()) {
		t.Errorf("the list, exit code %d: %s%s", code, list.stdout.String(), list.stderr.String())
	}
	undo := begin(t, "plugin", "undo", filepath.Base(h.left(t)[0].Folder), "--state-dir", h.state)
	if code := undo.end(t); code != 0 || h.made() || len(h.left(t)) != 0 {
		t.Errorf("exit code %d, made %v: %s%s", code, h.made(), undo.stdout.String(), undo.stderr.String())
	}
	if got, want := undo.stdout.String(), "nothing is left to undo of files:Make; its folder is removed\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	list = begin(t, "plugin", "undo", "--state-dir", h.state)
	if code := list.end(t); code != 0 || list.stdout.String() != "nothing is left to undo in "+h.state+"\n" {
		t.Errorf("the list, exit code %d: %s", code, list.stdout.String())
	}
}

func TestExitCodesOfARunByHand(t *testing.T) {
	for _, test := range []struct {
		name, more string
		flags      []string
		code       int
		made       bool
		says       string
	}{
		{"undone at once", ``, []string{"--undo"}, 0, false, "nothing is left to undo\n"},
		{"a dry run", ``, []string{"--dry-run"}, 0, false, "dry run of files:Make of maker"},
		{"a failure is undone", `, "then": "fail"`, nil, exitFailure, false, ": failed as told \n"},
		{"a timeout is undone", `, "then": "wait"`, []string{"--timeout", "300ms"}, exitFailure, false, "timed out after "},
		{
			"a failure that can't be undone", `, "then": "fail", "gate": "/nonexistent/gate"`,
			[]string{"--undo-attempts", "1"},
			exitNotUndone, true, "could not be undone: the gate is closed",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHand(t)
			c := h.begin(t, append(test.flags, "--args", h.files(test.more))...)
			if code := c.end(t); code != test.code || h.made() != test.made {
				t.Errorf("exit code %d, made %v: %s", code, h.made(), c.stderr.String())
			}
			if !strings.Contains(c.stderr.String(), test.says) {
				t.Errorf("it does not say %q:\n%s", test.says, c.stderr.String())
			}
			if left := h.left(t); (len(left) == 1) != test.made {
				t.Errorf("left over: %+v", left)
			}
		})
	}
}

func TestRunByHandAsJSON(t *testing.T) {
	h := newHand(t)
	c := h.begin(t, "--args", h.files(""), "-o", "json")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	var doc struct {
		Outcome     engine.State
		Seed        *int64
		Result      struct{ Made int }
		Targets     []engine.Target
		Records     []byhand.Record
		Left        int
		Folder      string
		UndoCommand string `json:"undo_command"`
		Warnings    []string
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &doc); err != nil {
		t.Fatalf("%v: %s", err, c.stdout.String())
	}
	if doc.Outcome != engine.Succeeded || doc.Seed == nil || doc.Result.Made != 1 || len(doc.Targets) != 1 || len(doc.Records) != 1 ||
		doc.Left != 1 || doc.UndoCommand != "cmed plugin undo "+doc.Folder || doc.Warnings == nil {
		t.Errorf("the document is %s", c.stdout.String())
	}
	undo := begin(t, "plugin", "undo", doc.Folder, "--state-dir", h.state, "-o", "json")
	var settled byhand.Settled
	if code := undo.end(t); code != 0 || json.Unmarshal([]byte(undo.stdout.String()), &settled) != nil || settled.Left != 0 || h.made() {
		t.Errorf("exit code %d: %s", code, undo.stdout.String())
	}
}

func TestCtrlCStopsAndUndoesARunByHand(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		h := newHand(t)
		c := h.begin(t, "--args", h.files(`, "then": "wait"`))
		await(t, &c.stderr, "INFO  made")
		c.signals <- sig
		if code := c.end(t); code != exitFailure || h.made() || len(h.left(t)) != 0 {
			t.Errorf("%v: exit code %d, made %v: %s", sig, code, h.made(), c.stderr.String())
		}
		if !strings.Contains(c.stderr.String(), "halted after ") || !strings.Contains(c.stderr.String(), ": received "+sig.String()+"\n") {
			t.Errorf("it says %s", c.stderr.String())
		}
	}
}

// cmed itself is killed after a record: what it did is taken back from the folder.
func TestSIGKILLOfARunByHand(t *testing.T) {
	h := newHand(t)
	cmed := filepath.Join(t.TempDir(), "cmed")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", cmed, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	said := &buffer{}
	run := exec.CommandContext(t.Context(), cmed, "plugin", "run", h.plugin, "files:Make",
		"--args", h.files(`, "then": "wait"`), "--state-dir", h.state)
	run.Stderr = said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, said, "INFO  made")
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err == nil || !h.made() {
		t.Fatalf("%v, made %v", err, h.made())
	}
	out, err := exec.CommandContext(t.Context(), cmed, "plugin", "undo", h.left(t)[0].Folder, "--state-dir", h.state).CombinedOutput()
	if err != nil || h.made() || len(h.left(t)) != 0 {
		t.Errorf("%v, made %v: %s", err, h.made(), out)
	}
}

func TestAPlannerByHand(t *testing.T) {
	h := newHand(t)
	c := begin(t, "plugin", "run", h.plugin, "twice:Twice", "--state-dir", h.state, "--timezone", "UTC",
		"--attack", "{ref: 'a:B'}", "--name", "mine")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	want := `^DUE +IN WORDS +NAME  ARGS\n\S+Z +in (59|60) min +mine  -\n\S+Z +in (119 min|2 h) +\{"of":"a:B"\}\n$`
	if !regexp.MustCompile(want).MatchString(c.stdout.String()) {
		t.Errorf("it shows\n%s", c.stdout.String())
	}
	if !strings.Contains(c.stderr.String(), "2 executions planned, nothing is run\n") || len(h.left(t)) != 0 {
		t.Errorf("it says %s; left %v", c.stderr.String(), h.left(t))
	}
}

func TestWrongCallsByHand(t *testing.T) {
	h := newHand(t)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no file", []string{"run"}, "name the plugin file, and the ref that is to be run\n"},
		{"a file that is not there", []string{"run", "/nonexistent/a", "a:A"}, "there is no file /nonexistent/a; was the plugin built?\n"},
		{"no ref", []string{"run", h.plugin}, "which ref is to be called?\n" + h.plugin + " offers:\n  blunt:Blunt  attack\n  files:Make   attack: Makes files\n  twice:Twice  planner\n"},
		{"an unknown ref", []string{"run", h.plugin, "files:Mak"}, "unknown attack \"files:Mak\"; did you mean files:Make?\n"},
		{"too many", []string{"run", h.plugin, "files:Make", "x"}, "\"x\": cmed plugin run takes two arguments, a plugin file and a ref\n"},
		{"args of another type", []string{"run", h.plugin, "files:Make", "--args", `{"files": 1}`}, "the config does not fit files:Make:\n  /args/files: "},
		{"args that are none", []string{"run", h.plugin, "files:Make", "--args", `{"files`}, "--args is neither JSON nor YAML: "},
		{"a file of args that is not there", []string{"run", h.plugin, "files:Make", "--args", "@/nonexistent/a"}, "--args: open /nonexistent/a: "},
		{"two configs", []string{"run", h.plugin, "files:Make", "--args", "{}", "--whole-config", "{}"}, "--args and --whole-config exclude each other"},
		{"a seed that is none", []string{"run", h.plugin, "files:Make", "--seed", "x"}, "--seed: \"x\" is not a whole number\n"},
		{"no time", []string{"run", h.plugin, "files:Make", "--timeout", "0s"}, "--timeout: 0s is not more than 0\n"},
		{"no unit of time", []string{"run", h.plugin, "files:Make", "--timeout", "1"}, "invalid argument \"1\" for \"--timeout\" flag: time: missing unit in duration \"1\"; say the unit, as in \"90s\", \"15m\" or \"2h\"\n"},
		{"a file of args without its @", []string{"run", h.plugin, "files:Make", "--args", h.plugin}, "--args: " + h.plugin + " is the name of a file; to have it read: --args @" + h.plugin + "\n"},
		{"an undo of what has none", []string{"run", h.plugin, "blunt:Blunt", "--undo"}, "blunt:Blunt has no undo: what it does could not be taken back. It was not run\n"},
		{"a file, not the folder of a run", []string{"undo", h.plugin}, h.plugin + " is a file: name the folder of a run\n"},
		{"nothing to abandon", []string{"undo", "--abandon"}, "--abandon needs the folder of a run; "},
		{"a dry run that is not declared", []string{"run", h.plugin, "blunt:Blunt", "--dry-run"}, "blunt:Blunt does not declare a dry run: "},
		{"a planner's dry run", []string{"run", h.plugin, "twice:Twice", "--dry-run"}, "twice:Twice is a planner: "},
		{"no folder of a run", []string{"undo", h.area}, h.area + " is not the folder of a run: "},
		{"two folders", []string{"undo", "a", "b"}, "\"b\": cmed plugin undo takes one argument, the folder of a run\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := begin(t, append(append([]string{"plugin"}, test.args...), "--state-dir", h.state)...)
			if code := c.end(t); code != exitUsage || !strings.HasPrefix(c.stderr.String(), "cmed: "+test.want) {
				t.Errorf("exit code %d\ngot  %swant cmed: %s", code, c.stderr.String(), test.want)
			}
			if len(h.left(t)) != 0 {
				t.Errorf("left over: %+v", h.left(t))
			}
		})
	}
	c := begin(t, "plugin", "undo")
	if code := c.end(t); code != exitUsage || !strings.Contains(c.stderr.String(), "HOME is not set; name one with --state-dir") {
		t.Errorf("without a home, exit code %d: %s", code, c.stderr.String())
	}
}

func TestAFolderInUseIsNotUndone(t *testing.T) {
	h := newHand(t)
	c := h.begin(t, "--args", h.files(`, "then": "wait"`))
	await(t, &c.stderr, "INFO  made")
	undo := begin(t, "plugin", "undo", h.left(t)[0].Folder, "--state-dir", h.state)
	if code := undo.end(t); code != exitInUse || !strings.Contains(undo.stderr.String(), "belongs to another cmed that still runs") {
		t.Errorf("exit code %d: %s", code, undo.stderr.String())
	}
	c.signals <- os.Interrupt
	c.end(t)
}

func TestWhatCannotBeUndoneSaysSoFirst(t *testing.T) {
	h := newHand(t)
	c := begin(t, "plugin", "run", h.plugin, "blunt:Blunt", "--args", "{}", "--state-dir", h.state)
	if code := c.end(t); code != 0 || !strings.Contains(c.stderr.String(), "timeout 15m0s; it has no undo, and no effect, it says, process ") {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	for effect, want := range map[engine.Effect]string{
		engine.EffectIrreversible: "it can't be undone",
		engine.EffectSelfLimiting: "it has no undo; its effect ends by itself, it says",
	} {
		if got := irreversibly(engine.Offer{Descriptor: engine.Descriptor{Effect: effect}}); got != want {
			t.Errorf("%s: %s", effect, got)
		}
	}
}

func TestAConfigWithoutArgs(t *testing.T) {
	compiled, err := schema.Compile([]byte(`{"type": "object", "properties": {"ref": {}, "host": {}}, "additionalProperties": false}`))
	if err != nil {
		t.Fatal(err)
	}
	o := engine.Offer{Descriptor: engine.Descriptor{Kind: engine.KindAttack, Ref: "old:Attack"}, Compiled: compiled}
	_, err = byhand.ConfigOf(o, []byte(`{"host": "a"}`), nil)
	want := "\nits configs have no args; say the whole one: --whole-config '{\"ref\": \"old:Attack\", …}'"
	if err == nil || !strings.HasSuffix(misfit(o, err, false).Error(), want) || strings.Contains(misfit(o, err, true).Error(), "whole") {
		t.Errorf("it says %v", err)
	}
}

// What can't be undone can be given up: the harm stays, and the folder goes.
func TestARunByHandIsGivenUp(t *testing.T) {
	h := newHand(t)
	c := h.begin(t, "--args", h.files(`, "gate": "/nonexistent/gate"`))
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	folder := h.left(t)[0].Folder
	if err := os.Remove(h.plugin); err != nil {
		t.Fatal(err)
	}
	undo := begin(t, "plugin", "undo", folder, "--abandon", "--state-dir", h.state)
	want := "given up, its effect is left in place: 1  remove " + filepath.Join(h.area, "made") + "\nthe folder of the run is removed: " + folder + "\n"
	if code := undo.end(t); code != 0 || undo.stdout.String() != want || !h.made() || len(h.left(t)) != 0 {
		t.Errorf("exit code %d, made %v: %s%s", code, h.made(), undo.stdout.String(), undo.stderr.String())
	}
}

func TestReadArgs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "args.yaml")
	put(t, filepath.Dir(file), "args.yaml", "a: 1\n", 0o600)
	for text, want := range map[string]string{
		"": "", `{"a": 12345678901234567890}`: `{"a": 12345678901234567890}`, "a: [1]": `{"a":[1]}`,
		"@" + file: `{"a":1}`, "-": `{"b": 2}`,
	} {
		got, err := readArgs("args", text, strings.NewReader("{\"b\": 2}\n"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if _, err := readArgs("args", "-", io.LimitReader(endless{}, maxPlan+10)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("without end: %v", err)
	}
}

// endless is a text without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestRefsAreCompleted(t *testing.T) {
	h := newHand(t)
	c := begin(t, "__complete", "plugin", "run", h.plugin, "")
	if code := c.end(t); code != 0 || !strings.HasPrefix(c.stdout.String(), "blunt:Blunt\nfiles:Make\tMakes files\ntwice:Twice\n") {
		t.Errorf("exit code %d: %s%s", code, c.stdout.String(), c.stderr.String())
	}
}

func TestTargetsAreShownAsTheyCome(t *testing.T) {
	var out strings.Builder
	term := newTerminal(&out, time.UTC)
	defer term.close()
	list := []engine.Target{{ID: "i-1", Name: "web\x1b[2J", State: "hit"}}
	for range mostTargets + 1 {
		list = append(list, engine.Target{ID: "i-2", Name: "i-2", State: "selected"})
	}
	term.Targets(list)
	lines := strings.Split(regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `).ReplaceAllString(out.String(), ""), "\n")
	if len(lines) != mostTargets+2 || lines[0] != "INFO  [target] i-1 (web\uFFFD[2J): hit" ||
		lines[1] != "INFO  [target] i-2: selected" || lines[mostTargets] != "INFO  [target] and 2 more" {
		t.Errorf("it says\n%s", out.String())
	}
}

func TestLogLines(t *testing.T) {
	at := time.Date(2026, 1, 2, 12, 0, 1, 0, time.UTC)
	for _, test := range []struct {
		entry engine.LogEntry
		want  string
	}{
		{engine.LogEntry{Level: "info", Source: "attack", Message: "hit", Fields: []byte(`{"b": "x", "a": "two words", "n": {"m": 1}}`)}, `12:00:01 INFO  hit b=x a="two words" n={"m": 1}`},
		{engine.LogEntry{Level: "error", Source: "stderr", Message: "one\n12:00:02 INFO  two\n"}, "12:00:01 ERROR [stderr] one\n    12:00:02 INFO  two"},
		{engine.LogEntry{Level: "warn", Source: "attack", Message: "\x1b[2Jgone", Fields: []byte(`no`)}, "12:00:01 WARN  \uFFFD[2Jgone"},
	} {
		test.entry.At = at
		if got := logLine(test.entry, time.UTC); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

func TestTheProgressLine(t *testing.T) {
	out := &buffer{}
	term := newTerminal(out, time.UTC)
	term.watched = true // nobody ticks: the lines are drawn by what happens
	term.header = "it"
	term.Starting(1)
	term.Progress(engine.Progress{Percent: 40, Message: "pulling"})
	term.Log(engine.LogEntry{At: time.Unix(0, 0), Level: "info", Source: "attack", Message: "hello"})
	term.Progress(engine.Progress{Percent: -1, Message: strings.Repeat("x", 200)})
	term.close()
	const wipe = "\r\x1b[K"
	want := wipe + "it, process 1\n" + wipe + wipe + "running 0s" + wipe + "running 0s, 40% pulling" + wipe + "00:00:00 INFO  hello\n" +
		wipe + "running 0s, 40% pulling" + wipe + "running 0s " + strings.Repeat("x", widest-len("running 0s ")) + wipe
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestInterruptions(t *testing.T) {
	signals := make(chan os.Signal, 2)
	c, release := interruptions(signals)
	signals <- os.Interrupt
	signals <- os.Interrupt // as timeout(1) does
	if why := <-c; why.Error() != "received interrupt" {
		t.Errorf("it was %v", why)
	}
	select {
	case why := <-c:
		t.Errorf("the same one came again: %v", why)
	case <-time.After(50 * time.Millisecond):
	}
	release()
}

func TestErrorsByHand(t *testing.T) {
	var exit *exitError
	if err := explainByHand(fmt.Errorf("x: %w", byhand.ErrInUse)); !errors.As(err, &exit) || exit.code != exitInUse {
		t.Errorf("in use: %v", err)
	}
	if err := explainByHand(context.Canceled); errors.As(err, &exit) && exit.code == exitUsage {
		t.Errorf("cancelled: %v", err)
	}
}
