//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func change(t *testing.T, path string, mode os.FileMode, uid, gid int) {
	t.Helper()
	if err := os.Lchown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// What is exposed is for package exposure to say, and for its tests.
func TestWhatOthersCanWriteIsNotExecutedByRoot(t *testing.T) {
	asRoot(t)
	const root, other = 0, 12345
	for _, test := range []struct {
		name string
		// what is changed: the file, its folder, or the folder above.
		at       string
		mode     os.FileMode
		uid, gid int
		message  string // "" if it is executed; %s is the path
	}{
		{"a file that root's group can write", "file", 0o775, root, root, ""},
		{"another's file", "file", 0o755, other, root, "others can write to %s (mode 0755, owner 12345:0)"},
		{"a folder that all can write", "folder", 0o777, root, root, "others can write to %s (mode 0777, owner 0:0)"},
		{"below another's folder", "above", 0o755, other, root, "others can write to %s (mode 0755, owner 12345:0)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := newConfig(t)
			cfg.StateDir = t.TempDir() // not below what is changed
			install(t, cfg.AttacksDir, "odd", "")
			write(t, filepath.Join(cfg.AttacksDir, "notes.txt"), "", 0o600)
			path := map[string]string{
				"file": filepath.Join(cfg.AttacksDir, "odd"), "folder": cfg.AttacksDir, "above": filepath.Dir(cfg.AttacksDir),
			}[test.at]
			change(t, path, test.mode, test.uid, test.gid)
			b := open(t, cfg)
			f, _ := b.plugin(engine.KindAttack, "odd")
			if test.message == "" {
				if f.State != engine.PluginReady {
					t.Errorf("%+v: %+v", f, f.Error)
				}
				return
			}
			if f.State != engine.PluginBroken || f.Error.Stage != "permissions" ||
				!strings.HasSuffix(f.Error.Message, fmt.Sprintf(test.message, path)) {
				t.Errorf("%+v: %+v", f, f.Error)
			}
			if n := b.executions("odd", "describe"); n != 0 {
				t.Errorf("executed %d times", n)
			}
			if f, _ := b.plugin(engine.KindAttack, "notes.txt"); f.State != engine.PluginIgnored {
				t.Errorf("what is no plugin: %+v", f)
			}
		})
	}
}

func TestPermissionsAreCheckedAtEveryScan(t *testing.T) {
	asRoot(t)
	b := openOdd(t)
	state := func() engine.PluginFile {
		t.Helper()
		if err := b.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		f, _ := b.plugin(engine.KindAttack, "odd")
		return f
	}
	above := filepath.Dir(b.cfg.AttacksDir)
	for _, path := range []string{above, b.cfg.AttacksDir, filepath.Join(b.cfg.AttacksDir, "odd")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		change(t, path, 0o777, 0, 0)
		f := state()
		if f.State != engine.PluginBroken || f.Error.Hint != "chmod go-w '"+path+"'" {
			t.Errorf("%s open: %+v, %+v", path, f, f.Error)
		}
		if _, err := b.Offer(engine.KindAttack, "odd:Odd"); err == nil {
			t.Errorf("%s open: it still serves", path)
		}
		change(t, path, info.Mode().Perm(), 0, 0)
		if f := state(); f.State != engine.PluginReady {
			t.Errorf("%s closed again: %+v, %+v", path, f, f.Error)
		}
	}
}

func TestALinkIsJudgedByWhereItLeads(t *testing.T) {
	asRoot(t)
	cfg := newConfig(t)
	elsewhere := t.TempDir()
	install(t, elsewhere, "odd", "")
	if err := os.Symlink(filepath.Join(elsewhere, "odd"), filepath.Join(cfg.AttacksDir, "odd")); err != nil {
		t.Fatal(err)
	}
	b := open(t, cfg)
	if f, _ := b.plugin(engine.KindAttack, "odd"); f.State != engine.PluginReady {
		t.Fatalf("%+v, %+v", f, f.Error)
	}
	change(t, elsewhere, 0o777, 0, 0)
	if err := b.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, _ := b.plugin(engine.KindAttack, "odd")
	if f.State != engine.PluginBroken || f.Error.Stage != "permissions" || !strings.Contains(f.Error.Message, elsewhere) {
		t.Errorf("%+v, %+v", f, f.Error)
	}
}
