package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writeBlocks writes the code blocks of a document that are named like a file
// ("```go main.go") into a module of its own, and returns its folder.
func writeBlocks(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	named := regexp.MustCompile("(?s)\n```go ([a-z_/]+\\.go)\n(.*?)```\n").FindAllSubmatch(text, -1)
	if all := strings.Count(string(text), "\n```go"); len(named) == 0 || len(named) != all {
		t.Fatalf("%s has %d Go blocks, of which %d are named", document, all, len(named))
	}
	for _, block := range named {
		path := filepath.Join(dir, string(block[1]))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, block[2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	module(t, dir)
	return dir
}

// module makes the folder a module that takes cmed from this clone. What it
// needs is what cmed needs, so nothing must be resolved anew.
func module(t *testing.T, dir string) {
	t.Helper()
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.mod" {
			text = []byte(strings.Replace(string(text), "module github.com/chaos-monkey-engine/cmed", "module example", 1) +
				"\nrequire github.com/chaos-monkey-engine/cmed v0.0.0\n" +
				"\nreplace github.com/chaos-monkey-engine/cmed => " + repository + "\n")
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// goIn runs the go command in a folder.
func goIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// The guide's attack and planner are compiled, tested and found fit as they
// stand there.
func TestGuideForAuthors(t *testing.T) {
	dir := writeBlocks(t, "authors/README.md")
	goIn(t, dir, "vet", "./...")
	goIn(t, dir, "test", "./...")
	for name, source := range map[string]string{"lock-file": ".", "every": "./planner"} {
		binary := filepath.Join(dir, "bin", name)
		goIn(t, dir, "build", "-o", binary, source)
		goBuild(t, filepath.Join(dir, "bin", "cmed"), "../cmd/cmed")
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "cmed"), "plugin", "check", binary).CombinedOutput()
		if err != nil {
			t.Errorf("%s is not fit: %v\n%s", name, err, out)
		}
	}
}

// Links between the documents lead somewhere.
func TestLinks(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	for _, document := range append(append(documents, more...), "../README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", document, found[1])
			}
		}
	}
}
