package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// leftovers lists what is there of runs of this home: processes, files in the
// folders of running plugins, and sockets. While nothing runs it is empty.
func (h home) leftovers(t testing.TB) []string {
	t.Helper()
	var found []string
	for _, pid := range h.processes() {
		command, _ := os.ReadFile(procFile(pid, "cmdline")) // "" when it has just ended
		found = append(found, fmt.Sprintf("process %d: %q", pid, bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
	}
	for _, folder := range []string{filepath.Join(h.state, "run"), h.temporary()} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, e := range entries {
			if folder == h.temporary() && strings.HasPrefix(e.Name(), "cmed-") && isEmpty(filepath.Join(folder, e.Name())) {
				continue // where processes get their folders when the state folder's path is long
			}
			found = append(found, "file "+filepath.Join(folder, e.Name()))
		}
	}
	err := filepath.WalkDir(h.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed while we walk
		case err != nil:
			return err
		case path == filepath.Join(h.state, "cmed.sock"): // the daemon's own, as its lock is
		case e.Type()&fs.ModeSocket != 0:
			found = append(found, "socket "+path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isEmpty(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err == nil && len(entries) == 0
}

// checkClean fails the test when anything of a run is left.
func (h home) checkClean(t testing.TB) {
	t.Helper()
	for _, what := range h.leftovers(t) {
		t.Errorf("left behind: %s", what)
	}
}

// processes lists the plugin processes of this home and what they started: the
// path of the plugin's file is in their environment.
func (h home) processes() []int {
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	var pids []int
	mark := []byte(pluginv1.EnvPluginPath + "=" + h.dir + "/")
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		for entry := range bytes.SplitSeq(environ, []byte{0}) {
			if !bytes.HasPrefix(entry, mark) {
				continue
			}
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// sweep ends what a test that went wrong left running.
func (h home) sweep() {
	for _, pid := range h.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
	}
}

func procFile(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }
