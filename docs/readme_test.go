// Package docs_test keeps the README true: its commands are run against the real
// daemon, and its attack is built and offered.
package docs_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// install builds cmed and its plugins as "make build" does, and returns the
// folder with the binary.
func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for target, packages := range map[string]string{
		"cmed":      "../cmd/cmed",
		"attacks/":  "../plugins/attacks/...",
		"planners/": "../plugins/planners/...",
	} {
		if strings.HasSuffix(target, "/") {
			if err := os.Mkdir(filepath.Join(dir, target), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		goBuild(t, dir+"/"+target, packages)
	}
	return dir
}

func goBuild(t *testing.T, target, packages string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", target, packages).CombinedOutput()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", packages, err, out)
	}
}

// serve starts cmed on a free port in a folder, as "make run" does, and returns
// host and port.
func serve(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command(dir+"/cmed", "-p", "0")
	cmd.Dir, cmd.Env = dir, plainEnvironment(dir)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Whatever hangs, the daemon ends, and with it the reads below.
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the daemon ended with %v:\n%s", err, log.String())
		}
		timer.Stop()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the daemon is not ready: %v", err)
	}
	found := regexp.MustCompile(`http://(\S+)/ `).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the daemon says %q", line)
	}
	return found[1]
}

// blocks returns the README's code blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```\n").FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	if len(found) == 0 {
		t.Fatalf("the README has no %s block", language)
	}
	return found
}

// plainEnvironment is that of somebody who has not set anything for cmed, with
// the binary of a folder in the path.
func plainEnvironment(dir string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "CMED_") })
	return append(env, "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
}

// TestTheCommandsOfTheReadme types them, in the folder of a daemon.
func TestTheCommandsOfTheReadme(t *testing.T) {
	dir := install(t)
	address := serve(t, dir)
	script := strings.ReplaceAll(strings.Join(blocks(t, "sh"), ""), "localhost:5000", address)
	const firstID = ` -o json | sed -n 's/^ *"id": "\([0-9a-z]*\)".*/\1/p' | head -n 1)`
	for id, real := range map[string]string{
		"key revoke ID":    "key revoke $(cmed key list" + firstID,
		"executor show ID": "executor show $(cmed executor list --all" + firstID,
		"executor log ID":  "executor log $(cmed executor list --all" + firstID,
	} {
		if !strings.Contains(script, id) {
			t.Errorf("the README has no command %q", id)
		}
		script = strings.ReplaceAll(script, id, real)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir, cmd.Env = dir, plainEnvironment(dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"api_request:ApiRequest", "simple_planner:SimplePlanner", "dry run of \"first plan\"", "1 executor: 1 succeeded",
		`"status": 200`, "[attack] answered", "the lever is engaged", "cmed_", "operator", "is revoked",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("no %s in what the commands show:\n%s", want, out)
		}
	}
}

func TestAttackOfReadme(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(blocks(t, "go")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	attacks := filepath.Join(dir, "attacks")
	if err := os.Mkdir(attacks, 0o700); err != nil {
		t.Fatal(err)
	}
	goBuild(t, filepath.Join(attacks, "touch"), source)
	goBuild(t, filepath.Join(dir, "cmed"), "../cmd/cmed")
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "cmed"), "plugins").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "ready  attack  touch  touch:Touch\n"; !strings.Contains(string(out), want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}
