//go:build linux

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsInAFolderIsListed(t *testing.T) {
	cfg := newConfig(t)
	cfg.DescribeTimeout = 3 * time.Second
	dir := cfg.AttacksDir
	for _, name := range []string{
		"odd", "served", "future", "newer", "hang", "garbage", "crash", "exits", "long",
		"planner", "badref", "badschema", "badexample", "empty",
	} {
		install(t, dir, name, "")
	}
	install(t, cfg.PlannersDir, "planner", "")
	write(t, filepath.Join(dir, "README.md"), "# hello", 0o600)
	write(t, filepath.Join(dir, "script.sh"), "#!/bin/sh\n", 0o600)
	write(t, filepath.Join(dir, "text"), "no program", 0o700)
	write(t, filepath.Join(dir, "void"), "", 0o700)
	write(t, filepath.Join(dir, "nointerpreter"), "#!/nowhere/sh\n", 0o700)
	write(t, filepath.Join(dir, "shell"), "#!/bin/sh\necho oops >&2\nexit 9\n", 0o700)
	write(t, filepath.Join(dir, ".hidden"), "#!/bin/sh\n", 0o700)
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	b := open(t, cfg)
	if err := b.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name                 string
		state                engine.PluginState
		stage, message, hint string // parts of
		stderr               string
	}{
		{"odd", engine.PluginReady, "", "", "", ""},
		{"served", engine.PluginReady, "", "", "", ""},
		{"future", engine.PluginIncompatible, "handshake", "speaks protocol version 7; this daemon speaks 1", "rebuild", ""},
		{"newer", engine.PluginIncompatible, "describe", "speaks protocol version 7; this daemon speaks 1", "rebuild", ""},
		{"hang", engine.PluginBroken, "describe", "did not describe itself within 3s", "at once", ""},
		// It serves, so what it prints when asked does not matter.
		{"garbage", engine.PluginReady, "", "", "", ""},
		{"crash", engine.PluginReady, "", "", "", ""},
		{"exits", engine.PluginReady, "", "", "", ""},
		{"long", engine.PluginBroken, "describe", "its description is longer than 1048576 bytes", "", ""},
		{"planner", engine.PluginBroken, "ref", "offers no attack, only planner", "move it to the planners folder", ""},
		{"badref", engine.PluginBroken, "ref", `"no ref at all" is not a ref`, "module:Name", ""},
		{"badschema", engine.PluginBroken, "schema", "badschema:Odd: its schema is not valid", "", ""},
		{"badexample", engine.PluginBroken, "example", "example 1 does not fit its schema", "", ""},
		{"empty", engine.PluginBroken, "decode", "offers nothing", "SDK", ""},
		{"README.md", engine.PluginIgnored, "stat", "is not executable", "chmod +x", ""},
		{"script.sh", engine.PluginIgnored, "stat", "is not executable", "chmod +x", ""},
		{"text", engine.PluginBroken, "describe", "can't be executed: exec format error", "no program for this machine", ""},
		{"void", engine.PluginBroken, "stat", "is empty", "copied completely", ""},
		{"nointerpreter", engine.PluginBroken, "describe", "can't be executed: no such file", "interpreter is missing", ""},
		{"shell", engine.PluginBroken, "describe", "ends without describing itself: it exited with code 9", "it doesn't serve either", "oops"},
		{"folder", engine.PluginIgnored, "stat", "is a folder", "flat", ""},
		{"dangling", engine.PluginBroken, "stat", "can't be looked at", "link", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, ok := b.plugin(engine.KindAttack, test.name)
			if !ok {
				t.Fatal("not listed")
			}
			e := f.Error
			if e == nil {
				e = &engine.PluginError{}
			}
			if f.State != test.state || e.Stage != test.stage || !strings.Contains(e.Message, test.message) ||
				!strings.Contains(e.Hint, test.hint) || !strings.Contains(e.Stderr, test.stderr) {
				t.Errorf("%s: %+v", f.State, e)
			}
		})
	}
	if _, ok := b.plugin(engine.KindAttack, ".hidden"); ok {
		t.Error("a dot-file is listed")
	}
	if f, _ := b.plugin(engine.KindPlanner, "planner"); f.State != engine.PluginReady {
		t.Errorf("the planner: %+v", f)
	}
}

