package install

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
// itself.
const patience = 60 * time.Second

// made is what the tests install.
type made struct {
	image      string // the folders that the image is made of
	testPlugin string
}

// build makes it once, for the tests that get as far as needing it.
var build = func() (made, error) { return made{}, errors.New("TestMain has not run") }

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cmed-install-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the programs:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	defer dockertest.Stop()
	build = sync.OnceValues(func() (made, error) { return buildIn(dir) })
	return m.Run()
}

// buildIn has the release program make the image's files, of which the unit's are
// a part, and builds the plugin of the tests.
func buildIn(dir string) (made, error) {
	all := made{filepath.Join(dir, "image"), filepath.Join(dir, "testplugin")}
	certificates := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(certificates, []byte("the authorities\n"), 0o600); err != nil {
		return all, err
	}
	for _, args := range [][]string{
		{"run", "./internal/release", "image", "-out", all.image, "-version", "1.2.3", "-certificates", certificates},
		{"build", "-trimpath", "-ldflags", "-s -w", "-o", all.testPlugin, "./internal/e2e/testplugin"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return all, fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return all, nil
}

// programs returns what the tests install.
func programs(t *testing.T) made {
	t.Helper()
	all, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
