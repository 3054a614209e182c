package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
)

// patience bounds every wait of the tests for something that takes no time by
// itself. It is generous: two cores may be shared by many tests.
const patience = time.Minute

// repository is the root of the module, as seen from the tests.
const repository = "../.."

// built holds the binaries, made once for all tests.
var built binaries

// binaries are the programs under test, by path.
type binaries struct {
	dir    string
	daemon string // with the race detector when the tests have it
	// plain returns a daemon as it is shipped, without the race detector.
	plain func() (string, error)
	// thirdParty returns the attack of examples/third-party-attack.
	thirdParty func() (string, error)
	attacks    []string // the shipped ones and the test plugin
	testPlugin string   // of those, the test plugin
	planners   []string
}

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cmed-e2e-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the binaries:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := built.build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer dockertest.Stop()
	code := m.Run()
	if !keepsToDescription() && code == 0 {
		return 1
	}
	return code
}

// build makes what nearly every test needs, and prepares the rest.
func (b *binaries) build(dir string) error {
	b.dir = dir
	b.daemon = filepath.Join(dir, "cmed")
	b.testPlugin = filepath.Join(dir, "attacks", "testplugin")
	err := errors.Join(
		build(repository, b.daemon, raceEnabled, "./cmd/cmed"),
		build(repository, filepath.Join(dir, "attacks")+"/", false, "./plugins/attacks/...", "./internal/e2e/testplugin"),
		build(repository, filepath.Join(dir, "planners")+"/", false, "./plugins/planners/..."),
	)
	if err != nil {
		return err
	}
	b.plain = sync.OnceValues(func() (string, error) {
		path := filepath.Join(dir, "plain", "cmed")
		return path, build(repository, path, false, "./cmd/cmed")
	})
	b.thirdParty = sync.OnceValues(func() (string, error) {
		path := filepath.Join(dir, "file-marker")
		return path, build(filepath.Join(repository, "examples", "third-party-attack"), path, false, ".")
	})
	if b.attacks, err = filepath.Glob(filepath.Join(dir, "attacks", "*")); err != nil {
		return err
	}
	b.planners, err = filepath.Glob(filepath.Join(dir, "planners", "*"))
	return err
}

// build runs the go command in a folder: with the race detector, or static and
// stripped as a release is.
func build(folder, output string, race bool, packages ...string) error {
	flags, env := []string{"-ldflags", "-s -w"}, append(os.Environ(), "CGO_ENABLED=0")
	if race {
		flags, env = []string{"-race"}, os.Environ()
	}
	args := append([]string{"build", "-trimpath", "-o", output}, flags...)
	command := exec.Command("go", append(args, packages...)...)
	command.Dir, command.Env = folder, env
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %v: %w\n%s", packages, err, text)
	}
	return nil
}
