package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// files writes files into a new folder, by their names.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOnlyWhatGitTracksIsReleased(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is missing: apt-get install git")
	}
	dir := files(t, map[string]string{
		"docs/page.md": "a page", "docs/stray.md": "a note", "docs/secret.out": "ignored", ".gitignore": "*.out\n",
	})
	for _, args := range [][]string{{"init", "-q"}, {"add", ".gitignore", "docs/page.md"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = dir
		if said, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, said)
		}
	}
	sources, err := sourcesOf(t.Context(), dir, filepath.Join(t.TempDir(), "sources"))
	if err != nil {
		t.Fatal(err)
	}
	var docs tree
	if err := docs.folderOf("docs", filepath.Join(sources, "docs"), fileMode, nil); err != nil {
		t.Fatal(err)
	}
	if len(docs.entries) != 1 || docs.entries[0].path != "docs/page.md" {
		t.Errorf("released is %+v, want docs/page.md alone", docs.entries)
	}
}

func TestSourcesWithoutARepositoryAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"docs/page.md": "a page"})
	if got, err := sourcesOf(t.Context(), dir, filepath.Join(t.TempDir(), "sources")); err != nil || got != dir {
		t.Errorf("the sources are in %q (%v), want %q", got, err, dir)
	}
}

// What somebody has set for all builds by "go env -w" is not in a release.
func TestSettingsKeptByGoAreNotInABuild(t *testing.T) {
	sources := files(t, map[string]string{
		"go.mod":      "module released\n\ngo 1.26\n",
		"main.go":     "package main\n\nfunc main() { print(word) }\n",
		"plain.go":    "//go:build !stray\n\npackage main\n\nconst word = \"plain\"\n",
		"stray.go":    "//go:build stray\n\npackage main\n\nconst word = \"stray\"\n",
		"kept/go/env": "GOFLAGS=-tags=stray\nGOPRIVATE=example.com\n",
	})
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOENV", filepath.Join(sources, "kept", "go", "env"))
	program := filepath.Join(t.TempDir(), "program")
	if err := goBuild(t.Context(), sources, here, program, "", "."); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), program).CombinedOutput()
	if err != nil || string(said) != "plain" {
		t.Errorf("the program says %q (%v), want plain", said, err)
	}
	if got := released(t, "GOPRIVATE"); got != "example.com\n" {
		t.Errorf("where modules come from was lost: GOPRIVATE is %q", got)
	}
}

// released is a setting of Go as the build of a release sees it.
func released(t *testing.T, name string) string {
	t.Helper()
	env, err := goEnvironment(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	ask := exec.CommandContext(t.Context(), "go", "env", name)
	ask.Env = env
	said, err := ask.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

// As root in somebody else's repository, for one, git lists nothing and says why.
func TestWhatGitSaysAgainstItIsTold(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is missing: apt-get install git")
	}
	dir := files(t, map[string]string{".git": "gitdir: nowhere\n"})
	_, err := sourcesOf(t.Context(), dir, filepath.Join(t.TempDir(), "sources"))
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
}
