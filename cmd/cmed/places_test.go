package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A start that is refused for its options leaves nothing behind.
func TestARefusedStartMakesNothing(t *testing.T) {
	for _, c := range []struct {
		rule string
		args func(dir string) []string
		code int
		says string
	}{
		{"no key", func(string) []string { return []string{"--host", "0.0.0.0", "--insecure-transport"} }, exitUsage, "no API key has been made yet"},
		{"no TLS", func(string) []string { return []string{"--host", "0.0.0.0"} }, exitUsage, "it needs TLS and an API key"},
		{"a certificate that is none", func(dir string) []string {
			return []string{"--tls-cert", filepath.Join(dir, "file"), "--tls-key", filepath.Join(dir, "file")}
		}, exitUsage, "--tls-cert"},
		{"no folder for the socket", func(dir string) []string { return []string{"--socket", filepath.Join(dir, "none", "s")} }, exitUsage, "the folder of the socket"},
		{"a file for a socket", func(dir string) []string { return []string{"--socket", filepath.Join(dir, "file")} }, exitUsage, "is no socket"},
		{"no folder for the halt file", func(dir string) []string { return []string{"--halt-file", filepath.Join(dir, "none", "halt")} }, exitUsage, "the folder of the halt file"},
		{"a file for a state folder", func(dir string) []string { return []string{"--state-folder", filepath.Join(dir, "file")} }, exitFailure, "make the state folder"},
		{"a state folder in a file", func(dir string) []string { return []string{"--state-folder", filepath.Join(dir, "file", "a", "b")} }, exitFailure, "make the state folder"},
		{"no cgroup", func(dir string) []string { return []string{"--cgroup", filepath.Join(dir, "none")} }, exitFailure, "look at the cgroup of the runs"},
		{"a file for a plugin folder", func(dir string) []string { return []string{"--scripts-folder", filepath.Join(dir, "file")} }, exitUsage, "is not a folder"},
		{"an address of another machine", func(string) []string { return []string{"--host", "192.0.2.1", "--insecure"} }, exitUsage, "not an address of this machine"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			h := newHome(t)
			dir := filepath.Dir(h.database)
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := found(t, dir)
			run := begin(t, h.args(c.args(dir)...)...)
			if code := run.end(t); code != c.code || !strings.Contains(run.stderr.String(), c.says) {
				t.Errorf("exit code %d, want %d: %s", code, c.code, run.stderr.String())
			}
			if after := found(t, dir); !slices.Equal(after, before) {
				t.Errorf("it leaves %v, where %v was", after, before)
			}
		})
	}
}

// What the start makes itself need not be there before, however it is named.
func TestPlacesThatAreMadeWithTheStateFolder(t *testing.T) {
	h := newHome(t)
	dir := filepath.Dir(h.database)
	t.Chdir(dir)
	run := begin(t, h.args("--state-folder", "new/state", "--halt-file", filepath.Join(dir, "new", "state", "halt"),
		"--socket", filepath.Join(dir, "new", "s"))...)
	run.ready(t)
	run.stop(t)
	run = begin(t, h.args("--state-folder", filepath.Join(dir, "more", "state"), "--halt-file", "more/halt")...)
	run.ready(t)
	run.stop(t)
}

// A state folder that nobody may write in is told before the store is made.
func TestAStateFolderThatCannotBeMade(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere: run the tests as another user")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := canBeMade(filepath.Join(dir, "a", "b")); err == nil {
		t.Error("it can be made, it says")
	}
}

// found are the paths of all that is in a folder.
func found(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
