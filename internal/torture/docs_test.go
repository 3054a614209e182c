package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/reliability.md names the tests and cases that prove each row.
func TestWhatTheDocumentNamesIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`-case "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		if len(chosen(found[1])) == 0 {
			t.Errorf("there is no case %q", found[1])
		}
	}
	tests := testsOf(t, filepath.Join("..", ".."))
	for _, found := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1) {
		if !tests[found[1]] {
			t.Errorf("there is no test %s", found[1])
		}
	}
}

// testsOf collects the names of the tests in the tree.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range declaration.FindAllSubmatch(source, -1) {
			names[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
