package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// put makes a file in a plugin folder.
func put(t *testing.T, folder, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestPluginsThatServe(t *testing.T) {
	h := newHome(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", h.planners+"/", "../../plugins/planners/exact_planner")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := begin(t, "plugins", "-a", h.attacks, "-P", h.planners)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	want := "STATE  KIND     FILE           REFS\n" +
		"ready  planner  exact_planner  exact_planner:ExactPlanner\n"
	if got := c.stdout.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := c.stderr.String(); got != "" {
		t.Errorf("standard error: %s", got)
	}
}

func TestPluginsThatDoNot(t *testing.T) {
	h := newHome(t)
	put(t, h.attacks, "README", "no plugin", 0o600)
	put(t, h.attacks, "broken", "#!/bin/sh\necho 'sad \x1b[31mstory' >&2\nexit 7\n", 0o700)
	c := begin(t, "plugins", "-a", h.attacks, "-P", h.planners)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	got := c.stdout.String()
	for _, want := range []string{
		"ignored  attack  README  -\n",
		"broken   attack  broken  -\n",
		"\nbroken (broken): describe: ",
		"  stderr: sad \uFFFD[31mstory\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestPluginsAsJSON(t *testing.T) {
	h := newHome(t)
	put(t, h.attacks, "README", "no plugin", 0o600)
	c := begin(t, "plugins", "-a", h.attacks, "-P", h.planners, "-o", "json")
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	var got struct{ Plugins []engine.PluginFile }
	if err := json.Unmarshal([]byte(c.stdout.String()), &got); err != nil {
		t.Fatalf("%v: %s", err, c.stdout.String())
	}
	if len(got.Plugins) != 1 || got.Plugins[0].Path != "README" || got.Plugins[0].State != engine.PluginIgnored {
		t.Errorf("it shows %+v", got.Plugins)
	}
}

func TestPluginsOfMissingFolder(t *testing.T) {
	h := newHome(t)
	missing := filepath.Join(h.attacks, "none")
	for flag, args := range map[string][]string{
		"--attacks-folder":  {"-a", missing, "-p", h.planners},
		"--planners-folder": {"-a", h.attacks, "-p", missing},
	} {
		c := begin(t, append([]string{"plugins"}, args...)...)
		if code := c.end(t); code != exitFailure {
			t.Errorf("%s: exit code %d, want %d", flag, code, exitFailure)
		}
		if want := "cmed: " + flag + ": stat " + missing + ": no such file or directory\n"; c.stderr.String() != want {
			t.Errorf("%s: it says %q, want %q", flag, c.stderr.String(), want)
		}
	}
}

func TestPluginsOfEmptyFolders(t *testing.T) {
	h := newHome(t)
	c := begin(t, "plugins", "-a", h.attacks, "-p", h.planners)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	if want := "no files in " + h.attacks + " and " + h.planners + "\n"; c.stdout.String() != want {
		t.Errorf("got %q, want %q", c.stdout.String(), want)
	}
}