func TestUnchangedFilesAreNotExecuted(t *testing.T) {
	cfg := newConfig(t)
	const many = 20
	for i := range many {
		install(t, cfg.AttacksDir, fmt.Sprintf("p%02d", i), "")
	}
	first := open(t, cfg)
	if n := len(first.Offers(engine.KindAttack)); n != many {
		t.Fatalf("%d offers", n)
	}
	if err := first.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(first.copies.path(first.offer(engine.KindAttack, "p07:Odd").Digest)); err != nil {
		t.Fatal(err)
	}
	second := open(t, cfg)
	if n := len(second.Offers(engine.KindAttack)); n != many {
		t.Fatalf("%d offers after a restart", n)
	}
	for i := range many {
		if n := second.executions(fmt.Sprintf("p%02d", i), "describe"); n != 1 {
			t.Errorf("p%02d was executed %d times", i, n)
		}
	}
	if !second.copies.has(second.offer(engine.KindAttack, "p07:Odd").Digest) {
		t.Error("a missing copy was not made again")
	}
}

func TestATouchedFileIsNotExecuted(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	now := time.Now()
	if err := os.Chtimes(filepath.Join(cfg.AttacksDir, "odd"), now, now); err != nil {
		t.Fatal(err)
	}
	if err := b.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.executions("odd", "describe"); n != 1 {
		t.Errorf("executed %d times", n)
	}
}

func TestAWatchedFileMakesTheDescriptionStale(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "watching", "")
	b := open(t, cfg)
	list, earlier := filepath.Join(cfg.AttacksDir, ".list"), time.Now().Add(-time.Hour)
	write(t, list, "a", 0o600)
	if err := os.Chtimes(list, earlier, earlier); err != nil { // it does not change while it is read
		t.Fatal(err)
	}
	if err := b.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.executions("watching", "describe"); n != 2 {
		t.Errorf("executed %d times", n)
	}
}

// twins writes a file that offers the ref of another.
func twin(t testing.TB, dir, of, name string) { install(t, dir, of+"-"+name, "") }

func TestConflictAndTakeover(t *testing.T) {
	cfg := newConfig(t)
	twin(t, cfg.AttacksDir, "odd", "b")
	first := open(t, cfg)
	twin(t, cfg.AttacksDir, "odd", "a")
	if err := first.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(b *bench, holder, loser string) {
		t.Helper()
		if o := b.offer(engine.KindAttack, "odd:Odd"); o.Plugin != holder {
			t.Errorf("%s serves, want %s", o.Plugin, holder)
		}
		f, _ := b.plugin(engine.KindAttack, loser)
		if f.State != engine.PluginConflict || f.Error.Message != "odd:Odd is served by "+holder {
			t.Errorf("%s: %s %+v", loser, f.State, f.Error)
		}
	}
	check(first, "odd-b", "odd-a")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, cfg) // who served before is remembered
	check(second, "odd-b", "odd-a")
	if err := os.Remove(filepath.Join(cfg.AttacksDir, "odd-b")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if o, err := second.Offer(engine.KindAttack, "odd:Odd"); err != nil || o.Plugin != "odd-a" {
			return fmt.Errorf("%s serves: %w", o.Plugin, err)
		}
		return nil
	})
	cfg.Cache = newMapCache()
	twin(t, cfg.AttacksDir, "odd", "b")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, cfg), "odd-a", "odd-b") // nothing remembered: the first by name
}

func TestAliases(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	install(t, cfg.AttacksDir, "aliased", "")
	b := open(t, cfg)
	if o := b.offer(engine.KindAttack, "other.Name"); o.Ref != "aliased:Odd" {
		t.Errorf("the alias means %s", o.Ref)
	}
	if o := b.offer(engine.KindAttack, "odd:Odd"); o.Ref != "odd:Odd" {
		t.Errorf("an alias beat a ref: %s", o.Ref)
	}
}

func TestUnknownRefNamesTheNearest(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	install(t, cfg.AttacksDir, "badref", "")
	b := open(t, cfg)
	for _, test := range []struct {
		kind      engine.Kind
		ref, want string
	}{
		{engine.KindAttack, "od:Odd", `unknown attack "od:Odd"; did you mean odd:Odd?`},
		{engine.KindAttack, "zzzzzz:Zzzzzz", `unknown attack "zzzzzz:Zzzzzz"`},
		{engine.KindAttack, "badref:X", `unknown attack "badref:X"; plugin badref is broken: "no ref at all" is not a ref`},
		{engine.KindPlanner, "odd:Odd", `unknown planner "odd:Odd"; no planner is served`},
	} {
		_, err := b.Offer(test.kind, engine.Ref(test.ref))
		if engine.CodeOf(err) != engine.CodeNotFound || err.Error() != test.want {
			t.Errorf("%s: %v", test.ref, err)
		}
	}
}

