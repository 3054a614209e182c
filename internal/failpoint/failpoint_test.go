package failpoint_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// The probe hits engine/claimed three times and prints what Hit returned.
func TestOnlyABuildWithTheTagHasFailpoints(t *testing.T) {
	t.Parallel()
	normal, tagged := build(t, "./testdata/probe"), build(t, "./testdata/probe", "-tags", "failpoints")
	const enospc = "failpoint engine/claimed: no space left on device\n"
	tests := []struct {
		name, binary, spec, want string
		signal                   syscall.Signal
		code                     int
	}{
		{name: "a normal build ignores a kill", binary: normal, spec: "engine/claimed=kill", want: "<nil>\n<nil>\n<nil>\n"},
		{name: "a normal build ignores what can't be read", binary: normal, spec: "nonsense", want: "<nil>\n<nil>\n<nil>\n"},
		{name: "without the variable nothing happens", binary: tagged, want: "<nil>\n<nil>\n<nil>\n"},
		{name: "an error at the first hit", binary: tagged, spec: "engine/claimed=error(ENOSPC)", want: enospc + "<nil>\n<nil>\n"},
		{name: "an error from the second hit on", binary: tagged, spec: "engine/claimed=error(ENOSPC)@2+", want: "<nil>\n" + enospc + enospc},
		{name: "a kill at the second hit", binary: tagged, spec: "engine/claimed=kill@2", want: "<nil>\n", signal: syscall.SIGKILL},
		{name: "a sleep returns nil", binary: tagged, spec: "engine/claimed=sleep(1ms)", want: "<nil>\n<nil>\n<nil>\n"},
		{name: "a step that is not hit", binary: tagged, spec: "store/commit=kill", want: "<nil>\n<nil>\n<nil>\n"},
		{
			name: "what can't be read ends the process", binary: tagged, spec: "engine/claimed", code: 2,
			want: "CMED_FAILPOINTS: \"engine/claimed\": want name=action\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), tt.binary)
			cmd.Env = []string{"CMED_FAILPOINTS=" + tt.spec}
			out, err := cmd.CombinedOutput()
			if string(out) != tt.want {
				t.Errorf("it printed\n%swant\n%s", out, tt.want)
			}
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok {
				t.Skip("this system has no wait status to look at")
			}
			if tt.signal != 0 {
				if !status.Signaled() || status.Signal() != tt.signal {
					t.Errorf("it ended with %v, want signal %v", cmd.ProcessState, tt.signal)
				}
			} else if status.ExitStatus() != tt.code {
				t.Errorf("it ended with %v, want exit code %d", cmd.ProcessState, tt.code)
			}
		})
	}
}

// The name of the variable is in a binary that could read it, as the tagged
// build shows.
func TestTheDaemonThatIsShippedDoesNotKnowTheVariable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags []string
		knows bool
	}{{"as it is shipped", nil, false}, {"with the tag", []string{"-tags", "failpoints"}, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binary := build(t, "../../cmd/cmed", tt.flags...)
			content, err := os.ReadFile(binary)
			if err != nil {
				t.Fatal(err)
			}
			if knows := bytes.Contains(content, []byte("CMED_FAILPOINTS")); knows != tt.knows {
				t.Errorf("the binary has the variable's name: %t, want %t", knows, tt.knows)
			}
			cmd := exec.CommandContext(t.Context(), binary, "version")
			cmd.Env = []string{"CMED_FAILPOINTS=nonsense"}
			if out, err := cmd.CombinedOutput(); (err != nil) != tt.knows {
				t.Errorf("it ended with %v: %s", err, out)
			}
		})
	}
}

func build(t *testing.T, pkg string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "binary")
	args := append(append([]string{"build"}, flags...), "-o", binary, pkg)
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// Every name must be hit somewhere, and nothing may be hit that has no name:
// else a torture round would wait for a kill that never comes.
func TestEachNameIsHitInTheCode(t *testing.T) {
	t.Parallel()
	constants := constants(t)
	hit := map[string]bool{}
	walk(t, filepath.Join("..", ".."), func(path string, arg ast.Expr) {
		name := nameOf(arg, constants)
		if !slices.Contains(failpoint.Names(), name) {
			t.Errorf("%s hits %q, which is not listed", path, name)
		}
		hit[name] = true
	})
	for _, name := range failpoint.Names() {
		if !hit[name] {
			t.Errorf("nothing hits %s", name)
		}
	}
}

func TestNamesHasEachConstantOnce(t *testing.T) {
	t.Parallel()
	var declared []string
	for _, name := range constants(t) {
		declared = append(declared, name)
	}
	listed := failpoint.Names()
	slices.Sort(declared)
	slices.Sort(listed)
	if !slices.Equal(declared, listed) {
		t.Errorf("declared are\n %v, listed are\n %v", declared, listed)
	}
}

// constants reads the names of the steps out of the source, by identifier.
func constants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "failpoint.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			found[spec.Names[0].Name] = nameOf(spec.Values[0], nil)
		}
		return true
	})
	return found
}

// nameOf resolves the argument of Hit: a literal, or a constant of the package.
func nameOf(arg ast.Expr, constants map[string]string) string {
	switch e := arg.(type) {
	case *ast.BasicLit:
		name, _ := strconv.Unquote(e.Value)
		return name
	case *ast.SelectorExpr:
		return constants[e.Sel.Name]
	default:
		return ""
	}
}

// walk calls visit with the argument of each failpoint.Hit in the daemon's code.
func walk(t *testing.T, root string, visit func(path string, arg ast.Expr)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || len(entry.Name()) > 2 && entry.Name()[0] == '.'):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(source), "failpoint.Hit(") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isHit(call) {
				visit(path, call.Args[0])
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isHit(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Hit" || len(call.Args) != 1 {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "failpoint"
}
