package torture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries is where the daemon (cmed), the plugins and the test plugin are,
// built once for all tests.
var binaries string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	if binaries, err = os.MkdirTemp("", "cmed-e2e-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(binaries) }()
	for _, pkg := range []string{
		"cmd/cmed", "plugins/attacks/api_request", "plugins/planners/exact_planner",
		"plugins/planners/simple_planner", "internal/e2e/testplugin",
	} {
		if err := build(pkg, pkg == "cmd/cmed" && raceEnabled); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

// build makes the binary of a package of this module.
func build(pkg string, race bool) error {
	args := []string{"build", "-o", filepath.Join(binaries, filepath.Base(pkg))}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if race {
		args, env = append(args, "-race"), os.Environ()
	}
	command := exec.Command("go", append(args, "./"+pkg)...)
	command.Dir, command.Env = filepath.Join("..", ".."), env
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
