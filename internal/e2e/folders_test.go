package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// visible is how soon a change in a plugin folder must be seen.
const visible = 2 * time.Second

// offers waits until an attack is or is not offered.
func (c client) offers(t testing.TB, ref string, want bool) {
	t.Helper()
	waitFor(t, visible, fmt.Sprintf("%s to be offered: %v", ref, want), func() bool {
		a := c.send(t, get("/api/1/attacks/"+ref))
		return (a.status == http.StatusOK) == want
	})
}

func TestADroppedPluginServes(t *testing.T) {
	t.Parallel()
	d := start(t)
	drop(t, built.testPlugin, d.attacks, "dropped")
	d.offers(t, "dropped:Count", true)
	counted := filepath.Join(d.dir, "counted")
	d.await(t, d.attack(t, "dropped:Count", args{"file": counted}, time.Now()), "succeeded")
	if text, err := os.ReadFile(counted); err != nil || bytes.Count(text, []byte("\n")) != 1 {
		t.Errorf("it ran and left %q: %v", text, err)
	}
}

// A file that is written in place, slowly, serves when it is whole.
func TestAPluginThatIsCopiedInPlaceServesWhenItIsWhole(t *testing.T) {
	t.Parallel()
	d := start(t)
	content, err := os.ReadFile(built.testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.attacks, "slow")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	// Half of it is there when somebody looks.
	if p := plugin(d.post(t, "/api/1/plugins/rescan", nil, http.StatusOK), "slow"); p.text("state") == "ready" {
		t.Error("half a plugin is ready")
	}
	if _, err := file.Write(append(content[len(content)/2:], "slow"...)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	d.offers(t, "slow:Count", true)
}

func TestAReplacedPluginDisturbsNoRun(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now())
	d.await(t, id, "running")
	// The name is the test plugin's: it offers the same refs as before.
	path := filepath.Join(d.attacks, "testplugin")
	was := digestOf(t, path)
	drop(t, built.testPlugin, d.attacks, "testplugin")
	is := digestOf(t, path)
	waitFor(t, visible, "the new binary to serve", func() bool {
		return d.get(t, "/api/1/attacks/e2e:Sleep").text("digest") == is
	})
	after := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now())
	if e := d.await(t, after, "succeeded"); e.Run.Digest != is {
		t.Errorf("the next run has the digest %s, want %s", e.Run.Digest, is)
	}
	if e := d.executor(t, id); e.State != "running" || e.Run.Digest != was {
		t.Errorf("the run under way is %s with the digest %s, want %s", e.State, e.Run.Digest, was)
	}
	d.halt(t, id)
	if e := d.await(t, id, "halted"); e.Run.Digest != was {
		t.Errorf("its record has the digest %s, want %s", e.Run.Digest, was)
	}
}

func TestARemovedPluginDisturbsNoRun(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	running := d.attack(t, "e2e:Harm", args{"file": file, "hold": "1m"}, time.Now())
	later := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, tomorrow())
	waitForFile(t, file+".0")
	if err := os.Remove(filepath.Join(d.attacks, "testplugin")); err != nil {
		t.Fatal(err)
	}
	d.offers(t, "e2e:Harm", false)
	if plugin(d.get(t, "/api/1/plugins/"), "testplugin") != nil {
		t.Error("the file is still listed")
	}
	if e := d.executor(t, running); e.State != "running" {
		t.Errorf("the run under way is %s", e.State)
	}
	d.halt(t, running)
	d.awaitUndo(t, running, "undone") // by the copy that is kept
	if _, err := os.Stat(file + ".0"); !os.IsNotExist(err) {
		t.Errorf("the harm is still there: %v", err)
	}
	d.put(t, "/api/1/executors/"+later, trigger(date(time.Now())), http.StatusOK)
	if e := d.await(t, later, "failed"); e.Started != nil || !strings.Contains(e.Reason, "e2e:Sleep") {
		t.Errorf("without its attack the executor is %s: %q", e.State, e.Reason)
	}
}

