package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// typed is what somebody types who follows a document from a heading on: the code
// goes into the files that it names ("```go main.go"), the indented lines are
// commands. A file in a folder ("```go every/main.go") is one of that module.
func typed(t *testing.T, document, from string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n"+from+"\n")
	if !found {
		t.Fatalf("%s has no %q", document, from)
	}
	fence := regexp.MustCompile("^```go ([a-z_/]+\\.go)$")
	var script strings.Builder
	script.WriteString("set -eu\n")
	for code, line := range lines(rest) {
		switch named := fence.FindStringSubmatch(line); {
		case named != nil:
			script.WriteString("cat >" + filepath.Base(named[1]) + " <<'END OF FILE'\n")
		case code && line == "```":
			script.WriteString("END OF FILE\n")
		case code:
			script.WriteString(line + "\n")
		case strings.HasPrefix(line, "```"):
			t.Fatalf("%s has a block without the name of a file: %s", document, line)
		case strings.HasPrefix(line, "    "):
			script.WriteString(strings.TrimPrefix(line, "    ") + "\n")
		}
	}
	return script.String()
}

// lines yields each line of a text, and whether it is in a block of code or ends one.
func lines(text string) func(yield func(code bool, line string) bool) {
	return func(yield func(bool, string) bool) {
		code := false
		for line := range strings.SplitSeq(text, "\n") {
			if !yield(code, line) {
				return
			}
			if strings.HasPrefix(line, "```") {
				code = !code
			}
		}
	}
}

// Whoever follows the guide to the letter, beginning with what cmed plugin new
// writes, has an attack and a planner that pass their tests and are fit.
func TestGuideForAuthors(t *testing.T) {
	dir := t.TempDir()
	bin, sources := filepath.Join(dir, "bin"), filepath.Join(dir, "src")
	folders := map[string]string{
		"/path/to/attacks": filepath.Join(dir, "attacks"), "/path/to/planners": filepath.Join(dir, "planners"),
	}
	for _, folder := range []string{bin, sources, folders["/path/to/attacks"], folders["/path/to/planners"]} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	goBuild(t, filepath.Join(bin, "cmed"), "../cmd/cmed")
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	script := typed(t, "authors/README.md", "## 1. A module")
	for placeholder, folder := range folders {
		script = strings.ReplaceAll(script, placeholder, folder)
	}
	script = strings.ReplaceAll(script, "/tmp/config.yml", filepath.Join(dir, "config.yml"))
	// cmed does not lie in the clone here, so it is told where that is.
	script = regexp.MustCompile(`(?m)^cmed plugin new .*$`).ReplaceAllString(script, "$0 --sdk '"+repository+"'")
	follow := exec.CommandContext(t.Context(), "sh", "-c", script)
	follow.Dir = sources
	follow.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"XDG_STATE_HOME="+filepath.Join(dir, "state"), "GOWORK=off")
	out, err := follow.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"fit: ", "dry run of lock_file:LockFile", "nothing is left to undo", "every:Every",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in what the commands show:\n%s", want, out)
		}
	}
	for _, folder := range []string{"lock-file", "every"} {
		for _, command := range [][]string{{"go", "vet", "./..."}, {"gofmt", "-d", "."}} {
			look := exec.CommandContext(t.Context(), command[0], command[1:]...)
			look.Dir, look.Env = filepath.Join(sources, folder), append(os.Environ(), "GOWORK=off")
			if out, err := look.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s in %s: %v\n%s", strings.Join(command, " "), folder, err, out)
			}
		}
	}
	checkDroppedIn(t, filepath.Join(bin, "cmed"), folders["/path/to/attacks"], folders["/path/to/planners"])
}

// checkDroppedIn sees that what the guide drops into the folders serves there, and
// that it would not in the other one.
func checkDroppedIn(t *testing.T, cmed, attacks, planners string) {
	t.Helper()
	scan := func(a, p string) string {
		// It ends with 1 when something doesn't serve, and says what.
		out, _ := exec.CommandContext(t.Context(), cmed, "plugins", "-a", a, "-P", p).CombinedOutput()
		return string(out)
	}
	got := scan(attacks, planners)
	for _, want := range []string{"ready  attack   lock-file  lock_file:LockFile\n", "ready  planner  every      every:Every\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := scan(planners, attacks); strings.Count(got, "broken") < 2 {
		t.Errorf("in each other's folder:\n%s", got)
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
