//go:build linux

package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// withScripts returns a config with a script in a folder of the scripts folder.
func withScripts(t *testing.T) (cfg Config, script string) {
	t.Helper()
	cfg = newConfig(t)
	cfg.ScriptsDir = filepath.Join(filepath.Dir(cfg.AttacksDir), "scripts")
	folder := filepath.Join(cfg.ScriptsDir, "script_attacks")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(folder, "s.sh")
	write(t, script, "#!/bin/sh", 0o700)
	install(t, cfg.AttacksDir, "odd", "")
	return cfg, script
}

func TestScriptsThatOthersCanWriteAreKeptFromThePluginsOfRoot(t *testing.T) {
	asRoot(t)
	cfg, script := withScripts(t)
	var log strings.Builder
	cfg.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Error})
	b := open(t, cfg)
	told := "CMED_SCRIPTS_FOLDER=" + cfg.ScriptsDir
	look := func() (env []string, said string) {
		t.Helper()
		if err := b.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, sink := b.perform(t.Context(), "ok")
		env, _ = environmentOf(t, b)
		return env, sink.text("cmed")
	}
	if env, said := look(); !slices.Contains(env, told) || said != "" {
		t.Fatalf("%q, %s", env, said)
	}
	for _, path := range []string{script, filepath.Dir(script), cfg.ScriptsDir} {
		change(t, path, 0o777, 0, 0)
		env, said := look()
		want := "the scripts folder " + cfg.ScriptsDir + " is not used by root: others can write to " + path +
			" (mode 0777, owner 0:0); to mend that: chmod go-w '" + path + "'"
		if slices.Contains(env, told) || said != want || !strings.Contains(log.String(), path) {
			t.Errorf("%s is open: %q\nsays %s\nwant %s\nlog %s", path, env, said, want, log.String())
		}
		change(t, path, 0o700, 0, 0)
		if env, said := look(); !slices.Contains(env, told) || said != "" {
			t.Errorf("%s is closed again: %q, %s", path, env, said)
		}
	}
	change(t, script, 0o700, 12345, 0)
	if env, _ := look(); slices.Contains(env, told) {
		t.Error("another's script may be used")
	}
	if err := os.RemoveAll(cfg.ScriptsDir); err != nil {
		t.Fatal(err)
	}
	if env, said := look(); !slices.Contains(env, told) || said != "" {
		t.Errorf("there is no folder: %q, %s", env, said)
	}
}

func TestAScriptsFolderIsJudgedByWhereItLeads(t *testing.T) {
	asRoot(t)
	cfg, script := withScripts(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(cfg.ScriptsDir, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, cfg.ScriptsDir); err != nil {
		t.Fatal(err)
	}
	change(t, filepath.Join(elsewhere, "script_attacks", filepath.Base(script)), 0o702, 0, 0)
	b := open(t, cfg)
	if b.scriptsFolder() != "" {
		t.Error("behind the link is a script that others can write, and it may be used")
	}
}

func TestConfinedPluginsMayReadScripts(t *testing.T) {
	needsLandlock(t)
	cfg, script := withScripts(t)
	cfg.Confine = []Confinement{{Ref: "odd:*"}}
	b := open(t, cfg)
	got, _, exit := b.attempting("read "+script, "write "+script, "write "+filepath.Join(cfg.ScriptsDir, "new"))
	if !exit.Finished {
		t.Fatalf("%+v", exit)
	}
	if got["read "+script] != "#!/bin/sh" {
		t.Errorf("it reads %q", got["read "+script])
	}
	denied(t, got, "write "+script)
	denied(t, got, "write "+filepath.Join(cfg.ScriptsDir, "new"))
}

// A scripts folder that holds the daemon's own state doesn't show it.
func TestAScriptsFolderShowsNothingHidden(t *testing.T) {
	needsLandlock(t)
	cfg, script := withScripts(t)
	cfg.ScriptsDir = filepath.Dir(cfg.ScriptsDir)
	cfg.Confine = []Confinement{{Ref: "odd:*"}}
	b := open(t, cfg)
	token := filepath.Join(cfg.StateDir, "token")
	write(t, token, "secret", 0o600)
	got, _, _ := b.attempting("read "+script, "read "+token)
	if got["read "+script] != "#!/bin/sh" {
		t.Errorf("it reads %q", got["read "+script])
	}
	denied(t, got, "read "+token)
}

func TestScriptsAreNotJudgedForOthersThanRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs another user than root")
	}
	cfg, script := withScripts(t)
	if err := os.Chmod(script, 0o777); err != nil {
		t.Fatal(err)
	}
	b := open(t, cfg)
	if b.scriptsFolder() == "" {
		t.Error("the folder is not used")
	}
	_ = b.offer(engine.KindAttack, "odd:Odd")
}
