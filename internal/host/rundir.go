package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketPath is the shortest bound on a unix socket's path among the systems
// this runs on, without the closing zero: 103 on macOS and the BSDs, 107 on
// Linux (unix(7)).
const maxSocketPath = 103

// socketPathTail is what go-plugin adds to the folder it is given:
// "/plugin-dir" and "/plugin", each with a random number of up to ten digits.
const socketPathTail = len("/plugin-dir/plugin") + 20

// openRunRoot makes the folder in which each process gets one of its own:
// "run" in the state folder, or, where sockets in there would have too long a
// path, one in the system's temporary folder named by the store.
func openRunRoot(stateDir, storeID string) (string, error) {
	root := filepath.Join(stateDir, "run")
	if len(root)+socketPathTail > maxSocketPath {
		root = filepath.Join(os.TempDir(), "cmed-"+storeID[:min(12, len(storeID))])
	}
	if len(root)+socketPathTail > maxSocketPath {
		return "", fmt.Errorf("both %s and %s are too long for socket paths (at most %d bytes)",
			stateDir, os.TempDir(), maxSocketPath-socketPathTail)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", fmt.Errorf("make the folder for running plugins: %w", err)
	}
	return root, private(root)
}

// private makes sure that a folder is ours alone. In the temporary folder
// another user may have made it first; then changing its mode fails.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return fmt.Errorf("%s belongs to somebody else: %w", dir, err)
	}
	return nil
}

// clearRunRoot removes what dead processes left in the folder, but for the
// folders in use.
func (h *Host) clearRunRoot() error {
	entries, err := os.ReadDir(h.runRoot)
	if err != nil {
		return fmt.Errorf("read the folder for running plugins: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range entries {
		dir := filepath.Join(h.runRoot, e.Name())
		if !h.runDirs[dir] {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// useRunDir marks a folder as in use until removeRunDir.
func (h *Host) useRunDir(dir string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runDirs[dir] = true
}

// removeRunDir removes a process's folder when the process is gone.
func (h *Host) removeRunDir(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		h.log.Warn("a plugin's folder can't be removed", "folder", dir, "error", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.runDirs, dir)
}
