package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxSocketPath is the shortest bound on a unix socket's path among the systems
// this runs on, without the closing zero: 103 on macOS and the BSDs, 107 on
// Linux (unix(7)).
const maxSocketPath = 103

// socketPathTail is what go-plugin adds to the folder it is given:
// "/plugin-dir" and "/plugin", each with a random number of up to ten digits.
const socketPathTail = len("/plugin-dir/plugin") + 20

// openRunRoot makes the folder in which each process gets one of its own:
// "run" in the state folder, or one in the system's temporary folder, named by
// the store and the state folder: a copy of the store, with a folder of its own,
// must not clear it. That is used where sockets in the first would have too long a path,
// and where plugins run as users who can't reach the state folder: these may
// pass through it, but not list it.
func (c Config) openRunRoot() (string, error) {
	root, mode := c.stateRoot(), os.FileMode(0o700)
	if len(c.RunAs) > 0 {
		mode = 0o711
	}
	if tooLong(root) || len(c.RunAs) > 0 {
		root = c.temporaryRoot()
	}
	if tooLong(root) {
		return "", fmt.Errorf("%s is too long for socket paths (at most %d bytes)", root, maxSocketPath-socketPathTail)
	}
	if err := os.MkdirAll(root, mode); err != nil {
		return "", fmt.Errorf("make the folder for running plugins: %w", err)
	}
	if err := private(root, mode); err != nil {
		return "", err
	}
	if len(c.RunAs) > 0 {
		return root, passable(root)
	}
	return root, nil
}

func (c Config) stateRoot() string { return filepath.Join(c.StateDir, "run") }

// temporaryRoot has less of the store in its name where the path would be too long.
func (c Config) temporaryRoot() string {
	root := filepath.Join(os.TempDir(), "cmed-"+c.StoreID+"-"+c.stateTag())
	if tooLong(root) {
		return filepath.Join(os.TempDir(), "cmed-"+c.StoreID[:min(8, len(c.StoreID))]+c.stateTag())
	}
	return root
}

// tooLong says whether sockets in a folder for running plugins have too long a path.
func tooLong(root string) bool { return len(root)+socketPathTail > maxSocketPath }

// stateTag stands for the state folder in a name.
func (c Config) stateTag() string {
	sum := sha256.Sum256([]byte(c.StateDir))
	return hex.EncodeToString(sum[:4])
}

// private makes sure that a folder is ours alone. In the temporary folder
// another user may have made it first.
func private(dir string, mode os.FileMode) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	if !ours(info) {
		return fmt.Errorf("%s belongs to somebody else", dir)
	}
	if err := os.Chmod(dir, mode); err != nil {
		return fmt.Errorf("keep %s private: %w", dir, err)
	}
	return nil
}

func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// passable checks that other users can get to what is in a folder.
func passable(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("look at %s: %w", at, err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("plugins that run as another user can't reach %s: %s has mode %04o", dir, at, info.Mode().Perm())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// clearRunRoot removes what dead processes left in the folder, but for the
// folders in use.
func (h *Host) clearRunRoot() error {
	h.making.Lock() // a folder is in use from the moment it is made
	defer h.making.Unlock()
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
	return errors.Join(err, h.removeOtherRoot())
}

// removeOtherRoot removes the folder for running plugins that a daemon before
// used if it was configured otherwise.
func (h *Host) removeOtherRoot() error {
	for _, root := range []string{h.cfg.stateRoot(), h.cfg.temporaryRoot()} {
		info, err := os.Lstat(root)
		if root == h.runRoot || err != nil || !info.IsDir() || !ours(info) {
			continue
		}
		if err := os.RemoveAll(root); err != nil {
			return fmt.Errorf("remove a folder of running plugins: %w", err)
		}
	}
	return nil
}

// leaveRunRoot removes the folder for running plugins from the system's temporary
// one, unless something is left in it.
func (h *Host) leaveRunRoot() {
	if h.runRoot != h.cfg.stateRoot() {
		_ = os.Remove(h.runRoot) // what is in it is found by the next host of the store
	}
}

// makeRunDir makes a folder and marks it as in use until removeRunDir.
func (h *Host) makeRunDir(prefix string) (string, error) {
	h.making.RLock()
	defer h.making.RUnlock()
	dir, err := os.MkdirTemp(h.runRoot, prefix)
	if err != nil {
		return "", fmt.Errorf("make a run folder: %w", err)
	}
	h.useRunDir(dir)
	return dir, nil
}

// useRunDir marks a folder as in use until removeRunDir.
// h.making is held for reading since it was made.
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
