package cmepython

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

func change(t *testing.T, path string, mode os.FileMode, owner int) {
	t.Helper()
	if err := os.Lchown(path, owner, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestRootExecutesNothingThatOthersCanWrite(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run the tests with sudo")
	}
	const other = 12345
	for _, c := range []struct {
		rule, at string
		mode     os.FileMode
		owner    int
	}{
		{"the folder", ".", 0o777, 0},
		{"the folder above", "..", 0o777, 0},
		{"another's module", "m.py", 0o644, other},
		{"a helper in a package", "pack/helper.py", 0o666, 0},
		{"what a link leads to", "../elsewhere/linked.py", 0o666, 0},
		{"the interpreter", ".venv/bin/python3", 0o777, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := newBridge(t, "attack", files{
				"m.py": attackModule("print('harm')"), "pack/__init__.py": "", "pack/helper.py": "",
				"../elsewhere/linked.py": "", ".venv/bin/python3": "#!/bin/sh\n",
			})
			if err := os.Symlink("../elsewhere/linked.py", filepath.Join(b.folder, "linked.py")); err != nil {
				t.Fatal(err)
			}
			if err := exposedModules(b.folder); err != nil {
				t.Fatalf("before anything is changed: %v", err)
			}
			path := filepath.Join(b.folder, c.at)
			change(t, path, c.mode, c.owner)
			infos, warnings := b.listed(t)
			// They are m.py, linked.py and pack.
			if len(infos) > 0 || !strings.HasPrefix(warnings, "none of the modules in "+b.folder+" is served, 3 in all: modules are not executed by root where others can write to ") || !strings.Contains(warnings, "chmod -R go-w '") {
				t.Errorf("%d offers, warnings %s", len(infos), warnings)
			}
			got := sdktest.Run(t, b.attack(t, "m:A"), nil, sdktest.Config(map[string]any{"ref": "m:A"}))
			if got.Failure == nil || !strings.Contains(got.Failure.Message, "modules are not executed by root") || len(got.Log) > 0 {
				t.Errorf("it ran: %v, %v", got.Failure, got.Log)
			}
		})
	}
}

func TestALinkedFolderIsServedIfItIsSafe(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": attackModule("pass")})
	linked := bridge{kind: "attack", folder: filepath.Join(t.TempDir(), Folder)}
	if err := os.Symlink(b.folder, linked.folder); err != nil {
		t.Fatal(err)
	}
	if infos, warnings := linked.listed(t); len(infos) != 1 || warnings != "" {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
	if os.Geteuid() != 0 {
		return
	}
	change(t, filepath.Dir(b.folder), 0o777, 0)
	if infos, warnings := linked.listed(t); len(infos) != 0 || !strings.Contains(warnings, filepath.Dir(b.folder)) {
		t.Errorf("in a folder that all can write to: %d offers, warnings %s", len(infos), warnings)
	}
}
