package scaffold

import (
	"errors"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/plugincheck"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clone is the root of the sources this test belongs to.
func clone(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// goIn runs the go command in a folder, in no workspace.
func goIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// What is written builds, is formatted, passes its test and is found fit at once.
func TestWhatIsWrittenIsFit(t *testing.T) {
	for _, kind := range []Kind{Attack, Planner} {
		t.Run(string(kind), func(t *testing.T) {
			t.Setenv("GOFLAGS", "-mod=vendor") // that is not for what is written
			folder := filepath.Join(t.TempDir(), "first-try")
			made, err := Write(Order{Kind: kind, Name: "first-try", Folder: folder, SDK: "../.."})
			if err != nil {
				t.Fatal(err)
			}
			if made.Ref != "first_try:FirstTry" || made.Sources != clone(t) {
				t.Errorf("made %+v", made)
			}
			if err := Tidy(t.Context(), folder); err != nil {
				t.Fatal(err)
			}
			t.Setenv("GOFLAGS", "-mod=mod")
			before := read(t, folder)
			goIn(t, folder, "vet", "./...")
			goIn(t, folder, "test", "./...")
			if after := read(t, folder); after != before {
				t.Errorf("go.mod and go.sum were not tidy:\n%s\n%s", before, after)
			}
			binary := filepath.Join(t.TempDir(), "first-try")
			goIn(t, folder, "build", "-o", binary, ".")
			checkFormat(t, folder)
			checkFitness(t, binary)
		})
	}
}

func read(t *testing.T, folder string) string {
	t.Helper()
	var all string
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// checkFormat has gofmt look at the code, and gofumpt where it is installed.
func checkFormat(t *testing.T, folder string) {
	t.Helper()
	for _, name := range []string{"main.go", "main_test.go"} {
		path := filepath.Join(folder, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(text)
		if err != nil || string(formatted) != string(text) {
			t.Errorf("%s is not formatted: %v", name, err)
		}
	}
	if gofumpt, err := exec.LookPath("gofumpt"); err == nil {
		out, err := exec.CommandContext(t.Context(), gofumpt, "-l", folder).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("gofumpt: %v\n%s", err, out)
		}
	}
}

func checkFitness(t *testing.T, binary string) {
	t.Helper()
	report, err := plugincheck.Check(t.Context(), binary, plugincheck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Outcome == plugincheck.Failed {
			t.Errorf("%s: %s: %s", f.Check, f.Title, f.Message)
		}
	}
	if report.Count(plugincheck.Passed) == 0 {
		t.Error("nothing was checked")
	}
}

// The attack's own code is short: newcomers read all of it.
func TestTheAttackIsShort(t *testing.T) {
	text, err := templates.ReadFile("templates/attack/main.go.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	body := regexp.MustCompile(`(?s)\nfunc hit\([^\n]*\n(.*?)\n}\n`).FindSubmatch(text)
	if body == nil {
		t.Fatal("there is no function hit")
	}
	if n := strings.Count(string(body[1]), "\n") + 1; n > 15 {
		t.Errorf("its body has %d lines", n)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ name, ref, title string }{
		{"cpu-burner", "cpu_burner:CpuBurner", "Cpu burner"},
		{"cpu_burner2", "cpu_burner2:CpuBurner2", "Cpu burner2"},
		{"CpuBurner", "cpu_burner:CpuBurner", "Cpu burner"},
		{"a--b_-c", "a_b_c:ABC", "A b c"},
		{"EC2-stop", "ec2_stop:Ec2Stop", "Ec2 stop"},
	} {
		n, err := namesOf(test.name)
		if err != nil || n.ref != test.ref || n.title != test.title || n.file != test.name {
			t.Errorf("%s: %+v, %v", test.name, n, err)
		}
	}
	for _, name := range []string{"", "1st", "-a", "a b", "a/b", "..", "a.b", "ä", "_a", "makefile", strings.Repeat("a", 61)} {
		_, err := namesOf(name)
		if _, ok := errors.AsType[*Refused](err); !ok {
			t.Errorf("%q is taken: %v", name, err)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	folder := t.TempDir()
	mine := filepath.Join(folder, "mine")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Write(Order{Kind: Attack, Name: "a", Folder: folder})
	if refused, ok := errors.AsType[*Refused](err); !ok || !strings.Contains(refused.Reason, "(mine)") {
		t.Errorf("written: %v", err)
	}
	if list := entriesOf(t, folder); !slices.Equal(list, []string{"mine"}) {
		t.Errorf("there is %v", list)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/nonexistent", dangling); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, dangling} {
		_, err := Write(Order{Kind: Attack, Name: "a", Folder: path})
		if refused, ok := errors.AsType[*Refused](err); !ok || !strings.HasPrefix(refused.Reason, path+" is there and no folder: ") {
			t.Errorf("written: %v", err)
		}
	}
}

func entriesOf(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestAFailureInTheMiddleLeavesWhatWasThere(t *testing.T) {
	all := []File{{Name: "a"}, {Name: "no/folder"}}
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := writeAll(fresh, all); err == nil {
		t.Fatal("written")
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	empty := t.TempDir()
	if err := writeAll(empty, all); err == nil {
		t.Fatal("written")
	}
	if list := entriesOf(t, empty); len(list) != 0 {
		t.Errorf("left: %v", list)
	}
}

func TestWhereTheSDKIsTakenFrom(t *testing.T) {
	root, elsewhere := clone(t), t.TempDir()
	for _, test := range []struct{ name, asked, place, want string }{
		{"no clone around", "", elsewhere, ""},
		{"the binary lies in a clone", "", filepath.Join(root, "bin"), root},
		{"asked for", "../..", elsewhere, root},
	} {
		got, err := sourcesFor(test.asked, []string{"", test.place})
		if err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
	if _, err := sourcesFor(elsewhere, nil); err == nil || !strings.Contains(err.Error(), "does not hold the sources of cmed") {
		t.Errorf("a folder without sources: %v", err)
	}
}

func TestModulePaths(t *testing.T) {
	for _, path := range []string{"a b", "/a", "a//b", "a/", "-a", "a\nb"} {
		_, err := Write(Order{Kind: Attack, Name: "a", Folder: filepath.Join(t.TempDir(), "a"), Module: path})
		if _, ok := errors.AsType[*Refused](err); !ok {
			t.Errorf("%q is taken: %v", path, err)
		}
	}
}

func TestAModuleThatCannotBeTidied(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("modul x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Tidy(t.Context(), folder); err == nil || !strings.HasPrefix(err.Error(), "go mod tidy: exit status 1\n") ||
		!strings.Contains(err.Error(), "modul") {
		t.Errorf("it says %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := Tidy(t.Context(), folder); !errors.Is(err, ErrNoGo) {
		t.Errorf("without go: %v", err)
	}
}

func TestGoEnvironment(t *testing.T) {
	got := goEnvironment([]string{"A=b", "GOWORK=/x/go.work", "GOFLAGS=-mod=vendor -modfile=x -buildvcs=false -modcacherw", "GO111MODULE=off"})
	want := []string{"A=b", "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false -modcacherw"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// The module asks for no other version of Go than the SDK does.
func TestGoVersion(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(text), "\ngo "+goVersion+"\n") {
		t.Errorf("go.mod does not say go %s: %v", goVersion, err)
	}
}