func TestDropInReplaceAndRemoveAreSeen(t *testing.T) {
	cfg := newConfig(t)
	b := open(t, cfg)
	within := func(what string, check func() bool) {
		t.Helper()
		begun := time.Now()
		eventually(t, func() error {
			if !check() {
				return errors.New(what + " was not seen")
			}
			return nil
		})
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s was seen after %s", what, took)
		}
	}
	digest := func() string {
		o, err := b.Offer(engine.KindAttack, "odd:Odd")
		if err != nil {
			return ""
		}
		return o.Digest
	}
	install(t, cfg.AttacksDir, "odd", "")
	within("a new file", func() bool { return digest() != "" })
	old := digest()
	install(t, cfg.AttacksDir, "odd", "second")
	within("a new version", func() bool { return digest() != old })
	if err := os.Remove(filepath.Join(cfg.AttacksDir, "odd")); err != nil {
		t.Fatal(err)
	}
	within("a removal", func() bool { return digest() == "" })
	write(t, filepath.Join(cfg.AttacksDir, "odd"), string(oddBinary), 0o600)
	within("a file without x bit", func() bool { _, ok := b.plugin(engine.KindAttack, "odd"); return ok })
	if err := os.Chmod(filepath.Join(cfg.AttacksDir, "odd"), 0o700); err != nil {
		t.Fatal(err)
	}
	within("an x bit", func() bool { return digest() != "" })
}

func TestAFolderThatAppearsIsSeen(t *testing.T) {
	cfg := newConfig(t)
	if err := os.Remove(cfg.AttacksDir); err != nil {
		t.Fatal(err)
	}
	b := open(t, cfg)
	if err := os.Mkdir(cfg.AttacksDir, 0o700); err != nil {
		t.Fatal(err)
	}
	install(t, cfg.AttacksDir, "odd", "")
	eventually(t, func() error { _, err := b.Offer(engine.KindAttack, "odd:Odd"); return err })
}

func TestABrokenFileIsRetried(t *testing.T) {
	cfg := newConfig(t)
	script := "#!/bin/sh\n[ -e '" + cfg.StateDir + "/mended' ] && echo '{\"protocol\":1,\"offers\":[{\"ref\":\"m:M\",\"kind\":\"attack\",\"schema\":{}}]}'\n"
	write(t, filepath.Join(cfg.AttacksDir, "m"), script, 0o700)
	b := open(t, cfg)
	if _, err := b.Offer(engine.KindAttack, "m:M"); err == nil {
		t.Fatal("it is not broken")
	}
	write(t, filepath.Join(cfg.StateDir, "mended"), "", 0o600)
	eventually(t, func() error { _, err := b.Offer(engine.KindAttack, "m:M"); return err })
}

func TestUnusedCopiesAreRemoved(t *testing.T) {
	cfg := newConfig(t)
	cfg.RescanEvery = 50 * time.Millisecond
	install(t, cfg.AttacksDir, "odd", "")
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	kept := make(chan map[string]bool, 1)
	kept <- nil
	h.RetainDigests(func(context.Context) (map[string]bool, error) {
		k := <-kept
		kept <- k
		return k, nil
	})
	t.Cleanup(func() { _ = h.Close() })
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{t, h, cfg}
	old := b.offer(engine.KindAttack, "odd:Odd").Digest
	p := b.launch("odd:Odd")
	<-kept
	kept <- map[string]bool{old: true}
	install(t, cfg.AttacksDir, "odd", "second")
	eventually(t, func() error {
		if b.offer(engine.KindAttack, "odd:Odd").Digest == old {
			return errors.New("not replaced")
		}
		return nil
	})
	p.Discard()
	if !h.copies.has(old) {
		t.Fatal("the copy that a process or an undo needs is gone")
	}
	<-kept
	kept <- nil
	eventually(t, func() error {
		if h.copies.has(old) {
			return errors.New("the unused copy is still there")
		}
		if _, found, _ := cfg.Cache.Cached(descPrefix + old); found {
			return errors.New("its description is still remembered")
		}
		return nil
	})
}
