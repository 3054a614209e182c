package cmepython

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

//go:embed shim/*.py shim/cmedbridge/*.py shim/chaosmonkey/*.py shim/chaosmonkey/*/*.py
var shim embed.FS

// privateFolder makes a folder for one python process. Under the host it lies in
// the folder of this process: TMPDIR, or where it was started while it describes
// itself and has no such variable.
func privateFolder() (string, error) {
	parent := os.TempDir()
	if os.Getenv("TMPDIR") == "" && os.Getenv(pluginv1.EnvRun) != "" {
		wd, err := os.Getwd()
		if err != nil {
			return "", fmt.Errorf("find the own folder: %w", err)
		}
		parent = wd
	}
	dir, err := os.MkdirTemp(parent, "python-")
	if err != nil {
		return "", fmt.Errorf("make a folder for python: %w", err)
	}
	return dir, nil
}

// writeShim writes the Python side into a folder.
func writeShim(dir string) error {
	err := fs.WalkDir(shim, "shim", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.Mkdir(path, 0o700)
		}
		text, err := shim.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil {
		return fmt.Errorf("write the shim: %w", err)
	}
	return nil
}
