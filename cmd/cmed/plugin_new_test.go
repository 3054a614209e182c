package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/scaffold"
)

func TestPluginNew(t *testing.T) {
	bin := t.TempDir()
	put(t, bin, "cmed", "#!/bin/sh\n", 0o700)
	t.Setenv("PATH", os.Getenv("PATH")+string(filepath.ListSeparator)+bin)
	folder := filepath.Join(t.TempDir(), "my attacks", "cpu-burner")
	if err := os.Mkdir(filepath.Dir(folder), 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"plugin", "new", "attack", "cpu-burner", "--dir", folder, "--module", "example.com/me/burner", "--sdk", "../.."}
	c := begin(t, args...)
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	for _, want := range []string{
		"wrote the attack cpu_burner:CpuBurner to " + folder + ", module example.com/me/burner, against the SDK in ",
		"\n  main.go       the attack: change it\n",
		"\nnext:\n  cd '" + folder + "'\n  make build test check\n  cmed plugin run ./cpu-burner cpu_burner:CpuBurner --args '{\"path\": ",
	} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, c.stdout.String())
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil || !strings.HasPrefix(string(text), "module example.com/me/burner\n") || !strings.Contains(string(text), "// indirect") {
		t.Errorf("go.mod is %s, %v", text, err)
	}
	again := begin(t, args...)
	if code := again.end(t); code != exitUsage || !strings.Contains(again.stderr.String(), "is there and not empty (.gitignore, Makefile, ") {
		t.Errorf("again, exit code %d: %s", code, again.stderr.String())
	}
}

// The make that is told next works where cmed is not in PATH, as after make build.
func TestPluginNewWhereCmedIsNotInPath(t *testing.T) {
	bin := t.TempDir()
	put(t, bin, "go", "#!/bin/sh\n", 0o700)
	t.Setenv("PATH", bin)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "a")
	c := begin(t, "plugin", "new", "attack", "a", "--dir", folder, "--sdk", "../..")
	want := "\nnext:\n  cd " + folder + "\n  make build test check CMED=" + self + "\n  " + self + " plugin run ./a a:A "
	if code := c.end(t); code != 0 || !strings.Contains(c.stdout.String(), want) {
		t.Errorf("exit code %d: %s%s\nwant %s", code, c.stdout.String(), c.stderr.String(), want)
	}
}

// Without a release to be had, the remedy can be typed as it is said.
func TestPluginNewWithoutARelease(t *testing.T) {
	said := untidy(&scaffold.Made{Folder: "my attack", Version: "1.2.3"}, errors.New("go mod tidy: exit status 1")).Error()
	for _, want := range []string{
		"the files are written, but go mod tidy: exit status 1\n",
		"the release v1.2.3 of cmed",
		"\n  cd 'my attack' && go mod edit -replace github.com/chaos-monkey-engine/cmed=/path/to/them && go mod tidy\n",
		"remove 'my attack', and call this again with --sdk /path/to/them.\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

func TestPluginNewSaysHowToGoOn(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a")
	t.Setenv("PATH", t.TempDir())
	c := begin(t, "plugin", "new", "planner", "a", "--dir", folder, "--sdk", "../..")
	if code := c.end(t); code != 0 || !strings.Contains(c.stderr.String(), "there is no go command here. Install Go (https://go.dev/dl), then: cd "+folder+" && go mod tidy\n") {
		t.Errorf("without go, exit code %d: %s", code, c.stderr.String())
	}
	broken := filepath.Join(t.TempDir(), "b")
	put(t, os.Getenv("PATH"), "go", "#!/bin/sh\necho no network >&2\nexit 1\n", 0o700)
	c = begin(t, "plugin", "new", "planner", "b", "--dir", broken, "--sdk", "../..")
	if code := c.end(t); code != exitFailure || !strings.Contains(c.stderr.String(), "the files are written, but go mod tidy: exit status 1\nno network\nTo go on, ") {
		t.Errorf("without network, exit code %d: %s", code, c.stderr.String())
	}
	if _, err := os.Stat(filepath.Join(broken, "main.go")); err != nil {
		t.Errorf("the files are gone: %v", err)
	}
}

func TestWrongCallsOfPluginNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "afile")
	put(t, filepath.Dir(file), filepath.Base(file), "", 0o600)
	for _, test := range []struct{ args, want string }{
		{"", "say what is to be written: "},
		{"attak x", "say what is to be written: "},
		{"attack", "a name is missing, such as cmed plugin new attack cpu-burner\n"},
		{"attack a b", `"b": cmed plugin new takes two arguments`},
		{"attack ../a", `"../a" can't be the name: `},
		{"attack a --sdk /", `/ does not hold the sources of cmed: `},
		{"attack a --sdk ../.. --dir " + file, file + " is there and no folder: nothing is overwritten; "},
		{"attack a --dir /nonexistent/a", "there is no folder /nonexistent to make a in\n"},
		{"attack a --module a//b", `"a//b" can't be the path of a Go module: `},
	} {
		c := begin(t, append([]string{"plugin", "new"}, strings.Fields(test.args)...)...)
		if code := c.end(t); code != exitUsage || !strings.HasPrefix(c.stderr.String(), "cmed: "+test.want) {
			t.Errorf("%s: exit code %d\ngot  %swant cmed: %s", test.args, code, c.stderr.String(), test.want)
		}
	}
}
