//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// changes are the plugin files that a host has told.
type changes struct {
	mu   sync.Mutex
	list []string
}

func (c *changes) add(f engine.PluginFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf("%s %s/%s %q", f.State, f.Kind, f.Path, f.Refs))
}

// take returns what was told since it was last called.
func (c *changes) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

func TestPluginFilesThatChangeAreTold(t *testing.T) {
	var told changes
	cfg := newConfig(t)
	cfg.Changed = told.add
	install(t, cfg.AttacksDir, "odd", "")
	write(t, filepath.Join(cfg.AttacksDir, "README.md"), "# hello", 0o600)
	b := open(t, cfg)
	expect := func(what string, want ...string) {
		t.Helper()
		if err := b.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := told.take(); !slices.Equal(got, want) {
			t.Errorf("%s: told\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	expect("at the start")

	shell := filepath.Join(cfg.AttacksDir, "shell")
	write(t, shell, "#!/bin/sh\nexit 9\n", 0o700)
	expect("one that is broken comes", `broken attack/shell []`)
	expect("it stays broken")
	if err := os.Remove(shell); err != nil {
		t.Fatal(err)
	}
	expect("it goes", `gone attack/shell []`)

	twin(t, cfg.AttacksDir, "odd", "second")
	odd, _ := b.plugin(engine.KindAttack, "odd")
	refs := fmt.Sprintf("%q", odd.Refs)
	expect("one comes that offers the same", `conflict attack/odd-second `+refs)
	if err := os.Remove(filepath.Join(cfg.AttacksDir, "odd")); err != nil {
		t.Fatal(err)
	}
	expect("the other goes", `ready attack/odd-second `+refs, `gone attack/odd `+refs)
	write(t, filepath.Join(cfg.AttacksDir, "README.md"), "# hello again", 0o600)
	expect("what is no plugin changes")
}

func TestProcessesAreCounted(t *testing.T) {
	b := openOdd(t)
	if n := b.Processes(); n != 0 {
		t.Errorf("%d before any is launched", n)
	}
	first, second := b.launch("odd:Odd"), b.launch("odd:Odd")
	if n := b.Processes(); n != 2 {
		t.Errorf("%d with two that wait", n)
	}
	first.Discard()
	second.Discard()
	eventually(t, func() error {
		if n := b.Processes(); n != 0 {
			return fmt.Errorf("%d when both are gone", n)
		}
		return nil
	})
}