// Whatever lies in the folders, the daemon starts, serves what is good and
// lists the rest with what is wrong with it.
func TestOddFilesDoNotHinderTheStart(t *testing.T) {
	t.Parallel()
	d := newDaemon(t)
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(d.attacks, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("README", "what this folder is for", 0o600)
	write("script", "#!/bin/sh\ntouch ran\n", 0o600)
	write(".hidden", "#!/bin/sh\ntouch ran\n", 0o700)
	write("empty", "", 0o700)
	write("text", "not a program", 0o700)
	write("fails", "#!/bin/sh\necho oh dear >&2\nexit 3\n", 0o700)
	write("lies", "#!/bin/sh\necho '{\"protocol\": 1, \"offers\": [{\"ref\": \"\"}]}'\n", 0o700)
	write("floods", "#!/bin/sh\nexec yes\n", 0o700)
	binary, err := os.ReadFile(built.testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	write("cut", string(binary[:4096]), 0o700)
	if err := os.Mkdir(filepath.Join(d.attacks, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(d.attacks, "dangling")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(d.attacks, "pipe"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.restart(t)
	d.get(t, "/api/1/attacks/e2e:Sleep")
	list := d.get(t, "/api/1/plugins/")
	for name, state := range map[string]string{
		"README": "ignored", "script": "ignored", "folder": "ignored", "pipe": "ignored",
		"empty": "broken", "text": "broken", "fails": "broken", "lies": "broken", "floods": "broken", "cut": "broken", "dangling": "broken",
	} {
		p := plugin(list, name)
		if p.text("state") != state || p.text("error/stage") == "" || p.text("error/message") == "" {
			t.Errorf("%s: %v", name, p)
		}
	}
	if plugin(list, ".hidden") != nil {
		t.Error("a dot-file is listed")
	}
	if p := plugin(list, "fails"); p.text("error/stderr") != "oh dear" && p.text("error/stderr") != "oh dear\n" {
		t.Errorf("what it said is %v", p["error"])
	}
	if _, err := os.Stat(filepath.Join(d.attacks, "ran")); !os.IsNotExist(err) {
		t.Error("a file that must not be executed was")
	}
	d.checkClean(t)
}

// A broken plugin that is mended serves, without a restart.
func TestAMendedPluginServes(t *testing.T) {
	t.Parallel()
	d := start(t)
	dropBytes(t, []byte("not a program"), d.attacks, "mended")
	waitFor(t, visible, "the broken file to be listed", func() bool {
		return plugin(d.get(t, "/api/1/plugins/"), "mended").text("state") == "broken"
	})
	d.refused(t, attackingRef("mended:Count"), http.StatusBadRequest, `unknown attack "mended:Count"; plugin mended is broken: …`)
	drop(t, built.testPlugin, d.attacks, "mended")
	d.offers(t, "mended:Count", true)
}

func attackingRef(ref string) request {
	return attacking(fmt.Sprintf(`{"ref":%q,"args":{"file":"/dev/null"}}`, ref))
}

// Of two files with one ref the one that serves already keeps it, and the other
// takes over when it is gone.
func TestConflictingPlugins(t *testing.T) {
	t.Parallel()
	d := start(t)
	was := d.get(t, "/api/1/attacks/e2e:Sleep").text("digest")
	content, err := os.ReadFile(built.testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	// What a file offers is remembered by its content: the same content under
	// another name offers the same.
	dropBytes(t, content, d.attacks, "another")
	waitFor(t, visible, "the conflict to be listed", func() bool {
		p := plugin(d.get(t, "/api/1/plugins/"), "another")
		return p.text("state") == "conflict" && strings.Contains(p.text("error/message"), "testplugin")
	})
	if is := d.get(t, "/api/1/attacks/e2e:Sleep"); is.text("digest") != was || is.text("_links/plugin/title") != "testplugin" {
		t.Errorf("it is served by %v", is.at("_links/plugin"))
	}
	if err := os.Remove(filepath.Join(d.attacks, "testplugin")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, visible, "the other file to take over", func() bool {
		return d.send(t, get("/api/1/attacks/e2e:Sleep")).doc(t).text("_links/plugin/title") == "another"
	})
}

func TestHangupRescans(t *testing.T) {
	t.Parallel()
	d := start(t)
	drop(t, built.testPlugin, d.attacks, "dropped")
	d.signal(t, syscall.SIGHUP)
	waitFor(t, patience, "the rescan", func() bool {
		return strings.Contains(d.stderr.String(), "rescanned the plugin folders")
	})
	d.get(t, "/api/1/attacks/dropped:Count")
}

// Plugins that have not changed are not executed by the next start, however
// many there are. They are scripts, so that they take no room.
func TestUnchangedPluginsAreNotExecutedAgain(t *testing.T) {
	t.Parallel()
	const plugins = 200
	binary, err := built.plain()
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, withBinary(binary))
	described := filepath.Join(d.attacks, ".described")
	if err := os.WriteFile(described, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range plugins {
		name := fmt.Sprintf("p%03d", i)
		dropBytes(t, scriptPlugin(t, name), d.attacks, name)
	}
	executed := func() int {
		text, err := os.ReadFile(described)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	d.restart(t)
	waitFor(t, patience, "all plugins to serve", func() bool {
		return len(d.get(t, "/api/1/attacks/").list("attacks")) == plugins+len(shippedAttacks)
	})
	if n := executed(); n < plugins {
		t.Fatalf("the first start executed %d plugins", n)
	}
	d.stop(t)
	if err := os.Truncate(described, 0); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	d.restart(t)
	t.Logf("ready after %s with %d plugins", time.Since(began).Round(time.Millisecond), plugins)
	if n := len(d.get(t, "/api/1/attacks/").list("attacks")); n != plugins+len(shippedAttacks) {
		t.Errorf("%d attacks are offered at once, want %d", n, plugins+len(shippedAttacks))
	}
	if n := executed(); n > 0 {
		t.Errorf("the second start executed %d plugins", n)
	}
}

// scriptPlugin is a plugin that offers NAME:Count, and adds a line to the file
// .described beside it when it says so, like the test plugin.
func scriptPlugin(t testing.TB, name string) []byte {
	t.Helper()
	command := exec.Command(built.testPlugin, pluginv1.DescribeArg)
	command.Env = []string{pluginv1.EnvPluginPath + "=/nowhere/" + name}
	description, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "#!/bin/sh\necho described >>\"${%s%%/*}/.described\"\ncat <<'END'\n%s\nEND\n",
		pluginv1.EnvPluginPath, description)
}
