//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// openFolder opens a host on a plugin that offers what is in a folder beside it.
func openFolder(t testing.TB, change func(*Config)) (b *bench, modules string, log *logged) {
	t.Helper()
	cfg := newConfig(t)
	log = &logged{}
	cfg.Logger = log.logger()
	if change != nil {
		change(&cfg)
	}
	install(t, cfg.AttacksDir, "folder", "")
	modules = filepath.Join(cfg.AttacksDir, "modules")
	if err := os.Mkdir(modules, 0o700); err != nil {
		t.Fatal(err)
	}
	return open(t, cfg), modules, log
}

func refsOf(f engine.PluginFile) string {
	refs := make([]string, len(f.Refs))
	for i, r := range f.Refs {
		refs[i] = string(r)
	}
	return strings.Join(refs, " ")
}

func TestAPluginThatWaitsForModulesIsReady(t *testing.T) {
	b, _, _ := openFolder(t, nil)
	f, _ := b.plugin(engine.KindAttack, "folder")
	if f.State != engine.PluginReady || f.Error != nil || len(f.Refs) != 0 {
		t.Errorf("%+v, %+v", f, f.Error)
	}
}

// TestANewModuleServesAtOnce relies on nothing but the watch: folders are looked
// at every hour only.
func TestANewModuleServesAtOnce(t *testing.T) {
	b, modules, log := openFolder(t, func(c *Config) { c.RescanEvery = time.Hour })
	serves := func(want string, warnings ...string) {
		t.Helper()
		begun := time.Now()
		eventually(t, func() error {
			f, _ := b.plugin(engine.KindAttack, "folder")
			if refsOf(f) != want || f.State != engine.PluginReady || !slices.Equal(f.Warnings, warnings) {
				return fmt.Errorf("serves %+v, want %s", f, want)
			}
			return nil
		})
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
	}
	write(t, modules+"/a.odd", "", 0o600)
	serves("a:Odd")
	write(t, modules+"/b.odd", "", 0o600)
	write(t, modules+"/notes.txt", "", 0o600)
	serves("a:Odd b:Odd", "notes.txt is no module")
	if err := os.Remove(modules + "/a.odd"); err != nil {
		t.Fatal(err)
	}
	serves("b:Odd", "notes.txt is no module")
	if n := strings.Count(log.String(), "notes.txt is no module"); n != 1 {
		t.Errorf("the warning was logged %d times:\n%s", n, log)
	}

	// The folder goes and comes again, as when a release is unpacked anew.
	if err := os.RemoveAll(modules); err != nil {
		t.Fatal(err)
	}
	serves("")
	if err := os.Mkdir(modules, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, modules+"/c.odd", "", 0o600)
	serves("c:Odd")
	write(t, modules+"/d.odd", "", 0o600)
	serves("c:Odd d:Odd")
}

// TestAFolderThatAPluginWatchesIsNotIgnored checks that nobody is told to move it.
func TestAFolderThatAPluginWatchesIsNotIgnored(t *testing.T) {
	b, _, _ := openFolder(t, nil)
	if err := os.Mkdir(b.cfg.AttacksDir+"/other", 0o700); err != nil {
		t.Fatal(err)
	}
	listed := func(want ...string) {
		t.Helper()
		if err := b.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range b.Plugins() {
			got = append(got, f.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed are %v, want %v", got, want)
		}
	}
	listed("folder", "other")
	if err := os.Remove(b.cfg.AttacksDir + "/folder"); err != nil {
		t.Fatal(err)
	}
	listed("modules", "other")
}

func TestWhatNobodyDependsOnIsNotWatched(t *testing.T) {
	cfg := newConfig(t)
	b := open(t, cfg)
	w, err := newWatcher(b.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer w.notify.Close()
	elsewhere := t.TempDir()
	write(t, elsewhere+"/list", "", 0o600)
	depend := func(paths ...string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		watch := map[string]string{}
		for _, p := range paths {
			watch[p] = "absent"
		}
		b.files = map[string]*file{"attack/x": {finding: finding{watch: watch}}}
	}
	watching := func(want ...string) {
		t.Helper()
		got := w.notify.WatchList()
		want = append(want, cfg.AttacksDir, cfg.PlannersDir)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("watched are %v, want %v", got, want)
		}
	}
	watching()
	depend(elsewhere+"/list", elsewhere+"/gone/list")
	if !w.watchFolders() || w.watchFolders() {
		t.Error("a new folder is new once")
	}
	watching(elsewhere)
	depend(elsewhere)
	w.watchFolders()
	watching(elsewhere, filepath.Dir(elsewhere))
	depend()
	w.watchFolders()
	watching()
}

func TestADescriptionThatWatchesTooMuchIsRefused(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "overwatched", "")
	b := open(t, cfg)
	f, _ := b.plugin(engine.KindAttack, "overwatched")
	if f.State != engine.PluginBroken || f.Error.Message != "watches 1001 files and folders; at most 1000 are allowed" {
		t.Errorf("%+v, %+v", f, f.Error)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	many := slices.Repeat([]string{strings.Repeat("w", 5<<10)}, 300)
	kept := operatorWarnings(append([]string{"", " "}, many...))
	if len(kept) != maxWarnings-2 || len(kept[0]) > maxShort+len("…") {
		t.Errorf("kept %d of %d bytes", len(kept), len(kept[0]))
	}
}

// TestWhatIsRememberedDependsOnTheFolder checks that a description is asked for
// anew when something it depends on changed while no host ran.
func TestWhatIsRememberedDependsOnTheFolder(t *testing.T) {
	b, modules, _ := openFolder(t, nil)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, modules+"/a.odd", "", 0o600)
	again := open(t, b.cfg)
	if f, _ := again.plugin(engine.KindAttack, "folder"); refsOf(f) != "a:Odd" {
		t.Errorf("serves %+v", f)
	}
	before := again.executions("folder", "describe")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	third := open(t, b.cfg)
	if now := third.executions("folder", "describe"); now != before {
		t.Errorf("executed %d times more though nothing changed", now-before)
	}
}
