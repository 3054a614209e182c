package byhand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// childVariable has this binary, started as a child, run the plugin by hand: it
// holds the path of the plugin, the base and the args, as JSON.
const childVariable = "BYHAND_TEST_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		os.Exit(runAsChild(text))
	}
	goleak.VerifyTestMain(m)
}

// patience bounds the wait for what processes do.
const patience = 30 * time.Second

// hosting is that of the tests.
func hosting() Hosting {
	return Hosting{
		Grace: 2 * time.Second, Cgroup: "off",
		Grants: []host.Grant{{Ref: "files:*", Vars: []string{"BYHAND_WORD"}}},
	}
}

var undoing = Undoing{Timeout: patience, Attempts: 1}

// builtPlugin is the plugin of the tests, built once.
var builtPlugin = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "byhand-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "plugin")
	build := exec.Command("go", "build", "-o", path, "./internal/plugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// world is a folder with the plugin in it, and a place for runs and files.
type world struct {
	t                  *testing.T
	plugin, base, area string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	binary, err := builtPlugin()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, plugin: filepath.Join(t.TempDir(), "plugin"), base: t.TempDir(), area: t.TempDir()}
	if err := os.WriteFile(w.plugin, binary, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// file is a path in the area of the attack.
func (w *world) file(name string) string { return filepath.Join(w.area, name) }

func (w *world) has(name string) bool {
	_, err := os.Lstat(w.file(name))
	return err == nil
}

// folders are those of the runs.
func (w *world) folders() []string {
	w.t.Helper()
	list, err := filepath.Glob(filepath.Join(w.base, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// request is what a test wants to be run.
type request struct {
	ref        engine.Ref
	args       map[string]any
	dry, back  bool
	grace      time.Duration
	timeout    time.Duration
	interrupts chan error
	to         *watcher
	undoing    Undoing
}

// run opens the plugin, makes the call and closes it.
func (w *world) run(r request) (*Ending, error) {
	w.t.Helper()
	ending, err := runOnce(w.t.Context(), w.plugin, w.base, r)
	return ending, err
}

func runOnce(ctx context.Context, plugin, base string, r request) (_ *Ending, err error) {
	if r.ref == "" {
		r.ref = "files:Make"
	}
	if r.to == nil {
		r.to = &watcher{}
	}
	if r.timeout == 0 {
		r.timeout = patience
	}
	if r.undoing == (Undoing{}) {
		r.undoing = undoing
	}
	kept := hosting()
	if r.grace > 0 {
		kept.Grace = r.grace
	}
	p, err := Open(ctx, plugin, base, r.ref, kept, r.interrupts, hclog.NewNullLogger())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	offer, err := p.Find(r.ref)
	if err != nil {
		return nil, err
	}
	args, err := json.Marshal(r.args)
	if err != nil {
		return nil, err
	}
	config, err := ConfigOf(offer, args, nil)
	if err != nil {
		return nil, err
	}
	r.to.folder = p.folder.path
	return p.Run(ctx, Call{
		Offer: offer, Config: config, Name: "test", Seed: 7, Zone: "UTC", Timeout: r.timeout,
		DryRun: r.dry, TakeBack: r.back, Undoing: r.undoing,
	}, r.interrupts, r.to)
}

func (w *world) undo(folder string, to *watcher, u Undoing, interrupts <-chan error) (*Settled, error) {
	w.t.Helper()
	return Undo(w.t.Context(), folder, u, interrupts, to, hclog.NewNullLogger())
}

// only returns the one folder that is left.
func (w *world) only() string {
	w.t.Helper()
	list := w.folders()
	if len(list) != 1 {
		w.t.Fatalf("%d folders are left: %v", len(list), list)
	}
	return list[0]
}

// watcher is a Reporter that keeps what it is told.
type watcher struct {
	folder  string                // of the run
	onStart func()                // if not nil
	onLog   func(engine.LogEntry) // likewise
	onUndo  func()                // likewise

	mu   sync.Mutex
	told []string
}

func (w *watcher) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.told, "\n")
}

func (w *watcher) Warning(text string) { w.tell("warning %s", text) }

func (w *watcher) Starting(int) {
	w.tell("starting")
	if w.onStart != nil {
		w.onStart()
	}
}

func (w *watcher) Log(e engine.LogEntry) {
	w.tell("%s %s %s %s", e.Level, e.Source, e.Message, e.Fields)
	if w.onLog != nil {
		w.onLog(e)
	}
}

func (w *watcher) Progress(p engine.Progress) { w.tell("progress %v %s", p.Percent, p.Message) }

func (w *watcher) Targets(list []engine.Target) { w.tell("targets %+v", list) }

func (w *watcher) Stopping(why string) { w.tell("stopping %s", why) }

func (w *watcher) Undoing(r Record) {
	w.tell("undoing %d attempt %d", r.Sequence, r.Attempts)
	if w.onUndo != nil {
		w.onUndo()
	}
}

func (w *watcher) Undone(r Record, pause time.Duration) {
	w.tell("undone %d: %s %s pause %s", r.Sequence, r.Outcome, r.Message, pause)
}

// child is what a child process is to run.
type child struct {
	Plugin, Base string
	Args         map[string]any
}

// runAsChild runs the plugin and says on standard output when it has done its harm.
func runAsChild(text string) int {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return 2
	}
	to := &watcher{onLog: func(e engine.LogEntry) { fmt.Println(e.Message) }}
	if _, err := runOnce(context.Background(), c.Plugin, c.Base, request{args: c.Args, to: to}); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// begin starts a child and returns when it has said the word.
func (c child) begin(t *testing.T, word string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan error, 1)
	go func() {
		var all bytes.Buffer
		chunk := make([]byte, 1024)
		for !strings.Contains(all.String(), word) {
			n, err := out.Read(chunk)
			all.Write(chunk[:n])
			if err != nil {
				said <- fmt.Errorf("it said %q: %w", all.String(), err)
				return
			}
		}
		said <- nil
	}()
	select {
	case err = <-said:
	case <-time.After(patience):
		err = errors.New("it says nothing")
	}
	if err != nil {
		t.Fatal(errors.Join(err, cmd.Process.Kill(), cmd.Wait()))
	}
	return cmd
}
