//go:build linux

package host

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// oddBinary is the test plugin, built once.
var oddBinary []byte

func TestMain(m *testing.M) {
	if dir := os.Getenv("HOST_TEST_VICTIM"); dir != "" {
		beVictim(dir)
	}
	if os.Getenv("HOST_TEST_UNSEEN") != "" {
		beUnseen()
	}
	if host := os.Getenv("HOST_TEST_ASKED"); host != "" {
		beAsked(host)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "host-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	defer func() { // where some tests have the run folders
		roots, _ := filepath.Glob(filepath.Join(os.TempDir(), "cmed-"+testStore+"-*"))
		for _, root := range roots {
			_ = os.RemoveAll(root)
		}
	}()
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "odd"), "./internal/oddplugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the test plugin: %v\n%s", err, out))
	}
	if oddBinary, err = os.ReadFile(filepath.Join(dir, "odd")); err != nil {
		panic(err)
	}
	if err := Harden(); err != nil {
		panic(err)
	}
	return m.Run()
}

// mapCache is a Cache in memory.
type mapCache struct {
	mu     sync.Mutex
	values map[string][]byte
}

func newMapCache() *mapCache { return &mapCache{values: map[string][]byte{}} }

func (c *mapCache) Cached(key string) ([]byte, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.values[key]
	return v, ok, nil
}

func (c *mapCache) PutCached(key string, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[key] = slices.Clone(value)
	return nil
}

func (c *mapCache) DropCached(key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.values, key)
	return nil
}

func (c *mapCache) CachedKeys(prefix string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := slices.Collect(maps.Keys(c.values))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

// bench is a host under test with its folders.
type bench struct {
	t testing.TB
	*Host
	cfg Config
}

// testStore is random: the same tests may be running beside these. A host that
// is started by a test shares it.
var testStore = cmp.Or(os.Getenv("HOST_TEST_STORE"), string(engine.NewPlanID()))

// newConfig returns a config on fresh folders, with short waits.
func newConfig(t testing.TB) Config {
	root := t.TempDir()
	cfg := Config{
		AttacksDir: filepath.Join(root, "attacks"), PlannersDir: filepath.Join(root, "planners"),
		StateDir: filepath.Join(root, "state"), StoreID: testStore, Cache: newMapCache(),
		Grace: 500 * time.Millisecond, TermGrace: 300 * time.Millisecond,
		StartTimeout: 10 * time.Second, DescribeTimeout: 20 * time.Second, PlanTimeout: 2 * time.Second,
		Logger: hclog.NewNullLogger(),
	}
	for _, dir := range []string{cfg.AttacksDir, cfg.PlannersDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// install writes the test plugin into a folder under a name. Each name has a
// content of its own; so has each version.
func install(t testing.TB, dir, name, version string) {
	t.Helper()
	tmp := filepath.Join(dir, "."+name+".new")
	content := append(slices.Clone(oddBinary), name+version...)
	if err := os.WriteFile(tmp, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// open makes a host and starts it. When the test is over it checks that nothing
// is left of it.
func open(t testing.TB, cfg Config) *bench {
	t.Helper()
	before := openFiles(t)
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		h.checkNothingLeft(t)
		eventually(t, func() error {
			if now := openFiles(t); len(now) > len(before) {
				return fmt.Errorf("files left open: before %v, now %v", before, now)
			}
			return nil
		})
		if _, bench := t.(*testing.B); !bench { // a benchmark's runner is a goroutine too many
			goleak.VerifyNone(t)
		}
	})
	if err := h.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &bench{t, h, cfg}
}

// checkNothingLeft fails when a process or a folder of a call is left.
func (h *Host) checkNothingLeft(t testing.TB) {
	t.Helper()
	left, err := h.leftovers()
	if err != nil || len(left) > 0 {
		t.Errorf("processes left: %v, %v", left, err)
	}
	entries, err := os.ReadDir(h.runRoot)
	if err != nil && (h.runRoot == h.cfg.stateRoot() || !os.IsNotExist(err)) || len(entries) > 0 {
		t.Errorf("run folders left: %v, %v", entries, err)
	}
	if kids, err := orphans(); err != nil || len(kids) > 0 {
		t.Errorf("children left: %v, %v", kids, err)
	}
}

func openFiles(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		// The poller's own files come with the first use and stay.
		if err == nil && !strings.HasPrefix(target, "anon_inode:[event") && !strings.HasPrefix(target, "/proc/") {
			files = append(files, target)
		}
	}
	return files
}

// eventually polls until check has no error, for up to ten seconds.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (b *bench) offer(kind engine.Kind, ref engine.Ref) engine.Offer {
	b.t.Helper()
	o, err := b.Offer(kind, ref)
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

// plugin returns the list's entry of a file.
func (b *bench) plugin(kind engine.Kind, name string) (engine.PluginFile, bool) {
	for _, f := range b.Plugins() {
		if f.Kind == kind && f.Path == name {
			return f, true
		}
	}
	return engine.PluginFile{}, false
}

// executions counts how often a file in the attacks folder did something.
func (b *bench) executions(name, what string) int {
	text, err := os.ReadFile(filepath.Join(b.cfg.AttacksDir, "."+name+"."+what))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

func (b *bench) launch(ref engine.Ref) engine.Process {
	b.t.Helper()
	p, err := b.Launch(context.Background(), b.offer(engine.KindAttack, ref), engine.NewExecutorID())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// perform launches and runs in a mode.
func (b *bench) perform(ctx context.Context, mode string) (engine.Exit, *record) {
	b.t.Helper()
	sink := &record{}
	p := b.launch("odd:Odd")
	exit := p.Run(ctx, startIn(mode), sink)
	if sink.after.Load() {
		b.t.Error("the sink was called by two goroutines")
	}
	return exit, sink
}

func startIn(mode string) engine.Start {
	return engine.Start{Executor: engine.NewExecutorID(), Config: configIn(mode), Due: time.Now(), Timeout: time.Minute}
}

func configIn(mode string) engine.Config {
	doc, _ := json.Marshal(map[string]any{"ref": "odd:Odd", "args": map[string]string{"mode": mode}})
	return engine.Config{Ref: "odd:Odd", Doc: doc}
}
